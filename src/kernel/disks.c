/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/disks.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

enum { N_FIELDS = 11 }; /* of every kernel since 2.6; later ones add to them */

static bool parse_line(struct arena *a, const char *p, const char *end, struct disk_counts *ret)
{
	uint64_t major, minor, v[N_FIELDS];
	if (*end != '\n' || !str_take_u64(&p, &major) || !str_take_u64(&p, &minor))
		return false;
	p = str_skip_blanks(p);
	size_t n = strcspn(p, " \t\n");
	const char *name = p;
	p += n;
	for (size_t i = 0; i < N_FIELDS; i++)
		if (!str_take_u64(&p, &v[i]))
			return false;
	if (!n || p > end)
		return false;
	*ret = (struct disk_counts){ arena_strndup(a, name, n), v[0], v[3], v[4], v[7], v[9] };
	return true;
}

int disks_parse(struct arena *a, const char *text, struct disks *ret)
{
	ARRAY(struct disk_counts) all = { 0 };
	int odd = 0, nr = 1;
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end, nr++) {
		struct disk_counts d;
		end = str_line_end(line);
		if (parse_line(a, line, end, &d))
			*array_push(&all) = d;
		else if (!odd)
			odd = nr;
	}
	*ret = (struct disks){ arena_dup(a, all.v, all.n, sizeof *all.v), all.n };
	free(all.v);
	return odd;
}

const struct disk_counts *disks_find(const struct disks *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (streq(d->v[i].name, name))
			return &d->v[i];
	return NULL;
}
