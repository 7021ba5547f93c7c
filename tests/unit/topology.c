/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes as the kernel has them, and kinds of cores as it tells them: machines like those of public
 * reports, made up. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/str.h"
#include "host/host.h"
#include "../machine/files.h"
#include "model/snapshot.h"
#include "tap.h"

#define CPU_DIR  "sys/devices/system/cpu"
#define NODE_DIR "sys/devices/system/node"

static char root[] = "/tmp/wideberth-topology-XXXXXX";

static void clear_root(void)
{
	AUTO_FREE char *command = xasprintf("rm -rf %s/*", root);
	ok(system(command) == 0, "a new machine");
}

static struct snapshot *read_machine(const char *what)
{
	AUTO_HOST struct host *h = NULL;
	struct snapshot *s = NULL;
	struct err e = { 0 };
	int r = host_open(&h, root, &e);
	if (r == 0)
		r = snapshot_read(h, SNAPSHOT_TOPOLOGY, &s, &e);
	ok(r == 0, "%s: read: %s", what, *e.text ? e.text : "done");
	return s;
}

/* ---- kinds ---- */

/* Values by CPU as runs: "4*5352000 5517000". NULL: no such file. */
struct machine {
	const char *name;
	const char *khz, *capacity, *midr, *perf;
	const char *core_cpus, *atom_cpus; /* cpulists of the PMUs */
	const char *n_l2_cpus;             /* neighbours that share an L2 */
	const char *no_l3;                 /* cpulist */
	const char *kinds;                 /* uniform, Performance, Efficiency, Low-power */
	const char *ranks;                 /* NULL: not the point */
};

static const struct machine machines[] = {
	{ "like cores, binned over 650 MHz", .khz = "4*5352000 5517000 5677000 5837000 6001000",
		.kinds = "8*u", .ranks = "4*4 3 2 1 0" },
	{ "a die with a big cache clocks lower", .khz = "6*5010000 6*5620000", .kinds = "12*u",
		.ranks = "6*1 6*0" },
	{ "two favoured cores", .khz = "6*4700000 2*4900000", .perf = "6*44 46 45", .kinds = "8*u",
		.ranks = "6*2 0 1" },
	{ "dense cores beside full ones", .khz = "4*5100000 8*3300000", .kinds = "4*P 8*E" },
	{ "hybrid, by its PMUs; one step of clock apart", .khz = "8*5500000 8*4600000",
		.core_cpus = "0-7", .atom_cpus = "8-15", .n_l2_cpus = "8*1 8*4",
		.kinds = "8*P 8*E" },
	{ "hybrid, by its PMUs; no clock", .core_cpus = "0-1", .atom_cpus = "2-5",
		.kinds = "2*P 4*E" },
	{ "hybrid, with an island outside of the L3", .khz = "4*4800000 4*3800000 2*2500000",
		.core_cpus = "0-3", .atom_cpus = "4-9", .n_l2_cpus = "4*1 4*4 2*2", .no_l3 = "8-9",
		.kinds = "4*P 4*E 2*L" },
	{ "hybrid without PMUs: by the L2", .khz = "4*5200000 2*5000000 8*4600000",
		.n_l2_cpus = "6*1 8*4", .kinds = "6*P 8*E", .ranks = "4*0 2*1 8*0" },
	{ "PMUs of a machine with performance cores only", .khz = "2*5000000 2*3000000",
		.core_cpus = "0-3", .kinds = "4*u", .ranks = "2*0 2*1" },
	{ "two parts of ARM, each in two clusters",
		.midr = "5*0x00000000410fd871 5*0x00000000410fd851 5*0x00000000410fd871 "
			"5*0x00000000410fd851",
		.capacity = "5*718 5*997 5*731 4*1017 1024",
		.khz = "5*2808000 5*3900000 5*2808000 5*3900000", .kinds = "5*E 5*P 5*E 5*P" },
	{ "four parts of ARM, two of them alike",
		.midr = "3*0x00000000411fd461 2*0x00000000411fd4d0 2*0x00000000412fd470 "
			"0x00000000411fd4e0",
		.capacity = "3*280 4*855 1024", .kinds = "3*L 4*E P" },
	{ "one part of ARM at three speeds, and revisions",
		.midr = "4*0x00000000410fd0b1 4*0x00000000413fd0b1", .capacity = "4*590 3*900 1024",
		.kinds = "8*u", .ranks = "4*2 3*1 0" },
	{ "ARM by capacity alone", .capacity = "4*446 4*1024", .kinds = "4*E 4*P" },
	{ "five speeds: the nearest are one kind", .capacity = "2*100 2*130 2*400 2*500 2*1024",
		.kinds = "4*L 4*E 2*P", .ranks = "2*1 2*0 2*1 2*0 2*0" },
	{ "nothing tells", .kinds = "4*u" },
};

/* The value of a CPU, in the arena; NULL: behind the last. */
static const char *value_of(struct arena *a, const char *runs, int cpu)
{
	AUTO_FREE char *copy = xstrdup(runs);
	char *next = copy;
	int first = 0;
	for (char *word; (word = str_next_word(&next));) {
		int n = 1, length = 0;
		const char *value = sscanf(word, "%d*%n", &n, &length) == 1 && length
			? word + length
			: (n = 1, word);
		if (cpu < first + n)
			return arena_strdup(a, value);
		first += n;
	}
	return NULL;
}

static void put_value(struct arena *a, const char *runs, int cpu, const char *file)
{
	if (runs)
		files_put(root, value_of(a, runs, cpu), CPU_DIR "/cpu%d/%s", cpu, file);
}

static void put_cache(int cpu, int level, int kib, int first, int n)
{
	struct cpuset set = CPUSET_EMPTY;
	AUTO_FREE char *at = xasprintf(CPU_DIR "/cpu%d/cache/index%d", cpu, level);
	AUTO_FREE char *size = xasprintf("%dK\n", kib);
	for (int i = 0; i < n; i++)
		cpuset_add(&set, first + i);
	files_put_number(root, level, "%s/level", at);
	files_put(root, "Unified\n", "%s/type", at);
	files_put(root, size, "%s/size", at);
	files_put_mask(root, &set, 64, "%s/shared_cpu_map", at);
}

/* The first of the CPUs that share an L2: runs of n begin where the run of values does. */
static int first_of_l2(struct arena *a, const struct machine *m, int cpu, int n)
{
	int first = cpu;
	AUTO_FREE char *own = xstrdup(value_of(a, m->n_l2_cpus, cpu));
	while (first && streq(value_of(a, m->n_l2_cpus, first - 1), own))
		first--;
	return first + (cpu - first) / n * n;
}

static int put_machine(struct arena *a, const struct machine *m)
{
	int n = 0;
	struct cpuset all = CPUSET_EMPTY, no_l3 = files_set(m->no_l3 ? m->no_l3 : "");
	while (value_of(a, m->kinds, n))
		cpuset_add(&all, n++);
	files_put_list(root, &all, CPU_DIR "/online");
	for (int cpu = 0; cpu < n; cpu++) {
		struct cpuset own = cpuset_of(cpu);
		int n_l2 = m->n_l2_cpus ? atoi(value_of(a, m->n_l2_cpus, cpu)) : 1;
		files_put_mask(root, &own, 64, CPU_DIR "/cpu%d/topology/thread_siblings", cpu);
		files_put_mask(root, &all, 64, CPU_DIR "/cpu%d/topology/core_siblings", cpu);
		files_put_number(root, cpu, CPU_DIR "/cpu%d/topology/core_id", cpu);
		files_put_number(root, 0, CPU_DIR "/cpu%d/topology/physical_package_id", cpu);
		put_cache(cpu, 2, n_l2 > 1 ? 4096 : 2048,
			n_l2 > 1 ? first_of_l2(a, m, cpu, n_l2) : cpu, n_l2);
		if (!cpuset_has(&no_l3, cpu))
			put_cache(cpu, 3, 32768, 0, n - cpuset_count(&no_l3));
		put_value(a, m->khz, cpu, "cpufreq/cpuinfo_max_freq");
		put_value(a, m->capacity, cpu, "cpu_capacity");
		put_value(a, m->midr, cpu, "regs/identification/midr_el1");
		put_value(a, m->perf, cpu, "acpi_cppc/highest_perf");
	}
	if (m->core_cpus)
		files_put(root, m->core_cpus, "sys/devices/cpu_core/cpus");
	if (m->atom_cpus)
		files_put(root, m->atom_cpus, "sys/devices/cpu_atom/cpus");
	return n;
}

static void kinds(const struct machine *m)
{
	static const char letters[] = { [CPU_UNIFORM] = 'u',
		[CPU_PERFORMANCE] = 'P',
		[CPU_EFFICIENCY] = 'E',
		[CPU_LOW_POWER] = 'L' };
	CLEANUP(arena_done) struct arena a = { 0 };
	AUTO_STRBUF struct strbuf got = { 0 }, want = { 0 };
	clear_root();
	int n = put_machine(&a, m);
	AUTO_SNAPSHOT struct snapshot *s = read_machine(m->name);
	for (int i = 0; s && i < n; i++) {
		const struct cpu *c = snapshot_cpu(s, i);
		strbuf_printf(&got, " %c", c ? letters[c->kind] : '?');
		strbuf_printf(&want, " %s", value_of(&a, m->kinds, i));
		if (!m->ranks)
			continue;
		strbuf_printf(&got, "%d", c ? c->rank : -1);
		strbuf_puts(&want, value_of(&a, m->ranks, i));
	}
	same_str(got.s, want.s, "%s", m->name);
	for (size_t i = 0; s && i < s->n_notes; i++)
		printf("# note: %s\n", s->notes[i]);
}

/* ---- nodes ---- */

static void put_node(int node, const char *cpus, int mib, const char *distances)
{
	struct cpuset set = files_set(cpus);
	AUTO_FREE char *meminfo = xasprintf("Node %d MemTotal: %d kB\nNode %d MemFree: %d kB\n",
		node, 1024 * mib, node, 512 * mib);
	files_put_list(root, &set, NODE_DIR "/node%d/cpulist", node);
	files_put_mask(root, &set, 32, NODE_DIR "/node%d/cpumap", node);
	files_put(root, meminfo, NODE_DIR "/node%d/meminfo", node);
	files_put(root, distances, NODE_DIR "/node%d/distance", node);
}

/* Two sockets of two CPUs. */
static void put_sockets(void)
{
	clear_root();
	files_put(root, "0-3\n", CPU_DIR "/online");
	for (int cpu = 0; cpu < 4; cpu++) {
		struct cpuset own = cpuset_of(cpu), socket = files_set(cpu < 2 ? "0-1" : "2-3");
		files_put_mask(root, &own, 32, CPU_DIR "/cpu%d/topology/thread_siblings", cpu);
		files_put_mask(root, &socket, 32, CPU_DIR "/cpu%d/topology/core_siblings", cpu);
		files_put_number(root, cpu, CPU_DIR "/cpu%d/topology/core_id", cpu);
		files_put_number(root, cpu / 2, CPU_DIR "/cpu%d/topology/physical_package_id", cpu);
	}
}

/* "2[] 64 MiB: 17 28 10"; -1 MiB: unknown */
static void node_is(const struct snapshot *s, size_t i, const char *want)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	const struct node *n = i < s->n_nodes ? &s->nodes[i] : NULL;
	if (!ok(n != NULL, "a node for '%s'", want))
		return;
	AUTO_FREE char *cpus = cpuset_format_list(&n->cpus);
	strbuf_printf(&b, "%d[%s] %d MiB:", n->node, cpus,
		n->is_memory_unknown ? -1 : (int)(n->mem_total_kib / 1024));
	for (size_t k = 0; n->distances && k < s->n_nodes; k++)
		strbuf_printf(&b, " %d", n->distances[k]);
	same_str(b.s, want, "node %d", n->node);
}

/* Optane, HBM or CXL beside two nodes. */
static void memory_only(void)
{
	put_sockets();
	files_put(root, "0-2\n", NODE_DIR "/online");
	put_node(0, "0-1", 64, "10 21 17\n");
	put_node(1, "2-3", 64, "21 10 28\n");
	put_node(2, "", 128, "17 28 10\n");
	AUTO_SNAPSHOT struct snapshot *s = read_machine("memory only");
	if (!s)
		return;
	same_int(s->n_nodes, 3, "all its nodes");
	node_is(s, 0, "0[0-1] 64 MiB: 10 21 17");
	node_is(s, 2, "2[] 128 MiB: 17 28 10");
	ok(s->cpus[1].node == 0 && s->cpus[3].node == 1 && !s->n_notes, "CPUs are where they are");
}

/* Nodes 0 and 2 are in socket 0. */
static void other_order(void)
{
	put_sockets();
	files_put(root, "0-3\n", NODE_DIR "/online");
	put_node(0, "0", 64, "10 21 11 21\n");
	put_node(1, "2", 64, "21 10 21 11\n");
	put_node(2, "1", 64, "11 21 10 21\n");
	put_node(3, "3", 64, "21 11 21 10\n");
	AUTO_SNAPSHOT struct snapshot *s = read_machine("nodes in another order than sockets");
	if (!s)
		return;
	node_is(s, 1, "1[2] 64 MiB: 21 10 21 11");
	node_is(s, 2, "2[1] 64 MiB: 11 21 10 21");
}

/* Memory of GPUs, numbered from above. */
static void far_numbers(void)
{
	put_sockets();
	files_put(root, "0,8,254-255\n", NODE_DIR "/online");
	put_node(0, "0-1", 64, "10 40 80 80\n");
	put_node(8, "2-3", 64, "40 10 80 80\n");
	put_node(254, "", 15, "80 80 10 80\n");
	put_node(255, "", 15, "80 80 80 10\n");
	AUTO_SNAPSHOT struct snapshot *s = read_machine("sparse numbers");
	if (!s)
		return;
	node_is(s, 1, "8[2-3] 64 MiB: 40 10 80 80");
	node_is(s, 3, "255[] 15 MiB: 80 80 80 10");
	same_int(s->n_notes, 0, "nothing to complain of");
}

static void odd_nodes(void)
{
	put_sockets();
	files_put(root, "0-1\n", NODE_DIR "/online");
	put_node(0, "0-2", 64, "10 x\n");
	put_node(1, "2-3", 0, "20 10 30\n");
	AUTO_SNAPSHOT struct snapshot *s = read_machine("odd files");
	if (!s)
		return;
	node_is(s, 0, "0[0-2] 64 MiB:");
	node_is(s, 1, "1[3] 0 MiB:");
	ok(!s->nodes[1].has_memory, "a node without memory");
	same_int(s->n_notes, 3, "distances that are none or too many, a CPU in two nodes: noted");
}

/* A dump that left out the CPUs of a node of memory. */
static void silent_node(void)
{
	AUTO_FREE char *meminfo = xasprintf("Node 2 MemTotal: 15360 kB\n");
	put_sockets();
	files_put(root, "0-2\n", NODE_DIR "/online");
	put_node(0, "0-1", 64, "10 21 17\n");
	put_node(1, "2-3", 64, "21 10 28\n");
	files_put(root, meminfo, NODE_DIR "/node2/meminfo");
	AUTO_SNAPSHOT struct snapshot *s = read_machine("a node that does not say its CPUs");
	if (!s)
		return;
	node_is(s, 0, "0[0-1] 64 MiB: 10 21 17");
	node_is(s, 2, "2[] 15 MiB:");
	ok(s->nodes[2].is_free_unknown && s->n_notes == 2,
		"what it does not say is unknown, and noted");
	for (size_t i = 0; i < s->n_notes; i++)
		printf("# note: %s\n", s->notes[i]);
}

int main(void)
{
	if (!mkdtemp(root))
		return 1;
	for (size_t i = 0; i < N_ELEMENTS(machines); i++)
		kinds(&machines[i]);
	memory_only();
	other_order();
	far_numbers();
	odd_nodes();
	silent_node();
	AUTO_FREE char *command = xasprintf("rm -rf %s", root);
	return system(command) ? 1 : tap_done();
}
