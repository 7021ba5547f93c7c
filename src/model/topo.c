/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUs, cores, L3 domains, sockets and NUMA nodes, as hwloc sees them.
 *
 * hwloc reads /sys (or another root's) by itself; a recording carries its XML.
 */
#include <errno.h>
#include <hwloc.h>
#include <string.h>

#include "model/read.h"

/* hwloc takes another root from the environment only; the variable is gone again before return.
 * What it would print on stderr about contradictions is for note_gaps() to say. */
static int load(hwloc_topology_t t, const char *root, const char *xml, struct err *e)
{
	setenv("HWLOC_HIDE_ERRORS", "2", 0);
	if (xml && hwloc_topology_set_xmlbuffer(t, xml, (int)strlen(xml) + 1) < 0)
		return err_say(e, -EINVAL, "the recording's hwloc XML is damaged");
	hwloc_topology_set_flags(t, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	/* hwloc's CPUID reader would visit every CPU of this machine, isolated ones too, and even
	 * mix what it finds there into a tree of another machine. */
	hwloc_topology_set_components(t, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
	/* Its complaints about odd firmware go to stderr and are not for users. */
	setenv("HWLOC_HIDE_ERRORS", "2", 0);
	bool is_other_root = root && strcmp(root, "/") != 0;
	if (is_other_root)
		setenv("HWLOC_FSROOT", root, 1);
	int r = hwloc_topology_load(t);
	int saved = errno;
	if (is_other_root)
		unsetenv("HWLOC_FSROOT");
	if (r < 0)
		return err_set(e, -saved, "hwloc could not load the topology%s%s",
			root ? " below " : "", root ? root : "");
	return 0;
}

static int ask_xml(void *context, const char *key, char **ret)
{
	(void)key;
	hwloc_topology_t t = context;
	char *xml;
	int n;
	if (hwloc_topology_export_xmlbuffer(t, &xml, &n, 0) < 0)
		return -errno;
	*ret = xstrdup(xml);
	hwloc_free_xmlbuffer(t, xml);
	return 0;
}

static int load_topology(struct host *h, hwloc_topology_t t, struct err *e)
{
	AUTO_FREE char *xml = NULL;
	const char *root = host_root(h);
	if (!root) {
		if (host_ask(h, "hwloc", "xml", ask_xml, NULL, &xml) < 0)
			return err_say(e, -EINVAL, "the recording has no topology (\"hwloc xml\")");
		return load(t, NULL, xml, e);
	}
	/* Without these files hwloc would make up a machine. */
	AUTO_NAMES struct host_names names = { 0 };
	int r = host_list(h, &names, "sys/devices/system/cpu");
	if (r < 0)
		return err_set(e, r, "%s is no tree of a host: list sys/devices/system/cpu", root);
	r = load(t, root, NULL, e);
	if (r < 0)
		return r;
	r = host_record_fact(h, "hwloc", "xml", ask_xml, t);
	return r < 0 ? err_set(e, r, "export the topology as XML") : 0;
}

static struct cpuset set_of(hwloc_const_cpuset_t bitmap)
{
	struct cpuset s = CPUSET_EMPTY;
	int cpu;
	if (!bitmap || hwloc_bitmap_last(bitmap) < 0) /* infinite: hwloc's "not known" */
		return s;
	hwloc_bitmap_foreach_begin(cpu, bitmap) cpuset_add(&s, cpu);
	hwloc_bitmap_foreach_end();
	return s;
}

struct objects {
	hwloc_obj_t *v;
	size_t n;
};

/*
 * The objects of a type that have CPUs, in order. Found by way of the CPUs: hwloc's own lists know
 * a type only where all of its objects are equally deep, and they are not when a core with one
 * thread offline lies inside of its L2, and the others around theirs.
 */
static struct objects objects_of(
	hwloc_topology_t t, struct arena *a, hwloc_obj_type_t type, const char *subtype)
{
	int n_pus = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_PU);
	struct objects all = { .v = arena_alloc(
				       a, (size_t)(n_pus > 0 ? n_pus : 0) * sizeof *all.v) };
	for (int i = 0; i < n_pus; i++) {
		hwloc_obj_t o = hwloc_get_obj_by_type(t, HWLOC_OBJ_PU, (unsigned)i);
		while (o &&
			(o->type != type ||
				(subtype && (!o->subtype || strcmp(o->subtype, subtype) != 0))))
			o = o->parent;
		if (o && (!all.n || all.v[all.n - 1] != o))
			all.v[all.n++] = o;
	}
	return all;
}

/* Cores where hwloc knows them; else (no topology files) each CPU is its own. */
static void read_cores(hwloc_topology_t t, struct snapshot *s)
{
	struct objects all = objects_of(t, &s->arena, HWLOC_OBJ_CORE, NULL);
	if (!all.n)
		all = objects_of(t, &s->arena, HWLOC_OBJ_PU, NULL);
	s->cores = arena_alloc(&s->arena, all.n * sizeof *s->cores);
	for (size_t i = 0; i < all.n; i++) {
		struct cpuset cpus = set_of(all.v[i]->cpuset);
		struct cpuset online = cpuset_and(&cpus, &s->online_cpus);
		if (!cpuset_is_empty(&online))
			s->cores[s->n_cores++] =
				(struct core){ .cpus = online, .l3 = -1, .node = -1, .socket = -1 };
	}
}

static void read_l3s(hwloc_topology_t t, struct snapshot *s)
{
	struct objects all = objects_of(t, &s->arena, HWLOC_OBJ_L3CACHE, NULL);
	s->l3s = arena_alloc(&s->arena, all.n * sizeof *s->l3s);
	for (size_t i = 0; i < all.n; i++) {
		struct cpuset cpus = set_of(all.v[i]->cpuset);
		struct cpuset online = cpuset_and(&cpus, &s->online_cpus);
		if (!cpuset_is_empty(&online))
			s->l3s[s->n_l3s++] = (struct l3_domain){ .cpus = online,
				.size_kib = all.v[i]->attr->cache.size / 1024,
				.node = -1 };
	}
}

static void read_sockets(hwloc_topology_t t, struct snapshot *s)
{
	struct objects all = objects_of(t, &s->arena, HWLOC_OBJ_PACKAGE, NULL);
	s->sockets = arena_alloc(&s->arena, all.n * sizeof *s->sockets);
	for (size_t i = 0; i < all.n; i++)
		s->sockets[s->n_sockets++].cpus = set_of(all.v[i]->cpuset);
}

/* Where the kernel has no files of nodes. A node without CPUs has those "local" to it here: each
 * CPU is of the first node that has it. */
static void find_nodes(hwloc_topology_t t, struct snapshot *s)
{
	int n = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_NUMANODE);
	struct cpuset left = s->online_cpus;
	s->nodes = arena_alloc(&s->arena, (size_t)(n > 0 ? n : 0) * sizeof *s->nodes);
	for (int i = 0; i < n; i++) {
		hwloc_obj_t o = hwloc_get_obj_by_type(t, HWLOC_OBJ_NUMANODE, (unsigned)i);
		struct node *node = &s->nodes[s->n_nodes++];
		struct cpuset all = set_of(o->cpuset);
		node->node = (int)o->os_index;
		node->cpus = cpuset_and(&all, &left);
		left = cpuset_minus(&left, &all);
	}
}

static int index_of(const struct snapshot *s, hwloc_obj_t node)
{
	for (size_t i = 0; i < s->n_nodes; i++)
		if (s->nodes[i].node == (int)node->os_index)
			return (int)i;
	return -1;
}

/* A recording of before had the kernel's files of distances in hwloc's XML only. */
static void find_distances(hwloc_topology_t t, struct snapshot *s)
{
	struct hwloc_distances_s *d = NULL;
	unsigned int n = 1;
	if (hwloc_distances_get_by_name(t, "NUMALatency", &n, &d, 0) < 0 || n == 0 || !d)
		return;
	for (size_t i = 0; d->nbobjs == s->n_nodes && i < d->nbobjs; i++) {
		int from = index_of(s, d->objs[i]);
		if (from < 0 || s->nodes[from].distances)
			continue;
		int *distances = arena_alloc(&s->arena, s->n_nodes * sizeof *distances);
		for (size_t k = 0; k < d->nbobjs; k++) {
			int to = index_of(s, d->objs[k]);
			if (to >= 0)
				distances[to] = (int)d->values[i * d->nbobjs + k];
		}
		s->nodes[from].distances = distances;
	}
	hwloc_distances_release(t, d);
}

/* hwloc knows how much memory there is where the kernel's files do not say. */
static void find_memory(hwloc_topology_t t, struct snapshot *s)
{
	int n = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_NUMANODE);
	for (int i = 0; i < n; i++) {
		hwloc_obj_t o = hwloc_get_obj_by_type(t, HWLOC_OBJ_NUMANODE, (unsigned)i);
		int k = index_of(s, o);
		if (k < 0)
			continue;
		s->nodes[k].mem_total_kib = o->attr->numanode.local_memory / 1024;
		s->nodes[k].has_memory = s->nodes[k].mem_total_kib > 0;
	}
}

static void read_l2s(hwloc_topology_t t, struct snapshot *s)
{
	struct objects all = objects_of(t, &s->arena, HWLOC_OBJ_L2CACHE, NULL);
	s->l2s = arena_alloc(&s->arena, all.n * sizeof *s->l2s);
	for (size_t i = 0; i < all.n; i++)
		s->l2s[s->n_l2s++] = (struct l2_domain){ set_of(all.v[i]->cpuset),
			all.v[i]->attr->cache.size / 1024 };
}

/* Dies are a type of their own, clusters groups with a name. */
static struct cpu_group *read_groups(hwloc_topology_t t, struct snapshot *s, hwloc_obj_type_t type,
	const char *subtype, size_t *ret_n)
{
	struct objects all = objects_of(t, &s->arena, type, subtype);
	struct cpu_group *groups = arena_alloc(&s->arena, all.n * sizeof *groups);
	for (size_t i = 0; i < all.n; i++)
		groups[(*ret_n)++].cpus = set_of(all.v[i]->cpuset);
	return groups;
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

/* /sys/devices/system/cpu/{present,online}: "0-23" (Documentation/admin-guide/cputopology.rst).
 * A tree without them has what hwloc found. */
static void read_masks(struct host *h, hwloc_topology_t t, struct snapshot *s)
{
	const struct cpuset *online = read_cpulist(h, s, "sys/devices/system/cpu/online");
	const struct cpuset *present = read_cpulist(h, s, "sys/devices/system/cpu/present");
	const struct cpuset *isolated = read_cpulist(h, s, "sys/devices/system/cpu/isolated");
	struct cpuset all = set_of(hwloc_topology_get_complete_cpuset(t));
	s->online_cpus = online ? *online : set_of(hwloc_topology_get_topology_cpuset(t));
	s->present_cpus = cpuset_or(present ? present : &all, &s->online_cpus);
	s->has_isolated_file = isolated;
	s->boot_isolated_cpus = isolated ? *isolated : CPUSET_EMPTY;
}

/* What hwloc left out because it made no sense is not left out in silence. */
static void note_gaps(struct snapshot *s)
{
	struct cpuset lost = CPUSET_EMPTY;
	for (size_t i = 0; i < s->n_cpus; i++)
		if (s->cpus[i].is_online && (s->cpus[i].core < 0 || s->cpus[i].node < 0))
			cpuset_add(&lost, s->cpus[i].cpu);
	if (!cpuset_is_empty(&lost)) {
		AUTO_FREE char *list = cpuset_format_list(&lost);
		snapshot_note(s, "the topology files do not say where CPU %s is", list);
	}
}

int read_topology(struct host *h, struct snapshot *s, struct err *e)
{
	hwloc_topology_t t;
	if (hwloc_topology_init(&t) < 0)
		return err_set(e, -errno, "hwloc");
	int r = load_topology(h, t, e);
	if (r == 0) {
		read_masks(h, t, s);
		read_cores(t, s);
		read_l3s(t, s);
		read_l2s(t, s);
		s->dies = read_groups(t, s, HWLOC_OBJ_DIE, NULL, &s->n_dies);
		s->clusters = read_groups(t, s, HWLOC_OBJ_GROUP, "Cluster", &s->n_clusters);
		read_sockets(t, s);
		if (!read_nodes(h, s))
			find_nodes(t, s);
		find_memory(t, s);
		read_cpus(s);
		link_up(s);
		read_kinds(h, s);
		read_distances(h, s);
		find_distances(t, s);
		note_gaps(s);
	}
	hwloc_topology_destroy(t);
	if (r == 0 && !s->n_cpus)
		r = err_say(e, -EINVAL, "found no CPU");
	return r;
}
