/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of each NUMA node. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model/read.h"

/* /sys/devices/system/node/node0/meminfo: "Node 0 MemTotal:       65849216 kB" */
static bool meminfo_value(const char *text, const char *key, uint64_t *ret)
{
	const char *at = strstr(text, key);
	unsigned long long kib;
	if (!at || sscanf(at + strlen(key), ": %llu kB", &kib) != 1)
		return false;
	*ret = kib;
	return true;
}

/* …/node0/hugepages/hugepages-2048kB/{nr,free}_hugepages
 * (Documentation/admin-guide/mm/hugetlbpage.rst) */
static void read_hugepages(struct host *h, struct snapshot *s, struct node *node)
{
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, "sys/devices/system/node/node%d/hugepages", node->node) < 0)
		return;
	node->hugepages = arena_alloc(&s->arena, names.n * sizeof *node->hugepages);
	for (size_t i = 0; i < names.n; i++) {
		unsigned long long size;
		struct hugepages *pages = &node->hugepages[node->n_hugepages];
		if (sscanf(names.v[i], "hugepages-%llukB", &size) != 1)
			continue;
		const char *total =
			read_text(h, s, "sys/devices/system/node/node%d/hugepages/%s/nr_hugepages",
				node->node, names.v[i]);
		const char *free_pages = read_text(h, s,
			"sys/devices/system/node/node%d/hugepages/%s/free_hugepages", node->node,
			names.v[i]);
		if (total && free_pages && str_to_u64(total, &pages->total) == 0 &&
			str_to_u64(free_pages, &pages->free) == 0) {
			pages->size_kib = size;
			node->n_hugepages++;
		}
	}
}

void read_memory(struct host *h, struct snapshot *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		struct node *node = &s->nodes[i];
		const char *text =
			read_text(h, s, "sys/devices/system/node/node%d/meminfo", node->node);
		if (text && meminfo_value(text, "MemTotal", &node->mem_total_kib))
			node->has_memory = node->mem_total_kib > 0;
		if (text)
			meminfo_value(text, "MemFree", &node->mem_free_kib);
		read_hugepages(h, s, node);
	}
}
