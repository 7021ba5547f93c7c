/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shape.h"

#include <string.h>

#include "base/str.h"
#include "files.h"

/* ---- which CPU is where ---- */

static void add_cpu(struct shape_layout *l, int nr, int core, int core_id, int l3, int node,
	int socket, enum shape_kind kind)
{
	*array_push(&l->cpus) =
		(struct shape_cpu){ nr, core, core_id, l3, node, socket, kind, true };
}

/* Big cores by number, then small and tiny ones. */
static void add_cpus(struct shape_layout *l)
{
	const struct shape *s = &l->shape;
	int n = l->n_cores * s->threads;
	for (int nr = 0; nr < n; nr++) {
		int core = s->is_interleaved ? nr % l->n_cores : nr / s->threads;
		int l3 = core / s->cores, node = l3 / s->l3s, socket = node / s->nodes;
		add_cpu(l, nr + (nr >= n / 2 ? s->gap : 0), core, core % (l->n_cores / s->sockets),
			s->has_no_l3 ? -1 : l3, node, socket, SHAPE_BIG);
	}
	n += s->gap;
	for (int i = 0; i < s->small + s->tiny; i++, l->n_cores++)
		add_cpu(l, n + i, l->n_cores, l->n_cores, i < s->small ? l->n_l3s - 1 : -1,
			l->n_nodes - 1, s->sockets - 1, i < s->small ? SHAPE_SMALL : SHAPE_TINY);
}

void shape_lay_out(struct shape_layout *ret, const struct shape *shape)
{
	struct shape_layout *l = ret;
	*l = (struct shape_layout){ .shape = *shape };
	l->shape.has_no_l3 |= !shape->l3s;
	l->shape.l3s = shape->l3s ? shape->l3s : 1;
	l->n_nodes = shape->sockets * shape->nodes;
	l->n_l3s = l->n_nodes * l->shape.l3s;
	l->n_cores = l->n_l3s * shape->cores;
	add_cpus(l);
	l->of_node = xcalloc((size_t)l->n_nodes + (size_t)shape->memory_nodes, sizeof *l->of_node);
	l->of_socket = xcalloc((size_t)shape->sockets, sizeof *l->of_socket);
	l->of_l3 = xcalloc((size_t)l->n_l3s, sizeof *l->of_l3);
	l->of_core = xcalloc((size_t)l->n_cores, sizeof *l->of_core);
	struct cpuset off = files_set(shape->offline ? shape->offline : "");
	array_for_each (c, &l->cpus) {
		c->is_online = !cpuset_has(&off, c->nr);
		cpuset_add(&l->present, c->nr);
		if (!c->is_online)
			continue;
		cpuset_add(&l->online, c->nr);
		cpuset_add(&l->of_node[c->node], c->nr);
		cpuset_add(&l->of_socket[c->socket], c->nr);
		cpuset_add(&l->of_core[c->core], c->nr);
		cpuset_add(&l->of_kind[c->kind], c->nr);
		if (c->l3 >= 0)
			cpuset_add(&l->of_l3[c->l3], c->nr);
	}
}

void shape_done(struct shape_layout *l)
{
	free(l->cpus.v);
	free(l->of_node);
	free(l->of_socket);
	free(l->of_l3);
	free(l->of_core);
}

/* ---- as files ---- */

/* "DIR/thread_siblings" and "DIR/thread_siblings_list" */
static void put_set(const struct shape_layout *l, const char *root, const struct cpuset *set,
	const char *dir, const char *mask, const char *list)
{
	int last = l->cpus.v[l->cpus.n - 1].nr;
	files_put_mask(root, set, last + 1, "%s/%s", dir, mask);
	files_put_list(root, set, "%s/%s", dir, list);
}

static void put_cache(const struct shape_layout *l, const char *root, int nr, int index, int level,
	const char *type, int kib, const struct cpuset *shared)
{
	AUTO_FREE char *dir = xasprintf("sys/devices/system/cpu/cpu%d/cache/index%d", nr, index);
	AUTO_FREE char *size = xasprintf("%dK\n", kib);
	files_put_number(root, level, "%s/level", dir);
	files_put(root, type, "%s/type", dir);
	files_put(root, size, "%s/size", dir);
	files_put(root, "64\n", "%s/coherency_line_size", dir);
	files_put(root, "16\n", "%s/ways_of_associativity", dir);
	files_put_number(root, kib, "%s/number_of_sets", dir);
	put_set(l, root, shared, dir, "shared_cpu_map", "shared_cpu_list");
}

/* Four small cores share an L2. */
static struct cpuset l2_of(const struct shape_layout *l, const struct shape_cpu *c)
{
	struct cpuset set = l->of_core[c->core];
	int first_small = l->n_cores - l->shape.small - l->shape.tiny;
	array_for_each (o, &l->cpus)
		if (c->kind == SHAPE_SMALL && o->kind == SHAPE_SMALL && o->is_online &&
			(o->core - first_small) / 4 == (c->core - first_small) / 4)
			cpuset_add(&set, o->nr);
	return set;
}

static void put_caches(const struct shape_layout *l, const char *root, const struct shape_cpu *c)
{
	const struct shape *s = &l->shape;
	struct cpuset l1 = s->has_private_caches ? cpuset_of(c->nr) : l->of_core[c->core];
	struct cpuset l2 = s->has_private_caches ? l1 : l2_of(l, c);
	if (!s->is_lean) {
		put_cache(l, root, c->nr, 0, 1, "Data\n", 32, &l1);
		put_cache(l, root, c->nr, 1, 1, "Instruction\n", 32, &l1);
		put_cache(
			l, root, c->nr, 2, 2, "Unified\n", c->kind == SHAPE_BIG ? 1024 : 2048, &l2);
	}
	if (c->l3 < 0)
		return;
	bool is_small = c->l3 % s->l3s >= s->l3s - s->small_l3s;
	put_cache(l, root, c->nr, 3, 3, "Unified\n", is_small ? s->l3_kib / 3 : s->l3_kib,
		&l->of_l3[c->l3]);
}

static void put_frequencies(const char *root, const char *cpu, int khz)
{
	files_put_number(root, khz, "%s/cpufreq/cpuinfo_max_freq", cpu);
	files_put_number(root, 800000, "%s/cpufreq/cpuinfo_min_freq", cpu);
	files_put_number(root, khz, "%s/cpufreq/scaling_max_freq", cpu);
	files_put_number(root, 800000, "%s/cpufreq/scaling_min_freq", cpu);
	files_put(root, "schedutil\n", "%s/cpufreq/scaling_governor", cpu);
	files_put(root, "acpi-cpufreq\n", "%s/cpufreq/scaling_driver", cpu);
}

/* Documentation/admin-guide/cputopology.rst */
static void put_cpu(const struct shape_layout *l, const char *root, const struct shape_cpu *c)
{
	static const int mhz[N_SHAPE_KINDS] = { 5600, 4300, 2500 };
	AUTO_FREE char *cpu = xasprintf("sys/devices/system/cpu/cpu%d", c->nr);
	AUTO_FREE char *dir = xasprintf("%s/topology", cpu);
	files_put_number(root, c->is_online, "%s/online", cpu);
	if (!c->is_online)
		return;
	const struct cpuset *core = &l->of_core[c->core], *socket = &l->of_socket[c->socket];
	files_put_number(root, c->core_id, "%s/core_id", dir);
	files_put_number(root, c->socket, "%s/physical_package_id", dir);
	files_put_number(root, 0, "%s/die_id", dir);
	put_set(l, root, core, dir, "thread_siblings", "thread_siblings_list");
	put_set(l, root, core, dir, "core_cpus", "core_cpus_list");
	put_set(l, root, socket, dir, "core_siblings", "core_siblings_list");
	put_set(l, root, socket, dir, "package_cpus", "package_cpus_list");
	put_set(l, root, socket, dir, "die_cpus", "die_cpus_list");
	if (!l->shape.is_lean)
		put_frequencies(root, cpu, mhz[c->kind] * 1000);
	if (!l->shape.has_no_caches)
		put_caches(l, root, c);
}

static void put_cpus(const struct shape_layout *l, const char *root)
{
	files_put_list(root, &l->present, "sys/devices/system/cpu/possible");
	files_put_list(root, &l->present, "sys/devices/system/cpu/present");
	files_put_list(root, &l->online, "sys/devices/system/cpu/online");
	files_put(root, "\n", "sys/devices/system/cpu/isolated");
	AUTO_STRBUF struct strbuf info = { 0 }, stat = { 0 };
	strbuf_puts(&stat, "cpu  0 0 0 0 0 0 0 0 0 0\n");
	array_for_each (c, &l->cpus) {
		put_cpu(l, root, c);
		if (!c->is_online)
			continue;
		strbuf_printf(&info, "processor\t: %d\nvendor_id\t: GenuineIntel\n\n", c->nr);
		strbuf_printf(&stat, "cpu%d %d 0 50 90000 4 0 3 0 0 0\n", c->nr, 10 * c->nr);
	}
	strbuf_puts(&stat, "intr 0\nctxt 1\nbtime 1700000000\nprocesses 1\n");
	files_put(root, info.s, "proc/cpuinfo");
	files_put(root, stat.s, "proc/stat");
	if (l->shape.small || l->shape.tiny) {
		struct cpuset small = cpuset_or(&l->of_kind[SHAPE_SMALL], &l->of_kind[SHAPE_TINY]);
		files_put_list(root, &l->of_kind[SHAPE_BIG], "sys/devices/cpu_core/cpus");
		files_put_list(root, &small, "sys/devices/cpu_atom/cpus");
	}
}

static void put_huge_pages(const char *root, const char *dir, long kib)
{
	const struct {
		int kib;
		long n, n_free;
	} sizes[] = { { 2048, kib / 2048 / 4, kib / 2048 / 8 }, { 1048576, 4, 1 } };
	for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
		AUTO_FREE char *at = xasprintf("%s/hugepages/hugepages-%dkB", dir, sizes[i].kib);
		files_put_number(root, sizes[i].n, "%s/nr_hugepages", at);
		files_put_number(root, sizes[i].n_free, "%s/free_hugepages", at);
		files_put_number(root, 0, "%s/surplus_hugepages", at);
	}
}

/* Documentation/ABI/stable/sysfs-devices-node */
static void put_node(const struct shape_layout *l, const char *root, int node, int n)
{
	AUTO_FREE char *dir = xasprintf("sys/devices/system/node/node%d", node);
	const struct shape *s = &l->shape;
	bool has_memory = node != s->no_memory;
	long kib = has_memory ? s->mem_mib * 1024L : 0;
	put_set(l, root, &l->of_node[node], dir, "cpumap", "cpulist");
	AUTO_FREE char *meminfo =
		xasprintf("Node %d MemTotal: %13ld kB\nNode %d MemFree: %14ld kB\n", node, kib,
			node, kib / (node + 2));
	files_put(root, meminfo, "%s/meminfo", dir);
	AUTO_STRBUF struct strbuf distance = { 0 };
	for (int i = 0; i < n; i++) {
		bool is_near = i < l->n_nodes && i / s->nodes == node / s->nodes;
		strbuf_printf(&distance, i ? " %d" : "%d", i == node ? 10 : is_near ? 12 : 32);
	}
	strbuf_puts(&distance, "\n");
	files_put(root, distance.s, "%s/distance", dir);
	if (has_memory && !s->is_lean)
		put_huge_pages(root, dir, kib);
}

static void put_nodes(const struct shape_layout *l, const char *root)
{
	int n = l->n_nodes + l->shape.memory_nodes;
	struct cpuset nodes = CPUSET_EMPTY;
	for (int i = 0; i < n; i++) {
		put_node(l, root, i, n);
		cpuset_add(&nodes, i);
	}
	files_put_list(root, &nodes, "sys/devices/system/node/online");
	files_put_list(root, &nodes, "sys/devices/system/node/possible");
	AUTO_FREE char *meminfo = xasprintf("MemTotal: %13ld kB\nMemFree: %14ld kB\n",
		l->shape.mem_mib * 1024L * n, l->shape.mem_mib * 512L * n);
	files_put(root, meminfo, "proc/meminfo");
}

void shape_put(const struct shape_layout *l, const char *dir)
{
	put_cpus(l, dir);
	put_nodes(l, dir);
}
