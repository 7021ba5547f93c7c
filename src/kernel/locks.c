/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/locks.h"

#include <stdio.h>

#include "base/str.h"

bool locks_has_flock(const char *text, uint64_t inode)
{
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		unsigned long long its;
		end = str_line_end(line);
		if (sscanf(line, "%*d: FLOCK ADVISORY WRITE %*d %*x:%*x:%llu", &its) == 1 &&
			its == inode)
			return true;
	}
	return false;
}
