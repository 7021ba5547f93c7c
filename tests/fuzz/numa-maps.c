/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/numa_maps and memory.numa_stat. */
#include "fuzz.h"
#include "vm/memory.h"

/* Nodes are there once each, and their pages of known size are not more than all. */
static void check(const struct vm_memory *m)
{
	array_for_each (n, &m->nodes) {
		uint64_t sum = 0;
		must(n->node >= 0);
		for (struct memory_node *other = n + 1; other < m->nodes.v + m->nodes.n; other++)
			must(other->node != n->node);
		array_for_each (p, &n->pages) {
			must(p->page_kib);
			sum += p->kib;
		}
		must(!n->pages.n || sum == n->kib || !m->policy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	struct vm_memory maps = { 0 }, stat = { 0 };
	numa_maps_parse(&a, arena_strndup(&a, (const char *)data, size), &maps);
	numa_stat_parse(&a, arena_strndup(&a, (const char *)data, size), &stat);
	check(&maps);
	check(&stat);
	return 0;
}
