/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who holds locks on files: /proc/locks (Documentation/filesystems/proc.rst, 1.2). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* "1: FLOCK  ADVISORY  WRITE 4113 00:1b:1254 0 EOF": true when somebody has an exclusive flock(2)
 * on the file of that inode. Lines with "->" only wait for one. */
bool locks_has_flock(const char *text, uint64_t inode);
