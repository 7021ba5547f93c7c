/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests that need several nodes: which of their vCPUs go to one node together.
 *
 * A guest whose own nodes are bound to different nodes of the host is split along them, whatever
 * its size: elsewhere each vCPU would have its memory far away. A guest that is larger than a node
 * is split evenly over as few as can hold it: along its own nodes where there are as many, else in
 * the order of its vCPUs. A split costs no core more, but for nodes of the guest that do not fill
 * their last one. VMs with cores = thread fill gaps, and are split where they are bound only.
 *
 * Where there is no room for each part in a node of its own, the VM is placed without regard to
 * them, and a note says so: no VM is refused for the sake of a split.
 */
#include "base/alloc.h"
#include "plan/place.h"
#include "vm/config.h"

static bool may_split(const struct request *req)
{
	return req->n_groups && !req->is_guess;
}

/* By index into vcpus the guest's node, as an index; returns how many nodes have vCPUs. 0: not each
 * vCPU is of one. */
static size_t find_guest_nodes(const struct request *req, int *ret)
{
	const struct vm_config *c = req->vm->config;
	size_t n = 0, n_nodes = 0;
	for (size_t i = 0; c && i < c->nodes.n; i++) {
		struct cpuset cpus;
		if (!vm_node_has_vcpus(&c->nodes.v[i]))
			continue;
		if (cpuset_parse_list(c->nodes.v[i].cpus, &cpus) < 0)
			return 0;
		n_nodes++;
		for (size_t k = 0; k < req->n_vcpus; k++)
			if (cpuset_has(&cpus, req->vcpus[k]->index)) {
				ret[k] = (int)i;
				n++;
			}
	}
	return n == req->n_vcpus ? n_nodes : 0;
}

/* The host's nodes that it is bound to and that have CPUs: near the others nothing can be. */
static struct cpuset cpu_nodes_of(const struct planner *p, const struct vm_node *node)
{
	struct cpuset nodes = limits_of_guest_node(p, node);
	for (size_t i = 0; i < p->s->n_nodes; i++)
		if (cpuset_is_empty(&p->s->nodes[i].cpus))
			cpuset_remove(&nodes, (int)i);
	return nodes;
}

static void split_along_guest_nodes(struct planner *p, struct request *req, int *guest_node)
{
	const struct vm_config *c = req->vm->config;
	req->part_of = guest_node;
	req->parts = arena_alloc(&p->scratch, c->nodes.n * sizeof *req->parts);
	for (size_t i = 0; i < c->nodes.n; i++)
		req->parts[i] =
			(struct split_part){ c->nodes.v[i].node, cpu_nodes_of(p, &c->nodes.v[i]) };
	place_split(p, req, c->nodes.n);
}

static int *new_part_of(struct planner *p, const struct request *req)
{
	int *v = arena_alloc(&p->scratch, (req->n_vcpus + 1) * sizeof *v);
	for (size_t i = 0; i < req->n_vcpus; i++)
		v[i] = 0;
	return v;
}

bool place_split_bound(struct planner *p, struct request *req)
{
	const struct vm_config *c = req->vm->config;
	struct cpuset all = CPUSET_EMPTY;
	bool is_apart = false;
	for (size_t i = 0; c && i < c->nodes.n; i++) {
		if (!vm_node_has_vcpus(&c->nodes.v[i]))
			continue;
		struct cpuset nodes = cpu_nodes_of(p, &c->nodes.v[i]);
		is_apart |= !cpuset_is_empty(&nodes) && !cpuset_is_empty(&all) &&
			!cpuset_intersects(&nodes, &all);
		cpuset_add_all(&all, &nodes);
	}
	if (!is_apart || !may_split(req))
		return false;
	int *guest_node = new_part_of(p, req);
	if (!find_guest_nodes(req, guest_node))
		return false;
	split_along_guest_nodes(p, req, guest_node);
	return true;
}

/* What fills a core of the host: the vCPUs of a guest's core, or as many as the core has threads.
 * By the order of the vCPUs, where one begins; returns how many there are. */
static size_t find_units(const struct planner *p, const struct request *req, bool *begins)
{
	size_t n_vcpus = req->n_cpus - req->n_spare, n_units = 0;
	bool is_full = req->wish.cores == CORES_FULL && p->solver->widest > 1;
	bool is_smt = req->n_groups > 1 + (req->n_spare > 0);
	for (size_t g = 0; g < req->n_groups; g++) {
		const struct group *group = &req->groups[g];
		size_t step = is_smt ? group->n : is_full ? (size_t)p->solver->widest : 1;
		if (group->first >= n_vcpus)
			continue; /* spare */
		for (size_t i = 0; i < group->n; i += step, n_units++)
			begins[group->first + i] = true;
	}
	return n_units;
}

/* The last unit, which may be smaller, is in a larger share. */
static void split_evenly(struct planner *p, struct request *req, size_t n)
{
	size_t n_vcpus = req->n_cpus - req->n_spare, unit = 0;
	AUTO_FREE bool *begins = xcalloc(n_vcpus + 1, sizeof *begins);
	size_t n_units = find_units(p, req, begins);
	if (n_units < n)
		return;
	req->part_of = new_part_of(p, req);
	for (size_t i = 0; i < n_vcpus; i++) {
		unit += begins[i] && i > 0;
		if (req->order[i] >= 0)
			req->part_of[req->order[i]] = (int)((unit * n + n - 1) / n_units);
	}
	req->parts = arena_alloc(&p->scratch, n * sizeof *req->parts);
	for (size_t i = 0; i < n; i++)
		req->parts[i] = (struct split_part){ .guest_node = -1 };
	place_split(p, req, n);
}

void place_split_even(struct planner *p, struct request *req, size_t n)
{
	int weight = solver_weight(p->solver, req);
	if (n < 2 || !may_split(req) || req->wish.cores == CORES_THREAD)
		return;
	int *guest_node = new_part_of(p, req);
	if (find_guest_nodes(req, guest_node) == n) {
		split_along_guest_nodes(p, req, guest_node);
		if (solver_weight(p->solver, req) == weight)
			return;
		place_split(p, req, 0);
	}
	split_evenly(p, req, n);
}

/* ---- what is said: of where it is, whatever the reason ---- */

/* Whether the vCPU of this number is in the part. */
static bool is_in_part(const struct request *req, int vcpu, size_t part)
{
	for (size_t i = 0; i < req->n_vcpus; i++)
		if (req->vcpus[i]->index == vcpu)
			return (size_t)req->part_of[i] == part;
	return false;
}

/* vCPUs of a part, the nodes that they are on, and those of them that they should not be on. */
struct part_site {
	struct cpuset vcpus, nodes, wrong;
};

static struct part_site site_of(
	const struct planner *p, const struct request *req, const struct placement *pl, size_t part)
{
	struct part_site site = { 0 };
	const struct cpuset *bound = &req->parts[part].nodes;
	for (size_t i = 0; i < p->s->n_nodes; i++) {
		const struct node *node = &p->s->nodes[i];
		struct cpuset own = cpuset_minus(&node->cpus, &pl->spare_cpus);
		for (size_t k = 0; k < pl->n_vcpus; k++) {
			const struct thread_place *t = &pl->vcpus[k];
			if (!cpuset_intersects(&t->cpus, &own) || !is_in_part(req, t->vcpu, part))
				continue;
			cpuset_add(&site.vcpus, t->vcpu);
			cpuset_add(&site.nodes, node->node);
			if (!cpuset_is_empty(bound) && !cpuset_has(bound, (int)i))
				cpuset_add(&site.wrong, node->node);
		}
	}
	return site;
}

void place_note_split(struct planner *p, const struct request *req, struct placement *pl)
{
	bool is_uneven = false;
	for (size_t i = 0; i < req->n_parts; i++) {
		struct part_site site = site_of(p, req, pl, i);
		int guest_node = req->parts[i].guest_node;
		bool is_bound = !cpuset_is_empty(&req->parts[i].nodes);
		bool is_apart = cpuset_count(&site.nodes) > 1;
		if (guest_node < 0)
			is_uneven |= is_apart;
		else if (is_bound && !cpuset_is_empty(&site.wrong))
			place_note(p, &pl->place_note,
				"v%s of its node %d %s on node %s, where its memory is not",
				place_cpus(p, &site.vcpus), guest_node,
				cpuset_is_or_are(&site.vcpus), place_list(p, &site.wrong));
		else if (!is_bound && is_apart)
			place_note(p, &pl->place_note, "v%s of its node %d are on nodes %s",
				place_cpus(p, &site.vcpus), guest_node, place_list(p, &site.nodes));
	}
	if (is_uneven)
		place_note(p, &pl->place_note, "its vCPUs are not split evenly over its nodes");
}
