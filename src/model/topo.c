/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs, cores, L3 domains, sockets and NUMA nodes, as hwloc sees them. */
#include <errno.h>
#include <string.h>

#include "model/read.h"
#include "model/topo-hwloc.h"
#include "model/topology.h"

static int ask_topology(void *context, const char *key, char **ret)
{
	(void)key;
	*ret = xstrdup(context);
	return 0;
}

/* A recording has the text; older ones have hwloc's XML. */
static int recorded_text(struct host *h, char **ret, struct err *e)
{
	AUTO_FREE char *xml = NULL;
	if (host_ask(h, "topology", "parts", ask_topology, NULL, ret) == 0)
		return 0;
	if (host_ask(h, "hwloc", "xml", ask_topology, NULL, &xml) < 0)
		return err_say(e, -EINVAL, "the recording has no topology (\"topology parts\")");
	return topo_of_xml(xml, ret, e);
}

int begin_topology(struct host *h, struct confined *ret, struct err *e)
{
	const char *root = host_root(h);
	AUTO_NAMES struct host_names names = { 0 };
	if (!root)
		return 0;
	/* Without these files hwloc would make up a machine. */
	int r = host_list(h, &names, "sys/devices/system/cpu");
	if (r < 0)
		return err_set(e, r, "%s is no tree of a host: list sys/devices/system/cpu", root);
	return host_is_live(h) ? 0 : topo_start(root, ret, e);
}

static int topology_text(struct host *h, struct confined *begun, char **ret, struct err *e)
{
	const char *root = host_root(h);
	if (!root)
		return recorded_text(h, ret, e);
	int r = host_is_live(h) ? topo_of_kernel(root, ret, e) : topo_of_tree(begun, root, ret, e);
	if (r < 0)
		return r;
	r = host_record_fact(h, "topology", "parts", ask_topology, *ret);
	return r < 0 ? err_set(e, r, "record the topology") : 0;
}

static void read_cores(const struct topology *t, struct snapshot *s)
{
	const struct topology_parts *all = &t->parts[TOPOLOGY_CORE];
	s->cores = arena_alloc(&s->arena, all->n * sizeof *s->cores);
	array_for_each (p, all) {
		struct cpuset online = cpuset_and(&p->cpus, &s->online_cpus);
		if (!cpuset_is_empty(&online))
			s->cores[s->n_cores++] =
				(struct core){ .cpus = online, .l3 = -1, .node = -1, .socket = -1 };
	}
}

static void read_l3s(const struct topology *t, struct snapshot *s)
{
	const struct topology_parts *all = &t->parts[TOPOLOGY_L3];
	s->l3s = arena_alloc(&s->arena, all->n * sizeof *s->l3s);
	array_for_each (p, all) {
		struct cpuset online = cpuset_and(&p->cpus, &s->online_cpus);
		if (!cpuset_is_empty(&online))
			s->l3s[s->n_l3s++] = (struct l3_domain){
				.cpus = online, .size_kib = p->kib, .node = -1
			};
	}
}

static void read_l2s(const struct topology *t, struct snapshot *s)
{
	const struct topology_parts *all = &t->parts[TOPOLOGY_L2];
	s->l2s = arena_alloc(&s->arena, all->n * sizeof *s->l2s);
	array_for_each (p, all)
		s->l2s[s->n_l2s++] = (struct l2_domain){ p->cpus, p->kib };
}

static void read_sockets(const struct topology *t, struct snapshot *s)
{
	const struct topology_parts *all = &t->parts[TOPOLOGY_SOCKET];
	s->sockets = arena_alloc(&s->arena, all->n * sizeof *s->sockets);
	array_for_each (p, all)
		s->sockets[s->n_sockets++].cpus = p->cpus;
}

static struct cpu_group *read_groups(
	const struct topology_parts *all, struct snapshot *s, size_t *ret_n)
{
	struct cpu_group *groups = arena_alloc(&s->arena, all->n * sizeof *groups);
	array_for_each (p, all)
		groups[(*ret_n)++].cpus = p->cpus;
	return groups;
}

/* Where the kernel has no files of nodes. A node without CPUs has those "local" to it here: each
 * CPU is of the first node that has it. */
static void find_nodes(const struct topology *t, struct snapshot *s)
{
	const struct topology_parts *all = &t->parts[TOPOLOGY_NODE];
	struct cpuset left = s->online_cpus;
	s->nodes = arena_alloc(&s->arena, all->n * sizeof *s->nodes);
	array_for_each (p, all) {
		struct node *node = &s->nodes[s->n_nodes++];
		node->node = p->number;
		node->cpus = cpuset_and(&p->cpus, &left);
		left = cpuset_minus(&left, &p->cpus);
	}
}

static struct node *node_of(struct snapshot *s, int number)
{
	for (size_t i = 0; i < s->n_nodes; i++)
		if (s->nodes[i].node == number)
			return &s->nodes[i];
	return NULL;
}

/* Where there are no files of the kernel's that say them: a recording of before had them in hwloc's
 * XML only. */
static void find_distances(const struct topology *t, struct snapshot *s)
{
	const struct topology_parts *all = &t->parts[TOPOLOGY_DISTANCE];
	AUTO_FREE bool *is_known = xcalloc(s->n_nodes + 1, sizeof *is_known);
	for (size_t i = 0; i < s->n_nodes; i++)
		is_known[i] = s->nodes[i].distances != NULL;
	array_for_each (p, all) {
		struct node *from = node_of(s, p->number);
		if (!from || is_known[from - s->nodes])
			continue;
		if (!from->distances)
			from->distances = arena_alloc(&s->arena, s->n_nodes * sizeof(int));
		for (size_t i = 0; i < s->n_nodes; i++)
			if (cpuset_has(&p->cpus, s->nodes[i].node))
				from->distances[i] = (int)p->kib;
	}
}

/* hwloc knows how much memory there is where the kernel's files do not say. */
static void find_memory(const struct topology *t, struct snapshot *s)
{
	array_for_each (p, &t->parts[TOPOLOGY_NODE]) {
		struct node *node = node_of(s, p->number);
		if (!node)
			continue;
		node->mem_total_kib = p->kib;
		node->has_memory = p->kib > 0;
	}
}

/* Notes in 'member' of each CPU which of the sets (in an array with a cpuset member) it is in. */
#define number_cpus(s, member, array, n)                                                           \
	do {                                                                                       \
		for (size_t i_ = 0; i_ < (s)->n_cpus; i_++)                                        \
			(s)->cpus[i_].member = -1;                                                 \
		for (size_t i_ = (n); i_-- > 0;)                                                   \
			cpuset_for_each (cpu_, &(array)[i_].cpus)                                  \
				if (cpu_ < (s)->n_cpu_index && (s)->cpu_index[cpu_] >= 0)          \
					(s)->cpus[(s)->cpu_index[cpu_]].member = (int)i_;          \
	} while (0)

static void read_cpus(struct snapshot *s)
{
	s->cpus = arena_alloc(&s->arena, (size_t)cpuset_count(&s->present_cpus) * sizeof *s->cpus);
	s->cpu_index = arena_alloc(&s->arena, CPUSET_MAX * sizeof *s->cpu_index);
	s->n_cpu_index = CPUSET_MAX;
	memset(s->cpu_index, -1, CPUSET_MAX * sizeof *s->cpu_index);
	cpuset_for_each (cpu, &s->present_cpus) {
		s->cpu_index[cpu] = (int)s->n_cpus;
		s->cpus[s->n_cpus++] = (struct cpu){
			.cpu = cpu,
			.is_online = cpuset_has(&s->online_cpus, cpu),
		};
	}
	number_cpus(s, core, s->cores, s->n_cores);
	number_cpus(s, l3, s->l3s, s->n_l3s);
	number_cpus(s, l2, s->l2s, s->n_l2s);
	number_cpus(s, node, s->nodes, s->n_nodes);
	number_cpus(s, socket, s->sockets, s->n_sockets);
	number_cpus(s, die, s->dies, s->n_dies);
	number_cpus(s, cluster, s->clusters, s->n_clusters);
}

/* Cores and L3 domains take their place from their first CPU. */
static void link_up(struct snapshot *s)
{
	for (size_t i = 0; i < s->n_cores; i++) {
		const struct cpu *c = snapshot_cpu(s, cpuset_first(&s->cores[i].cpus));
		s->cores[i].l3 = c->l3;
		s->cores[i].node = c->node;
		s->cores[i].socket = c->socket;
	}
	for (size_t i = 0; i < s->n_l3s; i++)
		s->l3s[i].node = snapshot_cpu(s, cpuset_first(&s->l3s[i].cpus))->node;
}

static struct cpuset only_set(const struct topology *t, enum topology_type type)
{
	return t->parts[type].n ? t->parts[type].v->cpus : CPUSET_EMPTY;
}

/* /sys/devices/system/cpu/{present,online}: "0-23" (Documentation/admin-guide/cputopology.rst). */
bool read_cpu_sets(struct host *h, struct snapshot *s)
{
	const struct cpuset *online = read_cpulist(h, s, "sys/devices/system/cpu/online");
	const struct cpuset *present = read_cpulist(h, s, "sys/devices/system/cpu/present");
	const struct cpuset *isolated = read_cpulist(h, s, "sys/devices/system/cpu/isolated");
	s->online_cpus = online ? *online : CPUSET_EMPTY;
	s->present_cpus = present ? cpuset_or(present, &s->online_cpus) : CPUSET_EMPTY;
	s->has_isolated_file = isolated;
	s->boot_isolated_cpus = isolated ? *isolated : CPUSET_EMPTY;
	return !cpuset_is_empty(&s->online_cpus) && present;
}

/* A tree without the kernel's files has what hwloc found. */
static void find_cpu_sets(const struct topology *t, struct snapshot *s)
{
	struct cpuset all = only_set(t, TOPOLOGY_CPUS);
	if (cpuset_is_empty(&s->online_cpus))
		s->online_cpus = only_set(t, TOPOLOGY_USABLE);
	if (cpuset_is_empty(&s->present_cpus))
		s->present_cpus = cpuset_or(&all, &s->online_cpus);
}

/* What hwloc left out because it made no sense is not left out in silence. */
static void note_gaps(struct snapshot *s)
{
	struct cpuset lost = CPUSET_EMPTY;
	for (size_t i = 0; i < s->n_cpus; i++)
		if (s->cpus[i].is_online && (s->cpus[i].core < 0 || s->cpus[i].node < 0))
			cpuset_add(&lost, s->cpus[i].cpu);
	if (!cpuset_is_empty(&lost)) {
		AUTO_FREE char *list = cpuset_format_cpus(&lost);
		snapshot_note(s, "the topology files do not say where %s %s", list,
			cpuset_is_or_are(&lost));
	}
}

int read_topology(struct host *h, struct snapshot *s, struct confined *begun, struct err *e)
{
	CLEANUP(topology_done) struct topology t = { 0 };
	AUTO_FREE char *text = NULL;
	int r = topology_text(h, begun, &text, e);
	if (r == 0)
		r = topology_parse(text, &t, e);
	if (r < 0)
		return r;
	find_cpu_sets(&t, s);
	read_cores(&t, s);
	read_l3s(&t, s);
	read_l2s(&t, s);
	s->dies = read_groups(&t.parts[TOPOLOGY_DIE], s, &s->n_dies);
	s->clusters = read_groups(&t.parts[TOPOLOGY_CLUSTER], s, &s->n_clusters);
	read_sockets(&t, s);
	if (!read_nodes(h, s))
		find_nodes(&t, s);
	find_memory(&t, s);
	read_cpus(s);
	link_up(s);
	read_kinds(h, s);
	read_distances(h, s);
	find_distances(&t, s);
	note_gaps(s);
	return s->n_cpus ? 0 : err_say(e, -EINVAL, "found no CPU");
}
