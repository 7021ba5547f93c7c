/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/zoneinfo.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"

/* "     59204": no more than fit into the numbers of JSON. */
static bool parse_pages(const char *text, uint64_t *ret)
{
	uint64_t n;
	if (str_to_u64(text, &n) < 0 || n > INT64_MAX)
		return false;
	*ret = n;
	return true;
}

/* "  pages free     59204" and, below it, "        min      84"; "        managed  506521". */
static bool zone_value(const char *line, struct zone *z)
{
	char key[16];
	int n_key = 0;
	const char *pages = str_after(line, "  pages free");
	if (pages)
		return parse_pages(pages, &z->free);
	struct {
		const char *key;
		uint64_t *value;
	} rows[] = { { "min", &z->min }, { "low", &z->low }, { "high", &z->high },
		{ "managed", &z->managed } };
	/* Counters per CPU and the list "protection: (0, …)" look different or have other names. */
	if (!str_after(line, "        ") || sscanf(line, " %15[a-z]%n", key, &n_key) != 1)
		return true;
	for (size_t i = 0; i < N_ELEMENTS(rows); i++)
		if (streq(key, rows[i].key))
			return parse_pages(line + n_key, rows[i].value);
	return true;
}

/* "Node 0, zone   Normal" */
static bool parse_head(struct arena *a, const char *line, struct zone *ret)
{
	char name[32];
	int node;
	if (sscanf(line, "Node %d, zone %31s", &node, name) != 2 || node < 0)
		return false;
	*ret = (struct zone){ .node = node, .name = arena_strdup(a, name) };
	return true;
}

int zoneinfo_parse(struct arena *a, const char *text, struct zones *ret)
{
	ARRAY(struct zone) all = { 0 };
	struct zone *zone = NULL; /* whose head this line is in */
	int odd = 0;
	AUTO_FREE char *copy = xstrdup(text);
	char *next = copy, *line;
	for (int nr = 1; (line = str_next_line(&next)); nr++) {
		bool is_good = all.n > 0;
		struct zone head;
		if (str_after(line, "Node ")) {
			is_good = parse_head(a, line, &head);
			if (all.n && !all.v[all.n - 1].managed)
				all.n--;
			zone = is_good ? array_push(&all) : NULL;
			if (zone)
				*zone = head;
		} else if (str_after(line, "  pagesets")) {
			zone = NULL;
		} else if (zone) {
			is_good = zone_value(line, zone);
		}
		if (!is_good && !odd)
			odd = nr;
	}
	if (all.n && !all.v[all.n - 1].managed)
		all.n--;
	*ret = (struct zones){ arena_dup(a, all.v, all.n, sizeof *all.v), all.n };
	free(all.v);
	return odd;
}
