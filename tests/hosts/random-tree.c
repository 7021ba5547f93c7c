/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the tree of a machine of any shape, and says what is true of it: random-tree SEED DIR
 *
 *	cpu 3 on 0 2 0 0 performance	its node; the first CPU of its core, socket and L3; its kind
 *	cpu 4 off
 *	node 0 0-3,8 65536 10,21	its online CPUs, memory in KiB, distances
 *	l3 0-3,8 32768			its online CPUs, size in KiB
 *
 * Numbers of CPUs and nodes may be sparse and in any order, nodes without memory or CPUs, CPUs
 * offline, cores of several kinds, told by one of the ways in which kernels tell it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "files.h"
#include "random.h"

#define CPU_DIR "sys/devices/system/cpu"

enum kind { BIG, SMALL, TINY };
/* How the kernel tells the kinds; none, and like cores that were binned, are one kind. */
enum { NO_SPEED, BINNED, BY_FREQUENCY, BY_CAPACITY, BY_MIDR, BY_PMU, N_WAYS };

struct cpu {
	int nr, core, l3, node, die, socket; /* l3: -1 for none */
	enum kind kind;
	bool is_online;
};

static struct {
	ARRAY(struct cpu) cpus;
	int n_cores, n_l3s, n_dies, n_sockets;
	int n_cpu_nodes, n_nodes, nodes[64]; /* the kernel's numbers, ascending */
	int n_small, n_tiny, way;            /* cores */
	int l3_kib[256], mem_mib[64], distances[64][64];
	bool has_policies;
} m;
static const char *dir;
static uint64_t state;

static int any(int n)
{
	return (int)(random_next(&state) >> 33) % n;
}

static int between(int least, int most)
{
	return least + any(most - least + 1);
}

static bool is_chance(int percent)
{
	return any(100) < percent;
}

/* ---- the shape ---- */

static void add_core(int l3, int node, int die, int socket, enum kind kind, int threads)
{
	for (int t = 0; t < threads; t++)
		*array_push(&m.cpus) =
			(struct cpu){ 0, m.n_cores, l3, node, die, socket, kind, true };
	m.n_cores++;
	m.n_small += kind == SMALL;
	m.n_tiny += kind == TINY;
}

/* Big cores in each L3, then in some of them small ones. */
static void add_l3(int node, int die, int socket, int cores, int threads, bool has_l3)
{
	int l3 = has_l3 ? m.n_l3s++ : -1;
	bool is_hybrid = m.way >= BY_FREQUENCY;
	if (l3 >= 0)
		m.l3_kib[l3] = 1024 * between(2, 96);
	for (int i = 0; i < cores; i++)
		add_core(l3, node, die, socket, BIG, threads);
	for (int i = 0; is_hybrid && i < 4; i++)
		add_core(l3, node, die, socket, SMALL, 1);
}

static void add_sockets(void)
{
	static const int widths[] = { 1, 1, 2, 2, 2, 4, 8, 3 };
	int n_sockets = between(1, 4), n_dies = between(1, 2), n_nodes = between(1, 2);
	int n_l3s = between(1, 3), cores = between(1, 5);
	int threads = m.way >= BY_CAPACITY && m.way <= BY_MIDR ? 1 : widths[any(8)];
	bool has_l3 = is_chance(85);
	for (int s = 0; s < n_sockets; s++)
		for (int d = 0; d < n_dies; d++, m.n_dies++)
			for (int n = 0; n < n_nodes; n++, m.n_cpu_nodes++)
				for (int l = 0; l < n_l3s; l++)
					add_l3(m.n_cpu_nodes, m.n_dies, s, cores, threads, has_l3);
	m.n_sockets = n_sockets;
	/* A low-power island has no L3: where no core has one, nothing tells it from the others. */
	int n_tiny = m.way >= BY_FREQUENCY && is_chance(50) && (has_l3 || m.way != BY_PMU) ? 2 : 0;
	for (int i = 0; i < n_tiny; i++)
		add_core(-1, m.n_cpu_nodes - 1, m.n_dies - 1, n_sockets - 1, TINY, 1);
}

static void shuffle(int *v, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)any((int)i);
		int other = v[k];
		v[k] = v[i - 1];
		v[i - 1] = other;
	}
}

/* In order, or not; with gaps, or without. */
static void number_cpus(void)
{
	AUTO_FREE int *numbers = xcalloc(m.cpus.n, sizeof *numbers);
	bool has_gaps = is_chance(40);
	for (size_t i = 0; i < m.cpus.n; i++)
		numbers[i] =
			(i ? numbers[i - 1] + 1 : 0) + (has_gaps && is_chance(20) ? any(40) : 0);
	if (is_chance(60))
		shuffle(numbers, m.cpus.n);
	for (size_t i = 0; i < m.cpus.n; i++)
		m.cpus.v[i].nr = numbers[i];
	bool has_offline = is_chance(40);
	for (size_t i = 1; has_offline && i < m.cpus.n; i++)
		m.cpus.v[i].is_online = !is_chance(15);
}

/* Nodes with CPUs first; then numbers and places are shuffled. */
static void number_nodes(void)
{
	int numbers[64];
	bool has_gaps = is_chance(40), has_other_order = is_chance(60);
	m.n_nodes = m.n_cpu_nodes + (is_chance(40) ? between(1, 3) : 0);
	for (int i = 0; i < m.n_nodes; i++) {
		m.nodes[i] = i ? m.nodes[i - 1] + 1 + (has_gaps ? any(60) : 0) : 0;
		numbers[i] = i;
	}
	if (has_other_order)
		shuffle(numbers, (size_t)m.n_nodes);
	array_for_each (c, &m.cpus)
		c->node = numbers[c->node];
	for (int i = 0; i < m.n_nodes; i++) {
		m.mem_mib[i] = 1024 * between(1, 512);
		for (int k = 0; k <= i; k++)
			m.distances[i][k] = m.distances[k][i] = i == k ? 10 : between(11, 254);
	}
	if (m.n_nodes > 1 && is_chance(30))
		m.mem_mib[any(m.n_nodes)] = 0;
}

/* ---- sets of online CPUs ---- */

static struct cpuset peers(const struct cpu *c, size_t member)
{
	struct cpuset set = CPUSET_EMPTY;
	int own = *(const int *)(const void *)((const char *)c + member);
	array_for_each (o, &m.cpus)
		if (o->is_online && *(const int *)(const void *)((const char *)o + member) == own)
			cpuset_add(&set, o->nr);
	return set;
}
#define peers_by(c, member) peers((c), offsetof(struct cpu, member))

/* Four small cores share an L2. */
static struct cpuset l2_of(const struct cpu *c)
{
	struct cpuset set = CPUSET_EMPTY;
	array_for_each (o, &m.cpus)
		if (o->is_online &&
			(o->core == c->core ||
				(c->kind == SMALL && o->kind == SMALL && c->l3 == o->l3 &&
					c->node == o->node && c->l3 >= 0)))
			cpuset_add(&set, o->nr);
	return set;
}

/* ---- as files ---- */

static void put_set(const struct cpuset *set, const char *at, const char *mask, const char *list)
{
	int most = 0;
	array_for_each (c, &m.cpus)
		most = c->nr > most ? c->nr : most;
	files_put_mask(dir, set, most + 1, "%s/%s", at, mask);
	if (list)
		files_put_list(dir, set, "%s/%s", at, list);
}

static void put_cache(
	const struct cpu *c, int level, int kib, const struct cpuset *shared, bool has_lists)
{
	AUTO_FREE char *at = xasprintf(CPU_DIR "/cpu%d/cache/index%d", c->nr, level);
	AUTO_FREE char *size = xasprintf("%dK\n", kib);
	files_put_number(dir, level, "%s/level", at);
	files_put(dir, level == 1 ? "Data\n" : "Unified\n", "%s/type", at);
	files_put(dir, size, "%s/size", at);
	files_put_number(dir, 64, "%s/coherency_line_size", at);
	files_put_number(dir, 16, "%s/ways_of_associativity", at);
	files_put_number(dir, kib, "%s/number_of_sets", at);
	put_set(shared, at, "shared_cpu_map", has_lists ? "shared_cpu_list" : NULL);
}

static void put_topology(const struct cpu *c, bool has_lists)
{
	AUTO_FREE char *at = xasprintf(CPU_DIR "/cpu%d/topology", c->nr);
	struct cpuset core = peers_by(c, core), l3 = peers_by(c, l3), l2 = l2_of(c);
	struct cpuset die = peers_by(c, die), socket = peers_by(c, socket);
	files_put_number(dir, c->core, "%s/core_id", at);
	files_put_number(dir, 36 * c->socket, "%s/physical_package_id", at);
	files_put_number(dir, c->die, "%s/die_id", at);
	put_set(&core, at, "thread_siblings", has_lists ? "thread_siblings_list" : NULL);
	put_set(&socket, at, "core_siblings", has_lists ? "core_siblings_list" : NULL);
	put_set(&die, at, "die_cpus", has_lists ? "die_cpus_list" : NULL);
	put_cache(c, 1, 32, &core, has_lists);
	put_cache(c, 2, c->kind == BIG ? 1024 : 2048, &l2, has_lists);
	if (c->l3 >= 0)
		put_cache(c, 3, m.l3_kib[c->l3], &l3, has_lists);
}

static void put_speed(const struct cpu *c)
{
	static const int khz[] = { 5200000, 3500000, 2100000 }, capacity[] = { 1024, 640, 250 };
	static const char *const midr[] = { "0x00000000410fd850", "0x00000000411fd870",
		"0x00000000412fd460" };
	/* A few cores of each kind are favoured. */
	int step = c->core % 4, speed = khz[m.way == BINNED ? BIG : c->kind] - 60000 * step;
	if (m.way == NO_SPEED)
		return;
	if (m.has_policies) {
		AUTO_FREE char *line = xasprintf("%d\n", c->nr);
		files_put(dir, line, CPU_DIR "/cpufreq/policy%d/related_cpus", c->nr);
		files_put_number(dir, speed, CPU_DIR "/cpufreq/policy%d/cpuinfo_max_freq", c->nr);
	} else {
		files_put_number(dir, speed, CPU_DIR "/cpu%d/cpufreq/cpuinfo_max_freq", c->nr);
	}
	if (m.way == BY_CAPACITY || m.way == BY_MIDR)
		files_put_number(
			dir, capacity[c->kind] - 7 * step, CPU_DIR "/cpu%d/cpu_capacity", c->nr);
	if (m.way == BY_MIDR)
		files_put(dir, midr[c->kind], CPU_DIR "/cpu%d/regs/identification/midr_el1", c->nr);
}

static void put_cpus(void)
{
	struct cpuset present = CPUSET_EMPTY, online = CPUSET_EMPTY, kinds[3] = { 0 };
	bool has_lists = is_chance(80);
	array_for_each (c, &m.cpus) {
		cpuset_add(&present, c->nr);
		files_put_number(dir, c->is_online, CPU_DIR "/cpu%d/online", c->nr);
		if (!c->is_online)
			continue;
		cpuset_add(&online, c->nr);
		cpuset_add(&kinds[c->kind], c->nr);
		put_topology(c, has_lists);
		put_speed(c);
	}
	files_put_list(dir, &present, CPU_DIR "/present");
	files_put_list(dir, &present, CPU_DIR "/possible");
	files_put_list(dir, &online, CPU_DIR "/online");
	if (m.way != BY_PMU)
		return;
	struct cpuset atoms = cpuset_or(&kinds[SMALL], &kinds[TINY]);
	files_put_list(dir, &kinds[BIG], "sys/devices/cpu_core/cpus");
	files_put_list(dir, &atoms, "sys/devices/cpu_atom/cpus");
}

static struct cpuset node_cpus(int node)
{
	struct cpuset set = CPUSET_EMPTY;
	array_for_each (c, &m.cpus)
		if (c->is_online && c->node == node)
			cpuset_add(&set, c->nr);
	return set;
}

static char *distances_of(int node, const char *separator)
{
	struct strbuf b = { 0 };
	for (int i = 0; i < m.n_nodes; i++)
		strbuf_printf(&b, "%s%d", i ? separator : "", m.distances[node][i]);
	return b.s;
}

static void put_nodes(void)
{
	struct cpuset online = CPUSET_EMPTY;
	for (int i = 0; i < m.n_nodes; i++) {
		AUTO_FREE char *at = xasprintf("sys/devices/system/node/node%d", m.nodes[i]);
		AUTO_FREE char *distances = distances_of(i, " ");
		AUTO_FREE char *line = xasprintf("%s\n", distances);
		AUTO_FREE char *meminfo =
			xasprintf("Node %d MemTotal: %d kB\nNode %d MemFree: %d kB\n", m.nodes[i],
				1024 * m.mem_mib[i], m.nodes[i], 512 * m.mem_mib[i]);
		struct cpuset cpus = node_cpus(i);
		cpuset_add(&online, m.nodes[i]);
		put_set(&cpus, at, "cpumap", "cpulist");
		files_put(dir, line, "%s/distance", at);
		files_put(dir, meminfo, "%s/meminfo", at);
	}
	files_put_list(dir, &online, "sys/devices/system/node/online");
}

/* ---- what is true ---- */

/* The kinds that there are online CPUs of. Two are performance and efficiency, but where the kernel
 * says which. */
static const char *kind_name(const struct cpu *c)
{
	static const char *const names[] = { "performance", "efficiency", "low-power" };
	bool has[3] = { false }, has_island = false;
	array_for_each (o, &m.cpus) {
		has[o->kind] |= o->is_online;
		has_island |= o->is_online && o->kind == SMALL && o->l3 >= 0;
	}
	if (m.way < BY_FREQUENCY || has[BIG] + has[SMALL] + has[TINY] == 1)
		return "uniform";
	if (m.way == BY_PMU)
		return c->kind == TINY && !has_island ? names[SMALL] : names[c->kind];
	int rank = 0;
	for (int k = 0; k < (int)c->kind; k++)
		rank += has[k];
	return names[rank];
}

static void say_first(const struct cpuset *set, bool is_known)
{
	if (is_known)
		printf(" %d", cpuset_first(set));
	else
		printf(" -");
}

static int by_number(const void *a, const void *b)
{
	const struct cpu *x = a, *y = b;
	return x->nr - y->nr;
}

static void say_truth(void)
{
	qsort(m.cpus.v, m.cpus.n, sizeof *m.cpus.v, by_number);
	array_for_each (c, &m.cpus) {
		struct cpuset core = peers_by(c, core), socket = peers_by(c, socket);
		struct cpuset l3 = peers_by(c, l3);
		printf("cpu %d %s", c->nr, c->is_online ? "on" : "off\n");
		if (!c->is_online)
			continue;
		printf(" %d", m.nodes[c->node]);
		say_first(&core, true);
		say_first(&socket, true);
		say_first(&l3, c->l3 >= 0);
		printf(" %s\n", kind_name(c));
		AUTO_FREE char *list = cpuset_format_list(&l3);
		if (c->l3 >= 0 && cpuset_first(&l3) == c->nr)
			printf("l3 %s %d\n", list, m.l3_kib[c->l3]);
	}
	for (int i = 0; i < m.n_nodes; i++) {
		struct cpuset cpus = node_cpus(i);
		AUTO_FREE char *list = cpuset_format_list(&cpus), *distances = distances_of(i, ",");
		printf("node %d %s %d %s\n", m.nodes[i], *list ? list : "-", 1024 * m.mem_mib[i],
			distances);
	}
}

int main(int argc, char **argv)
{
	int seed;
	if (argc != 3 || str_to_int(argv[1], &seed) < 0) {
		fprintf(stderr, "random-tree SEED DIR\n");
		return 2;
	}
	dir = argv[2];
	state = 0x9e3779b97f4a7c15u * (uint64_t)(seed + 1);
	m.way = seed % N_WAYS;
	m.has_policies = is_chance(50);
	add_sockets();
	number_cpus();
	number_nodes();
	put_cpus();
	put_nodes();
	say_truth();
	free(m.cpus.v);
	return 0;
}
