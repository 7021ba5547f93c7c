/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of /proc/meminfo and of a node's meminfo. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/* /sys/devices/system/node/node0/meminfo: "Node 0 MemTotal:       65849216 kB", and /proc/meminfo
 * without "Node 0 " (Documentation/admin-guide/mm/numaperf.rst, filesystems/proc.rst). False where
 * the text has no such line, or one that is no number. */
bool meminfo_value(const char *text, const char *key, uint64_t *ret) MUST_CHECK;
