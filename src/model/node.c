/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NUMA nodes as the kernel has them: which there are, their CPUs, and how far they are from each
 * other. hwloc knows what is local to what, which is another thing. */
#include "base/str.h"
#include "kernel/distances.h"
#include "model/read.h"

#define NODE_DIR "sys/devices/system/node"

/* Which nodes are online: without the file (an old dump), those that have a directory. */
static struct cpuset node_numbers(struct host *h, struct snapshot *s)
{
	AUTO_NAMES struct host_names names = { 0 };
	struct cpuset numbers = CPUSET_EMPTY;
	const struct cpuset *online = read_cpulist(h, s, NODE_DIR "/online");
	if (online)
		return *online;
	if (host_list(h, &names, NODE_DIR) < 0)
		return numbers;
	for (size_t i = 0; i < names.n; i++) {
		const char *number = str_after(names.v[i], "node");
		int n;
		if (number && str_to_int(number, &n) == 0 && n < CPUSET_MAX)
			cpuset_add(&numbers, n);
	}
	return numbers;
}

/* nodeN/cpulist: "0-3,8"; old kernels have nodeN/cpumap only. NULL: neither. */
static const struct cpuset *node_cpus(struct host *h, struct snapshot *s, int number)
{
	const struct cpuset *list = read_cpulist(h, s, NODE_DIR "/node%d/cpulist", number);
	return list ? list : read_cpumask(h, s, NODE_DIR "/node%d/cpumap", number);
}

/* Nodes in the making: CPUs that have one, and have two; nodes that do not say theirs. */
struct reading {
	struct cpuset taken, twice, silent;
};

/* No kernel puts a CPU into two nodes; where files say so, the first one has it. */
static void add_node(struct snapshot *s, struct reading *r, int number, const struct cpuset *cpus)
{
	struct node *node = &s->nodes[s->n_nodes++];
	node->node = number;
	if (!cpus) {
		cpuset_add(&r->silent, number);
		return;
	}
	struct cpuset own = cpuset_and(cpus, &s->online_cpus), both = cpuset_and(&own, &r->taken);
	node->cpus = cpuset_minus(&own, &r->taken);
	r->taken = cpuset_or(&r->taken, &own);
	r->twice = cpuset_or(&r->twice, &both);
}

static void note_set(
	struct snapshot *s, const char *what, const struct cpuset *set, const char *why)
{
	AUTO_FREE char *list = cpuset_format_list(set);
	if (*list)
		snapshot_note(s, NODE_DIR ": %s %s: %s", what, list, why);
}

bool read_nodes(struct host *h, struct snapshot *s)
{
	struct cpuset numbers = node_numbers(h, s);
	struct reading r = { 0 };
	s->nodes = arena_alloc(&s->arena, (size_t)cpuset_count(&numbers) * sizeof *s->nodes);
	cpuset_for_each (number, &numbers)
		add_node(s, &r, number, node_cpus(h, s, number));
	if (cpuset_equal(&r.silent, &numbers)) {
		s->n_nodes = 0;
		return false;
	}
	note_set(s, "node", &r.silent, "does not say which CPUs it has; taken as without");
	note_set(s, "CPU", &r.twice, "in several nodes; taken as in the first");
	return true;
}

void read_distances(struct host *h, struct snapshot *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		AUTO_FREE char *path = xasprintf(NODE_DIR "/node%d/distance", s->nodes[i].node);
		AUTO_FREE char *text = NULL;
		int *distances;
		size_t n;
		if (read_file(h, s, path, &text) < 0)
			continue;
		if (distances_parse(&s->arena, text, &distances, &n) < 0)
			note_odd(s, path, -1);
		else if (n != s->n_nodes)
			snapshot_note(s, "%s: %zu distances, to %zu nodes", path, n, s->n_nodes);
		else
			s->nodes[i].distances = distances;
	}
}
