/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/pressure.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

/* The number behind " total=", which ends the line. */
static bool take_total(const char *line, const char *end, uint64_t *ret)
{
	const char *p = memmem(line, (size_t)(end - line), " total=", 7);
	if (!p || *end != '\n')
		return false;
	p += 7;
	return str_take_u64(&p, ret) && p == end;
}

int pressure_parse(const char *text, struct pressure *ret)
{
	struct pressure r = { 0 };
	bool has_some = false;
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		uint64_t total;
		end = str_line_end(line);
		if (!take_total(line, end, &total))
			continue;
		if (str_after(line, "some ")) {
			r.some_us = total;
			has_some = true;
		} else if (str_after(line, "full ")) {
			r.full_us = total;
		}
	}
	if (!has_some)
		return -EINVAL;
	*ret = r;
	return 0;
}
