/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/numa-maps.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

/* The sum of the mappings with a policy. */
struct policy_sum {
	char *name;
	uint64_t kib;
};

struct sums {
	ARRAY(struct numa_pages) pages;
	ARRAY(struct policy_sum) policies;
};

static void add_pages(struct sums *s, int node, uint64_t page_kib, uint64_t kib)
{
	array_for_each (p, &s->pages)
		if (p->node == node && p->page_kib == page_kib) {
			p->kib += kib;
			return;
		}
	*array_push(&s->pages) = (struct numa_pages){ node, page_kib, kib };
}

static void add_policy(struct sums *s, const char *name, uint64_t kib)
{
	array_for_each (p, &s->policies)
		if (streq(p->name, name)) {
			p->kib += kib;
			return;
		}
	*array_push(&s->policies) = (struct policy_sum){ xstrdup(name), kib };
}

static int by_node(const void *a, const void *b)
{
	const struct numa_pages *x = a, *y = b;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return (x->page_kib > y->page_kib) - (x->page_kib < y->page_kib);
}

/* Into the arena. */
static void finish(struct arena *a, struct sums *s, struct numa_memory *ret)
{
	uint64_t most = 0;
	*ret = (struct numa_memory){ .n = s->pages.n };
	if (s->pages.n)
		qsort(s->pages.v, s->pages.n, sizeof *s->pages.v, by_node);
	ret->v = arena_dup(a, s->pages.v, s->pages.n, sizeof *s->pages.v);
	array_for_each (p, &s->policies) {
		if (p->kib >= most) {
			most = p->kib;
			ret->policy = arena_strdup(a, p->name);
		}
		free(p->name);
	}
	free(s->pages.v);
	free(s->policies.v);
}

/* "N0=1024" */
static bool parse_node(const char *word, int *ret_node, uint64_t *ret_n)
{
	uint64_t node, n;
	const char *p = str_after(word, "N");
	if (!p || !str_take_u64(&p, &node) || node > INT_MAX || *p++ != '=' ||
		!str_take_u64(&p, &n) || *p)
		return false;
	*ret_node = (int)node;
	*ret_n = n;
	return true;
}

/* A guest's memory is anonymous, of hugetlbfs, or shared through a memfd or /dev/shm; what else is
 * mapped are programs and libraries. */
static bool is_memory(const char *line)
{
	return strstr(line, " anon=") || strstr(line, " huge ") || strstr(line, " file=/memfd:") ||
		strstr(line, " file=/dev/shm/");
}

static void add_mapping(struct sums *s, char *line)
{
	const char *size = strstr(line, " kernelpagesize_kB=");
	uint64_t page_kib, n, kib, sum = 0;
	if (!is_memory(line) || !size)
		return;
	size = strchr(size, '=') + 1;
	if (!str_take_u64(&size, &page_kib) || !page_kib)
		return;
	(void)str_next_word(&line); /* the address */
	const char *policy = str_next_word(&line);
	for (char *word; (word = str_next_word(&line));) {
		int node;
		if (!parse_node(word, &node, &n) || __builtin_mul_overflow(n, page_kib, &kib))
			continue;
		add_pages(s, node, page_kib, kib);
		sum += kib;
	}
	if (policy)
		add_policy(s, policy, sum);
}

void numa_maps_parse(struct arena *a, const char *text, struct numa_memory *ret)
{
	struct sums sums = { 0 };
	AUTO_FREE char *copy = xstrdup(text);
	char *next = copy;
	for (char *line; (line = str_next_line(&next));)
		add_mapping(&sums, line);
	finish(a, &sums, ret);
}

void numa_stat_parse(struct arena *a, const char *text, struct numa_memory *ret)
{
	struct sums sums = { 0 };
	AUTO_FREE char *copy = xstrdup(text);
	char *next = copy;
	for (char *line; (line = str_next_line(&next));) {
		const char *name = str_next_word(&line);
		if (!name || (!streq(name, "anon") && !streq(name, "shmem")))
			continue;
		for (char *word; (word = str_next_word(&line));) {
			uint64_t bytes;
			int node;
			if (parse_node(word, &node, &bytes) && bytes)
				add_pages(&sums, node, 0, bytes / 1024);
		}
	}
	finish(a, &sums, ret);
}
