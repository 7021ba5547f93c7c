/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is mounted where: /proc/PID/mounts (Documentation/filesystems/proc.rst, 3.5 and fstab(5)).
 */
#pragma once

#include <stddef.h>

#include "base/attr.h"

struct arena;

struct mount {
	const char *dir, *type, *options; /* blanks and the like as they are, not as "\040" */
};

struct mounts {
	struct mount *v; /* the later one is on top */
	size_t n;
};

/* "hugetlbfs /mnt/huge hugetlbfs rw,relatime,pagesize=1024M 0 0". In the arena. Returns 0, or the
 * number of the first line that is not so; such lines are left out. */
int mounts_parse(struct arena *a, const char *text, struct mounts *ret) MUST_CHECK;

/* The text behind "NAME=" of the option, up to the next comma or the end; NULL without it. */
const char *mount_option(const struct mount *m, const char *name);
