/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of each NUMA node: how much, huge pages, tiers. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "kernel/meminfo.h"
#include "model/read.h"

/* What is given to who needs it. */
static uint64_t cache_of(const char *text)
{
	static const char *const keys[] = { "Active(file)", "Inactive(file)", "SReclaimable" };
	uint64_t sum = 0, kib;
	for (size_t i = 0; i < N_ELEMENTS(keys); i++)
		if (meminfo_value(text, keys[i], &kib))
			sum += kib;
	return sum;
}

/* A machine without NUMA has node 0 and no directory of it. */
static void read_meminfo(struct host *h, struct snapshot *s, struct node *node)
{
	AUTO_FREE char *path = xasprintf("sys/devices/system/node/node%d/meminfo", node->node);
	AUTO_FREE char *text = NULL;
	if (read_file(h, s, path, &text) < 0 &&
		(s->n_nodes > 1 || host_read(h, &text, NULL, "proc/meminfo") < 0)) {
		node->is_memory_unknown = !node->has_memory; /* hwloc may know it */
		node->is_free_unknown = true;
		return;
	}
	node->is_memory_unknown = !meminfo_value(text, "MemTotal", &node->mem_total_kib);
	node->is_free_unknown = !meminfo_value(text, "MemFree", &node->mem_free_kib);
	node->mem_cache_kib = cache_of(text);
	if (node->is_memory_unknown || node->is_free_unknown)
		snapshot_note(
			s, "%s: has no %s", path, node->is_memory_unknown ? "MemTotal" : "MemFree");
	node->has_memory = node->mem_total_kib > 0;
}

static bool read_pages(struct host *h, struct snapshot *s, int node, const char *size,
	const char *file, uint64_t *ret)
{
	int64_t n = read_number(
		h, s, "sys/devices/system/node/node%d/hugepages/%s/%s", node, size, file);
	*ret = n < 0 ? 0 : (uint64_t)n;
	return n >= 0;
}

/* …/node0/hugepages/hugepages-2048kB/{nr,free,surplus}_hugepages
 * (Documentation/admin-guide/mm/hugetlbpage.rst) */
static void read_hugepages(struct host *h, struct snapshot *s, struct node *node)
{
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, "sys/devices/system/node/node%d/hugepages", node->node) < 0)
		return;
	node->hugepages = arena_alloc(&s->arena, names.n * sizeof *node->hugepages);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];
		unsigned long long size;
		struct hugepages *pages = &node->hugepages[node->n_hugepages];
		if (sscanf(name, "hugepages-%llukB", &size) != 1 ||
			!read_pages(h, s, node->node, name, "nr_hugepages", &pages->total) ||
			!read_pages(h, s, node->node, name, "free_hugepages", &pages->free))
			continue;
		/* Kernels before 2.6.30 have no surplus per node: absent is none there. */
		(void)read_pages(h, s, node->node, name, "surplus_hugepages", &pages->surplus);
		pages->size_kib = size;
		node->n_hugepages++;
	}
}

/* /sys/devices/virtual/memory_tiering/memory_tier4/nodelist: "0-1"
 * (Documentation/ABI/testing/sysfs-kernel-mm-memory-tiers) */
static void read_tiers(struct host *h, struct snapshot *s)
{
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, "sys/devices/virtual/memory_tiering") < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		const char *number = str_after(names.v[i], "memory_tier");
		int tier;
		if (!number || str_to_int(number, &tier) < 0)
			continue;
		const struct cpuset *nodes = read_cpulist(
			h, s, "sys/devices/virtual/memory_tiering/%s/nodelist", names.v[i]);
		for (size_t k = 0; nodes && k < s->n_nodes; k++)
			if (cpuset_has(nodes, s->nodes[k].node))
				s->nodes[k].tier = tier;
	}
}

void read_memory(struct host *h, struct snapshot *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		s->nodes[i].tier = -1;
		read_meminfo(h, s, &s->nodes[i]);
		read_hugepages(h, s, &s->nodes[i]);
	}
	read_tiers(h, s);
}
