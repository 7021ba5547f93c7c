/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/claims.h"

#include "base/str.h"
#include "model/snapshot.h"

struct cpuset claims_sum(const struct placement *placements, size_t n)
{
	struct cpuset sum = CPUSET_EMPTY;
	for (size_t i = 0; i < n; i++)
		cpuset_add_all(&sum, &placements[i].claim_cpus);
	return sum;
}

void claims_add(struct claims *c, const struct placement *p)
{
	cpuset_add_all(
		p->level >= LEVEL_FENCED ? &c->claimed_cpus : &c->pinned_cpus, &p->claim_cpus);
}

void claims_close(struct claims *c, const struct snapshot *s, const struct cpuset *ours)
{
	c->taken_cpus = cpuset_or(&c->claimed_cpus, &c->pinned_cpus);
	c->boot_isolated_cpus = cpuset_and(&s->boot_isolated_cpus, &s->online_cpus);
	c->foreign_cpus = cpuset_minus(&s->isolated_cpus, &s->boot_isolated_cpus);
	for (size_t i = 1; i < s->n_cgroups; i++) {
		const struct cgroup *g = &s->cgroups[i];
		if (g->partition && streq(g->partition, "root") && g->effective)
			cpuset_add_all(&c->foreign_cpus, g->effective);
	}
	c->ours_cpus = ours ? cpuset_or(&c->taken_cpus, ours) : c->taken_cpus;
	cpuset_remove_all(&c->foreign_cpus, &c->ours_cpus);
	c->open_cpus = cpuset_minus(&s->online_cpus, &c->claimed_cpus);
	struct cpuset rest = cpuset_minus(&s->online_cpus, &c->taken_cpus);
	cpuset_remove_all(&rest, &c->foreign_cpus);
	c->free_cpus = cpuset_minus(&rest, &c->boot_isolated_cpus);
	if (cpuset_is_empty(&c->free_cpus))
		c->free_cpus = rest;
}

struct claims claims_of(const struct snapshot *s, const struct placement *placements, size_t n,
	const struct cpuset *ours)
{
	struct claims c = { .placements = placements, .n = n };
	for (size_t i = 0; i < n; i++)
		claims_add(&c, &placements[i]);
	claims_close(&c, s, ours);
	return c;
}

struct cpuset claims_usual(const struct claims *c)
{
	struct cpuset usual = cpuset_minus(&c->open_cpus, &c->foreign_cpus);
	struct cpuset balanced = cpuset_minus(&usual, &c->boot_isolated_cpus);
	return cpuset_is_empty(&balanced) ? usual : balanced;
}

struct cpuset claims_housekeeping(const struct claims *c, const struct placement *p)
{
	struct cpuset cpus = cpuset_minus(&p->housekeeping_cpus, &c->taken_cpus);
	return cpuset_is_empty(&cpus) ? c->free_cpus : cpus;
}

const struct cpuset *placement_place(
	const struct placement *p, enum thread_role role, int tid, uint64_t start)
{
	for (size_t i = 0; i < p->n_vcpus; i++)
		if (p->vcpus[i].tid == tid && p->vcpus[i].start == start)
			return &p->vcpus[i].cpus;
	for (size_t i = 0; i < p->n_iothreads; i++)
		if (p->iothreads[i].tid == tid && p->iothreads[i].start == start)
			return &p->iothreads[i].cpus;
	const struct cpuset *group = role == ROLE_IOTHREAD ? &p->iothread_cpus : &p->emulator_cpus;
	return cpuset_is_empty(group) ? NULL : group;
}

bool placement_may_be_vcpu(const struct placement *p, int tid, uint64_t start)
{
	for (size_t i = 0; i < p->n_vcpus; i++)
		if (p->vcpus[i].tid == tid && p->vcpus[i].start == start)
			return p->vcpus[i].vcpu < 0;
	return false;
}

/* ---- is this still that VM? ---- */

static bool is_process(const struct placement *p, int pid, uint64_t start)
{
	return p->pid == pid && p->start == start;
}

bool placement_is_of(const struct placement *p, const struct vm *vm)
{
	return is_process(p, vm->pid, vm->start);
}

bool claims_are_about(const void *claims, const struct vm *vm)
{
	const struct claims *c = claims;
	for (size_t i = 0; i < c->n; i++)
		if (placement_is_of(&c->placements[i], vm))
			return true;
	return false;
}

const struct vm *placement_vm(const struct placement *p, const struct vms *vms)
{
	for (size_t i = 0; vms && i < vms->n_vms; i++)
		if (placement_is_of(p, &vms->vms[i]))
			return &vms->vms[i];
	return NULL;
}

bool placement_is_running(
	const struct placement *p, const struct snapshot *s, const struct vms *vms)
{
	const struct task *t = snapshot_task(s, p->pid);
	return placement_vm(p, vms) || (t && is_process(p, t->pid, t->start));
}

const struct vm *placement_successor(
	const struct placement *p, const struct snapshot *s, const struct vms *vms)
{
	if (placement_is_running(p, s, vms))
		return NULL;
	for (size_t i = 0; vms && i < vms->n_vms; i++)
		if (streq(vms->vms[i].id, p->vm))
			return &vms->vms[i];
	return NULL;
}

/* ---- whose choice is this mask? ---- */

static bool has_place(const struct thread_place *v, size_t n, const struct task *t)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].tid == t->tid && v[i].start == t->start)
			return cpuset_equal(&v[i].cpus, t->allowed);
	return false;
}

static bool is_placed_there(const struct claims *in_force, const struct task *t)
{
	for (size_t i = 0; i < in_force->n; i++) {
		const struct placement *p = &in_force->placements[i];
		if (has_place(p->vcpus, p->n_vcpus, t) ||
			has_place(p->iothreads, p->n_iothreads, t))
			return true;
	}
	return false;
}

static bool is_listed(const struct claims *c, const struct task *t)
{
	for (size_t i = 0; i < c->n_own_masks; i++)
		if (c->own_masks[i].tid == t->tid && c->own_masks[i].start == t->start)
			return true;
	return false;
}

enum mask_origin mask_origin(
	const struct snapshot *s, const struct claims *in_force, const struct task *t)
{
	const struct cpuset *group = NULL;
	if (!t->allowed)
		return MASK_UNKNOWN;
	if (is_listed(in_force, t)) /* by now it may be just what its group has */
		return MASK_OURS;
	for (int g = t->cgroup; g >= 0 && !group; g = s->cgroups[g].parent)
		group = s->cgroups[g].effective;
	group = group ? group : &s->online_cpus;
	if (cpuset_equal(t->allowed, group) ||
		(task_is_kthread(t) && cpuset_equal(t->allowed, &s->online_cpus)))
		return MASK_GROUP;
	struct cpuset fenced = cpuset_minus(group, &in_force->claimed_cpus);
	if (cpuset_equal(t->allowed, &fenced) || is_placed_there(in_force, t))
		return MASK_OURS;
	return MASK_OWN;
}

/* What everybody in the slice around the VM may use. */
static struct cpuset usual_cpus(
	const struct snapshot *s, const struct claims *in_force, const struct vm *vm)
{
	struct cpuset usual = claims_usual(in_force);
	int g = vm->cgroup ? snapshot_cgroup(s, vm->cgroup) : -1;
	while (g > 0 && !str_has_suffix(s->cgroups[g].path, ".slice"))
		g = s->cgroups[g].parent;
	while (g > 0 && !s->cgroups[g].effective)
		g = s->cgroups[g].parent;
	if (g > 0)
		usual = cpuset_and(&usual, s->cgroups[g].effective);
	return usual;
}

static bool has_vcpus(const struct vm *vm)
{
	for (size_t i = 0; i < vm->n_threads; i++)
		if (vm->threads[i].role == ROLE_VCPU)
			return true;
	return false;
}

bool mask_is_pin(const struct snapshot *s, const struct claims *in_force, const struct vm *vm,
	const struct vm_thread *t)
{
	if (has_vcpus(vm) ? t->role != ROLE_VCPU : t->is_kthread)
		return false;
	if (t->allowed && cpuset_is_subset(&s->online_cpus, t->allowed))
		return false; /* who may run anywhere is pinned nowhere: most are of these */
	const struct task task = { .tid = t->tid,
		.start = t->start,
		.allowed = t->allowed,
		.cgroup = t->cgroup ? snapshot_cgroup(s, t->cgroup) : -1 };
	enum mask_origin origin = mask_origin(s, in_force, &task);
	struct cpuset usual = usual_cpus(s, in_force, vm);
	return (origin == MASK_OWN || origin == MASK_GROUP) &&
		!cpuset_is_subset(&usual, t->allowed);
}
