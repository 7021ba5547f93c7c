/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/task-sched.h"

#include <errno.h>

#include "base/str.h"

int schedstat_parse(const char *text, struct schedstat *ret)
{
	uint64_t run, wait, slices;
	if (!str_take_u64(&text, &run) || !str_take_u64(&text, &wait) ||
		!str_take_u64(&text, &slices))
		return -EINVAL;
	*ret = (struct schedstat){ run, wait };
	return 0;
}

int sched_migrations_parse(const char *text, uint64_t *ret)
{
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		end = str_line_end(line);
		const char *p = str_after(line, "se.nr_migrations");
		if (!p || *(p = str_skip_blanks(p)) != ':')
			continue;
		p++;
		return str_take_u64(&p, ret) ? 0 : -EINVAL;
	}
	return -ENODATA;
}
