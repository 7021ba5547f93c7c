/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/distances.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>

#include "base/alloc.h"
#include "base/str.h"

int distances_parse(struct arena *a, const char *text, int **ret, size_t *ret_n)
{
	ARRAY(int) all = { 0 };
	uint64_t distance;
	const char *p = text;
	while (str_take_u64(&p, &distance) && distance <= INT_MAX &&
		(!*p || isspace((unsigned char)*p)))
		*array_push(&all) = (int)distance;
	p = str_skip_blanks(p);
	bool is_good = all.n && (*p == '\n' || !*p);
	if (is_good) {
		*ret = arena_dup(a, all.v, all.n, sizeof *all.v);
		*ret_n = all.n;
	}
	free(all.v);
	return is_good ? 0 : -EINVAL;
}
