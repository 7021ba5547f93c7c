/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of a VM that runs, to the nodes of its CPUs: only where that was asked for
 * (--migrate-memory), by its unit, which must be its own, and where the nodes have room for all of
 * it. The kernel moves what it can, and says nothing of what it cannot: what is known not to move
 * is refused.
 */
#include <string.h>

#include "base/str.h"
#include "plan/place.h"
#include "plan/settings.h"
#include "vm/config.h"
#include "vm/memory.h"

/* A process in the group that is neither the VM nor serves it, or NULL. */
static const struct task *stranger_in(struct planner *p, const struct vm *vm, const char *group)
{
	for (size_t i = 0; i < p->s->n_tasks; i++) {
		const struct task *t = &p->s->tasks[i];
		bool is_its_own = t->pid == vm->pid;
		if (t->cgroup <= 0 || !str_after(p->s->cgroups[t->cgroup].path, group))
			continue;
		const char *rest = str_after(p->s->cgroups[t->cgroup].path, group);
		for (size_t k = 0; k < vm->n_helpers && !is_its_own; k++)
			is_its_own = vm->helpers[k].pid == t->pid;
		for (size_t k = 0; k < vm->n_threads && !is_its_own; k++)
			is_its_own = vm->threads[k].tid == t->tid;
		if (!is_its_own && (!*rest || *rest == '/'))
			return t;
	}
	return NULL;
}

/* NULL: its memory can be moved by its own unit. */
static const char *why_no_unit(struct planner *p, const struct vm *vm, enum level level)
{
	struct arena *a = &p->out->arena;
	AUTO_FREE char *group = unit_group_of(vm->cgroup, p->s->has_systemd);
	if (!vm->cgroup || !*vm->cgroup || !p->s->has_cpuset)
		return "it has no cgroup of its own";
	if (!group)
		return arena_printf(a,
			"its group %s is in no scope or service of systemd's, whose property that "
			"is",
			vm->cgroup);
	int g = snapshot_cgroup(p->s, group);
	if (g <= 0)
		return arena_printf(a, "its group %s is not seen", group);
	const struct task *t = vm->is_managed ? NULL : stranger_in(p, vm, group);
	if (t)
		return arena_printf(a,
			"%s is not its own: %s (%d) is in it too, whose memory would move with it",
			strrchr(group, '/') ? strrchr(group, '/') + 1 : group, t->comm, t->pid);
	if (level == LEVEL_PINNED && !p->s->cgroups[g].mems)
		return arena_printf(a,
			"the cpuset controller is not given to its group %s, and isolation = "
			"pinned gives it to none",
			group);
	return NULL;
}

/* What the kernel leaves where it is; NULL: nothing. */
static const char *why_unmoved(const struct vm *vm)
{
	for (size_t i = 0; i < vm->n_devices; i++)
		if (!streq(vm->devices[i].kind, "vfio-user"))
			return "it is held in place for the devices that are passed through to it";
	if ((vm->config && vm->config->hugepages_kib) ||
		(vm->memory && vm->memory->hugetlb_kib > 0))
		return "it is in huge pages, which are had of a node when the VM starts";
	return NULL;
}

/* Where its own configuration binds it, beside the nodes; NULL: it does not. */
static const char *bound_elsewhere(const struct vm *vm, const struct cpuset *nodes)
{
	const struct vm_config *c = vm->config;
	struct cpuset bound;
	for (size_t i = 0; c && i < c->nodes.n; i++) {
		const struct vm_node *n = &c->nodes.v[i];
		if (n->hostnodes && n->policy && streq(n->policy, "bind") &&
			(cpuset_parse_list(n->hostnodes, &bound) < 0 ||
				!cpuset_is_subset(&bound, nodes)))
			return n->hostnodes;
	}
	bool is_strict = c && c->numa_nodes && c->numa_mode && streq(c->numa_mode, "strict");
	if (is_strict &&
		(cpuset_parse_list(c->numa_nodes, &bound) < 0 || !cpuset_is_subset(&bound, nodes)))
		return c->numa_nodes;
	return NULL;
}

static bool refuse(struct planner *p, const struct vm *vm, const char *why)
{
	struct refusal *r = place_refuse(p, vm, "its memory cannot be moved: %s", why);
	place_alternative(p, r, (struct alternative){ 0 },
		"without --migrate-memory its memory stays where it is");
	return false;
}

/* What must still come to the nodes: what is elsewhere, and what it has not asked for yet. */
static int64_t missing_kib(const struct vm *vm, const struct cpuset *nodes)
{
	int64_t all = (int64_t)vm_memory_mib(vm) * 1024, there = 0, sum = 0;
	for (size_t i = 0; vm->memory && i < vm->memory->nodes.n; i++) {
		const struct memory_node *n = &vm->memory->nodes.v[i];
		sum += (int64_t)n->kib;
		there += cpuset_has(nodes, n->node) ? (int64_t)n->kib : 0;
	}
	return (all > sum ? all : sum) - there;
}

void place_bind_memory(struct planner *p, struct request *req)
{
	const struct vm *vm = req->vm;
	if (req->wish.memory != MEMORY_STRICT || !p->migrates_memory || !vm->memory)
		return;
	uint64_t *there = arena_alloc(&p->scratch, (p->s->n_nodes + 1) * sizeof *there);
	for (size_t i = 0; i < vm->memory->nodes.n; i++)
		for (size_t k = 0; k < p->s->n_nodes; k++)
			if (p->s->nodes[k].node == vm->memory->nodes.v[i].node)
				there[k] = vm->memory->nodes.v[i].kib;
	req->bind.kib = (uint64_t)missing_kib(vm, &CPUSET_EMPTY);
	req->bind.there_kib = there;
}

/* Takes the room; later VMs have what is left. */
static bool take_room(struct planner *p, const struct vm *vm, const struct cpuset *nodes)
{
	int64_t need = missing_kib(vm, nodes), sum = 0;
	for (size_t i = 0; i < p->s->n_nodes; i++)
		sum += cpuset_has(nodes, p->s->nodes[i].node) ? p->inv.free_kib[i] : 0;
	if (need > sum)
		return refuse(p, vm,
			arena_printf(&p->out->arena,
				"%lld MiB of it are not on node %s, where its CPUs are, and %lld "
				"MiB are left there",
				(long long)need / 1024, place_list(p, nodes),
				(long long)sum / 1024));
	for (size_t i = 0; i < p->s->n_nodes; i++) {
		int64_t *free_kib = &p->inv.free_kib[i], n = need < *free_kib ? need : *free_kib;
		if (!cpuset_has(nodes, p->s->nodes[i].node) || n <= 0)
			continue;
		*free_kib -= n;
		need -= n;
	}
	return true;
}

/* What of a placement in force holds on: an apply that does not ask for it moves nothing. */
static struct cpuset nodes_in_force(const struct planner *p, const struct request *req)
{
	const struct placement *old = req->self == NOBODY ? NULL : p->owners.v[req->self].placement;
	return old && placement_is_of(old, req->vm) ? old->memory_nodes : CPUSET_EMPTY;
}

bool place_migrate(struct planner *p, const struct request *req, struct placement *pl)
{
	const struct vm *vm = req->vm;
	if (pl->wish.memory != MEMORY_STRICT)
		return true;
	pl->memory_nodes = nodes_in_force(p, req);
	if (!p->migrates_memory)
		return true;
	struct cpuset nodes = CPUSET_EMPTY;
	for (size_t i = 0; i < p->s->n_nodes; i++)
		if (cpuset_intersects(&p->s->nodes[i].cpus, &pl->vcpu_cpus))
			cpuset_add(&nodes, p->s->nodes[i].node);
	if (cpuset_is_empty(&nodes))
		return refuse(p, vm, "it has no CPUs of its own, whose node that would be");
	const char *why = why_no_unit(p, vm, pl->level);
	const char *bound = bound_elsewhere(vm, &nodes);
	if (!why && bound)
		why = arena_printf(
			&p->out->arena, "its own configuration binds it to node %s", bound);
	if (!why && missing_kib(vm, &nodes) > 0)
		why = why_unmoved(vm);
	if (why)
		return refuse(p, vm, why);
	if (!cpuset_equal(&nodes, &pl->memory_nodes) && !take_room(p, vm, &nodes))
		return false;
	pl->memory_nodes = nodes;
	return true;
}
