/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/numa-maps.h"

#include <stdbool.h>

#include "fuzz.h"

/* Nodes and page sizes are there once each, in order. */
static void check(const struct numa_memory *m, bool has_page_sizes)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct numa_pages *p = &m->v[i];
		must(p->node >= 0 && !has_page_sizes == !p->page_kib);
		must(!i || p->node > p[-1].node ||
			(p->node == p[-1].node && p->page_kib > p[-1].page_kib));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct numa_memory m;
	numa_maps_parse(&a, text, &m);
	check(&m, true);
	numa_stat_parse(&a, text, &m);
	check(&m, false);
	return 0;
}
