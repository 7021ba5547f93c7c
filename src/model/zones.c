/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/zones.h"

#include <errno.h>
#include <stdio.h>

#include "base/str.h"
#include "model/read.h"

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

/*
 *	Node 0, zone   Normal
 *	  pages free     59204
 *	        boost    0
 *	        min      10865
 *	        low      13581
 *	        high     16297
 *	        spanned  6029312
 *	        present  6029312
 *	        managed  5922086
 *	        …
 *	  pagesets
 *	    cpu: 0
 *	              count: 312
 *	              high:  348
 */
int zones_parse(struct arena *a, const char *text, struct zones *ret)
{
	ARRAY(struct zone) all = { 0 };
	bool is_in_head = false;
	int bad = 0;
	AUTO_FREE char *copy = xstrdup(text);
	char *next = copy, *line;
	for (int nr = 1; !bad && (line = str_next_line(&next)); nr++) {
		char name[32];
		int node;
		if (str_after(line, "Node ")) {
			if (sscanf(line, "Node %d, zone %31s", &node, name) != 2 || node < 0) {
				bad = nr;
				break;
			}
			if (all.n && !all.v[all.n - 1].managed)
				all.n--;
			*array_push(&all) =
				(struct zone){ .node = node, .name = arena_strdup(a, name) };
			is_in_head = true;
		} else if (!all.n) {
			bad = nr;
		} else if (is_in_head) {
			is_in_head = !str_after(line, "  pagesets");
			if (is_in_head && !zone_value(line, &all.v[all.n - 1]))
				bad = nr;
		}
	}
	if (all.n && !all.v[all.n - 1].managed)
		all.n--;
	ret->v = arena_dup(a, all.v, all.n, sizeof *all.v);
	ret->n = all.n;
	free(all.v);
	return bad;
}

int read_zones(struct host *h, struct snapshot *s, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(h, &text, NULL, "proc/zoneinfo");
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "read /proc/zoneinfo");
	int line = zones_parse(&s->arena, text, &s->zones);
	return line ? err_say(e, -EINVAL, "/proc/zoneinfo:%d: not in the kernel's format", line)
		    : 0;
}
