/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may not be used, and what better not, each with its reason.
 *
 *	must not   a CPU in somebody's partition (isolated or root), one that a group holds by
 *	           cpuset.cpus.exclusive, one that the VM's own group or one above it does not allow
 *	better not a CPU that a group of other things is pinned to by its cpuset.cpus; see also the
 *	           pins of VMs in place.c
 *
 * A partition of ours, and what hands it down, is nobody's hold: claims in force are taken out.
 */
#include <string.h>

#include "base/str.h"
#include "plan/place.h"
#include "plan/settings.h"
#include "vm/config.h"
#include "vm/memory.h"

static bool is_inside(const char *path, const char *group)
{
	const char *rest = str_after(path, group);
	return !*group || (rest && (!*rest || *rest == '/'));
}

/* Our own group of vCPUs. */
static bool is_ours(const struct planner *p, const struct cgroup *g)
{
	for (size_t i = 0; i < p->in_force.n; i++) {
		const char *vm = p->in_force.placements[i].cgroup;
		if (vm && is_inside(g->path, vm) && str_has_suffix(g->path, "/" VCPUS_GROUP))
			return true;
	}
	return false;
}

void place_with_siblings(const struct planner *p, struct cpuset *sum, const struct cpuset *cpus)
{
	cpuset_for_each (cpu, cpus)
		if (p->core_of_cpu[cpu] >= 0)
			cpuset_add_all(sum, p->inv.cores[p->core_of_cpu[cpu]].cpus);
}

/* CPUs that claims in force name for their helpers, outside of the claim. What is placed anew
 * names them again, or no longer. */

static void add_hold(struct planner *p, const struct cpuset *cpus, const char *what, const char *by)
{
	struct cpuset held = cpuset_minus(cpus, &p->in_force.taken_cpus);
	held = cpuset_and(&held, &p->s->online_cpus);
	array_for_each (old, &p->holds)
		held = cpuset_minus(&held, &old->cpus);
	if (cpuset_is_empty(&held))
		return;
	*array_push(&p->holds) = (struct hold){
		.cpus = held,
		.why = arena_printf(&p->out->arena, "%s /%s", what, by),
	};
	p->held_cpus = cpuset_or(&p->held_cpus, &held);
}

static void look_for_holds(struct planner *p, const struct cgroup *g)
{
	struct cpuset cpus;
	if (is_ours(p, g))
		return;
	bool is_partition = g->partition && g->parent >= 0 &&
		(streq(g->partition, "root") || streq(g->partition, "isolated"));
	if (is_partition && g->effective) {
		add_hold(p, g->effective, "in a partition of group", g->path);
		cpuset_add_all(&p->parted_cpus, g->effective);
	}
	if (g->exclusive && cpuset_parse_list(g->exclusive, &cpus) == 0)
		add_hold(p, &cpus, "held exclusively by group", g->path);
}

/* A group without a VM in or around it whose list is narrower than that of the group above. */
static bool is_pinned_group(const struct planner *p, const struct cgroup *g, struct cpuset *ret)
{
	if (!g->cpus || !*g->cpus || g->parent < 0 || cpuset_parse_list(g->cpus, ret) < 0)
		return false;
	for (size_t i = 0; i < p->vms->n_vms; i++) {
		const char *vm = p->vms->vms[i].cgroup;
		if (vm && (is_inside(vm, g->path) || is_inside(g->path, vm)))
			return false;
	}
	struct cpuset usual = claims_usual(&p->in_force);
	const struct cpuset *above = p->s->cgroups[g->parent].effective;
	if (above)
		usual = cpuset_and(&usual, above);
	return !cpuset_is_subset(&usual, ret);
}

void limits_of_others(struct planner *p)
{
	for (size_t i = 1; i < p->s->n_cgroups; i++)
		look_for_holds(p, &p->s->cgroups[i]);
	for (size_t i = 1; i < p->s->n_cgroups; i++) {
		struct pin pin = { .group = p->s->cgroups[i].path };
		struct cpuset cpus;
		if (!is_pinned_group(p, &p->s->cgroups[i], &cpus))
			continue;
		place_with_siblings(p, &pin.cpus, &cpus);
		p->pinned_cpus = cpuset_or(&p->pinned_cpus, &pin.cpus);
		*array_push(&p->pins) = pin;
	}
}

/* What fences and partitions of ours may have taken off the VM's group: all that is claimed, but
 * for the claim of its own that no partition closes, which its group must allow. */
static struct cpuset taken_by_us(const struct planner *p, const struct request *req)
{
	const struct placement *own = req->self == NOBODY ? NULL : p->owners.v[req->self].placement;
	return own && own->level == LEVEL_FENCED
		? cpuset_minus(&p->in_force.claimed_cpus, &own->claim_cpus)
		: p->in_force.claimed_cpus;
}

/* The nearest group that has a set of its own answers for all above it: the kernel has taken
 * theirs off it. */
const struct cpuset *limits_of_group(const struct snapshot *s, const char *path, int *ret_group)
{
	int g = path ? snapshot_cgroup(s, path) : -1;
	while (g > 0 && !s->cgroups[g].effective)
		g = s->cgroups[g].parent;
	if (ret_group)
		*ret_group = g;
	return g > 0 ? s->cgroups[g].effective : &s->online_cpus;
}

/* A core of the list that no partition has; NULL: a part of the list is no VM's, or partitions have
 * all of it. Who else has cores makes no difference: those that are away for a question, too. */
static const struct cpuset *core_to_leave(const struct planner *p, const struct cpuset *list)
{
	struct cpuset none = cpuset_or(&p->kept_cpus, &p->s->boot_isolated_cpus);
	if (cpuset_is_empty(list) || cpuset_intersects(list, &none) ||
		!cpuset_is_subset(list, &p->s->online_cpus))
		return NULL;
	for (size_t i = p->inv.n_cores; i-- > 0;) {
		const struct host_core *core = &p->inv.cores[i];
		bool is_parted = core->owner != NOBODY &&
			p->owners.v[core->owner].placement->level == LEVEL_ISOLATED;
		if (!is_parted && cpuset_intersects(core->cpus, list))
			return core->cpus;
	}
	return NULL;
}

void limits_of_neighbours(struct planner *p)
{
	for (size_t i = 1; i < p->s->n_cgroups; i++) {
		const struct cgroup *g = &p->s->cgroups[i];
		struct cpuset list;
		if (!g->cpus || !*g->cpus || g->parent < 0 || is_ours(p, g) ||
			cpuset_parse_list(g->cpus, &list) < 0)
			continue;
		const struct cpuset *left = core_to_leave(p, &list);
		if (left)
			*array_push(&p->neighbours) = (struct neighbour){ .group = g->path,
				.above = p->s->cgroups[g->parent].path,
				.cpus = list,
				.left_cpus = left };
	}
}

/* Lists inside of the VM's own group make way: settings-cgroup.c. */
bool limits_are_by(const struct request *req, const struct neighbour *n)
{
	const char *group = req->vm->cgroup;
	return req->level == LEVEL_ISOLATED && group && is_inside(group, n->above) &&
		!is_inside(group, n->group) && !is_inside(n->group, group);
}

/* Fences write lists; partitions take their CPUs off the effective ones alone. */
static bool has_fences(const struct planner *p)
{
	for (size_t i = 0; i < p->in_force.n; i++)
		if (p->in_force.placements[i].level == LEVEL_FENCED)
			return true;
	return false;
}

/* What the lists of the group and of all above it leave of the CPUs. */
static struct cpuset within_lists(const struct snapshot *s, int g, struct cpuset cpus)
{
	struct cpuset list;
	for (; g > 0; g = s->cgroups[g].parent) {
		const char *text = s->cgroups[g].cpus;
		if (text && *text && cpuset_parse_list(text, &list) == 0)
			cpus = cpuset_and(&cpus, &list);
	}
	return cpus;
}

/* What fences and partitions have taken off it, ours and those of others, is no limit; but what a
 * list that is not ours does not have, it would not get back from them. */
void limits_of_vm(const struct planner *p, struct request *req)
{
	int g;
	struct cpuset allowed = taken_by_us(p, req);
	cpuset_add_all(&allowed, &p->parted_cpus);
	cpuset_add_all(&allowed, &p->foreign_cpus);
	cpuset_add_all(&allowed, limits_of_group(p->s, req->vm->cgroup, &g));
	if (!has_fences(p))
		allowed = within_lists(p->s, g, allowed);
	struct cpuset not_allowed = cpuset_minus(&p->s->online_cpus, &allowed);
	req->allowed_cpus = p->s->online_cpus;
	req->limit = NULL;
	if (cpuset_is_empty(&not_allowed))
		return;
	req->allowed_cpus = allowed;
	while (p->s->cgroups[g].parent > 0 && !(p->s->cgroups[g].cpus && *p->s->cgroups[g].cpus))
		g = p->s->cgroups[g].parent;
	req->limit = p->s->cgroups[g].path;
}

/* Their indexes. */
static struct cpuset indexes_of(const struct planner *p, const struct cpuset *nodes)
{
	struct cpuset indexes = CPUSET_EMPTY;
	for (size_t i = 0; i < p->s->n_nodes; i++)
		if (cpuset_has(nodes, p->s->nodes[i].node))
			cpuset_add(&indexes, (int)i);
	return indexes;
}

static struct cpuset parse_nodes(const struct planner *p, const char *list)
{
	struct cpuset nodes;
	return cpuset_parse_list(list, &nodes) == 0 ? indexes_of(p, &nodes) : CPUSET_EMPTY;
}

struct cpuset limits_of_guest_node(const struct planner *p, const struct vm_node *node)
{
	bool is_bound = node->hostnodes && node->policy && streq(node->policy, "bind");
	return is_bound ? parse_nodes(p, node->hostnodes) : CPUSET_EMPTY;
}

/* The nodes that its memory is bound to; of a guest's nodes those with vCPUs count, if any is. */
static struct cpuset bound_nodes(const struct planner *p, const struct vm *vm)
{
	struct cpuset bound = CPUSET_EMPTY;
	const struct vm_config *config = vm->config;
	if (vm->memory_nodes)
		bound = parse_nodes(p, vm->memory_nodes);
	if (!config || !cpuset_is_empty(&bound))
		return bound;
	for (int pass = 0; pass < 2 && cpuset_is_empty(&bound); pass++)
		array_for_each (n, &config->nodes) {
			struct cpuset nodes = limits_of_guest_node(p, n);
			if (pass || vm_node_has_vcpus(n))
				cpuset_add_all(&bound, &nodes);
		}
	if (config->numa_mode && streq(config->numa_mode, "strict") && config->numa_nodes) {
		struct cpuset nodes = parse_nodes(p, config->numa_nodes);
		cpuset_add_all(&bound, &nodes);
	}
	return bound;
}

static bool has_room(const struct planner *p, const struct cpuset *nodes, int64_t kib)
{
	cpuset_for_each (node, nodes)
		kib -= p->inv.free_kib[node];
	return kib <= 0;
}

/* The nodes that have a good part of it: a quarter, so that crumbs elsewhere do not count. Nor do
 * the first pages of a VM that has just been started, where there is no room for the others. */
static struct cpuset resident_nodes(
	const struct planner *p, const struct vm_memory *memory, int64_t rest_kib)
{
	struct cpuset nodes = CPUSET_EMPTY;
	uint64_t sum = 0;
	for (size_t i = 0; i < memory->nodes.n; i++)
		sum += memory->nodes.v[i].kib;
	for (size_t i = 0; i < memory->nodes.n; i++)
		if (sum && memory->nodes.v[i].kib >= sum / 4)
			cpuset_add(&nodes, memory->nodes.v[i].node);
	nodes = indexes_of(p, &nodes);
	bool is_little = sum < (sum + (uint64_t)rest_kib) / 4;
	return is_little && !has_room(p, &nodes, rest_kib) ? CPUSET_EMPTY : nodes;
}

void limits_of_memory(const struct planner *p, struct request *req)
{
	const struct vm *vm = req->vm;
	req->memory_nodes = bound_nodes(p, vm);
	if (cpuset_is_empty(&req->memory_nodes) && vm->memory)
		req->memory_nodes = resident_nodes(p, vm->memory, req->rest_kib);
	req->has_memory_nodes = !cpuset_is_empty(&req->memory_nodes);
}

/* ---- kinds of cores ---- */

static bool is_of_kind(const struct snapshot *s, const struct cpu *c, enum kind_wish kind)
{
	uint64_t largest = 0;
	if (kind == KIND_PERFORMANCE)
		return c->kind <= CPU_PERFORMANCE;
	if (kind == KIND_EFFICIENCY)
		return c->kind == CPU_EFFICIENCY;
	for (size_t i = 0; i < s->n_l3s; i++)
		if (s->l3s[i].size_kib > largest)
			largest = s->l3s[i].size_kib;
	return c->l3 >= 0 && s->l3s[c->l3].size_kib == largest;
}

struct cpuset limits_of_kind(const struct snapshot *s, enum kind_wish kind, bool *ret_is_moot)
{
	struct cpuset cpus = CPUSET_EMPTY;
	*ret_is_moot = false;
	if (kind == KIND_ANY)
		return s->online_cpus;
	for (size_t i = 0; i < s->n_cpus; i++)
		if (s->cpus[i].is_online && is_of_kind(s, &s->cpus[i], kind))
			cpuset_add(&cpus, s->cpus[i].cpu);
	*ret_is_moot = cpuset_is_empty(&cpus) || cpuset_equal(&cpus, &s->online_cpus);
	return *ret_is_moot ? s->online_cpus : cpus;
}
