/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of threads: those of the VMs, and all that could get in their way. */
#include <stdio.h>

#include "plan/settings-build.h"

/* What a group gives to the threads in it that chose nothing; -1: not known. */
static const struct cpuset *group_cpus(const struct builder *b, int cgroup)
{
	for (int g = cgroup; g >= 0; g = b->s->cgroups[g].parent)
		if (b->s->cgroups[g].effective)
			return b->s->cgroups[g].effective;
	return NULL;
}

static struct setting *add_thread(
	struct builder *b, const char *knob, int tid, uint64_t start, const char *why)
{
	char key[16];
	snprintf(key, sizeof key, "%d", tid);
	struct setting *s = builder_add(b, knob, key, why);
	s->id = arena_printf(b->arena, "%llu", (unsigned long long)start);
	const struct task *t = snapshot_task(b->s, tid);
	s->group_cpus = t && t->start == start ? group_cpus(b, t->cgroup) : NULL;
	return s;
}

/* KVM's own kernel threads serve the VM, and may be in the root group all the same: they cannot go
 * into a partition of the VM's. */
static bool is_in_group(const struct placement *p, const struct vm_thread *t)
{
	return t->cgroup ? p->cgroup && group_is_inside(t->cgroup, p->cgroup) : !t->is_kthread;
}

const struct cpuset *thread_place(
	const struct builder *b, const struct placement *p, const struct vm_thread *t)
{
	const struct cpuset *place = placement_place(p, t->role, t->tid, t->start);
	bool is_closed = p->level == LEVEL_ISOLATED && !is_in_group(p, t) && place &&
		cpuset_is_subset(place, &p->claim_cpus);
	return place && !is_closed ? place : &b->housekeeping[p - b->placements];
}

bool is_housekeeping(const struct builder *b, const struct cpuset *place)
{
	return place >= b->housekeeping && place < b->housekeeping + b->n_placements;
}

static const char *why_there(const struct placement *p, const struct vm_thread *t)
{
	if (t->role == ROLE_VCPU)
		return p->wish.cores == CORES_SHARED ? "a vCPU, on CPUs that it shares"
						     : "a vCPU with a CPU of its own";
	if (t->is_kthread)
		return "the kernel's work for the VM must not stop a vCPU";
	return placement_may_be_vcpu(p, t->tid, t->start)
		? "what may be a vCPU, on the CPUs kept for the vCPUs"
		: "QEMU's own work must not stop a vCPU";
}

static bool is_immovable(const struct builder *b, int tid)
{
	const struct task *t = snapshot_task(b->s, tid);
	return t && task_is_immovable(t);
}

bool thread_goes_into_partition(const struct builder *b, const struct placement *p,
	const struct vm *vm, const struct vm_thread *t)
{
	return p->level == LEVEL_ISOLATED && is_in_group(p, t) &&
		(t->tid != vm->pid || t->role == ROLE_EMULATOR) &&
		cpuset_is_subset(thread_place(b, p, t), &p->claim_cpus);
}

/* The partitions keep the VM's other threads off their CPUs, and all the rest they may have. */
static bool is_held_off(
	const struct builder *b, const struct placement *p, const struct cpuset *place)
{
	struct cpuset rest = cpuset_minus(&b->s->online_cpus, b->claimed);
	return p->level == LEVEL_ISOLATED && !b->n_fences && is_housekeeping(b, place) &&
		cpuset_is_subset(&rest, place);
}

void add_vm_threads(struct builder *b, const struct placement *p, const struct vm *vm)
{
	AUTO_FREE char *child = xasprintf("%s/" VCPUS_GROUP, p->cgroup ? p->cgroup : "");
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		if (!thread_goes_into_partition(b, p, vm, t))
			continue;
		struct setting *s = add_thread(b, "thread.cgroup", t->tid, t->start,
			"into the group that becomes the partition");
		s->is_optional = t->role == ROLE_WORKER;
		builder_want(b, s, p, value_word(arena_strdup(b->arena, child)));
	}
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		if (is_immovable(b, t->tid))
			continue;
		struct setting *s =
			add_thread(b, t->is_kthread ? "kthread.affinity" : "thread.affinity",
				t->tid, t->start, why_there(p, t));
		const struct cpuset *place = thread_place(b, p, t);
		s->is_sole = true;
		builder_want_cpus(b, s, p, place);
		if (is_housekeeping(b, place)) /* trimmed by its group it is as well off */
			s->avoid = builder_others(b, place);
		s->needs_own = is_held_off(b, p, place);
		s->is_optional = t->role == ROLE_WORKER || t->role == ROLE_KVM;
	}
}

static int by_tid(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;
	return x < y ? -1 : x > y;
}

/* Those of all VMs that are placed, sorted; returns how many. */
static size_t list_vm_threads(const struct builder *b, int **ret)
{
	ARRAY(int) tids = { 0 };
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct vm *vm = builder_vm(b, &b->placements[i]);
		for (size_t k = 0; vm && k < vm->n_threads; k++)
			*array_push(&tids) = vm->threads[k].tid;
	}
	if (tids.n)
		qsort(tids.v, tids.n, sizeof *tids.v, by_tid);
	*ret = tids.v;
	return tids.n;
}

/* True when the thread's mask is not the one that its group gives to everybody; also when we made
 * it so, for the list is the same before and after. */
static bool has_own_mask(const struct builder *b, const struct task *t)
{
	enum mask_origin origin = mask_origin(b->s, b->claims, t);
	return origin == MASK_OWN || origin == MASK_OURS;
}

/* In the group of a VM that no partition closes: virtiofsd, swtpm, or the shell that started it. */
static bool is_beside_vm(const struct builder *b, const struct task *t)
{
	for (size_t i = 0; t->cgroup > 0 && i < b->n_placements; i++) {
		const struct placement *p = &b->placements[i];
		if (p->level == LEVEL_FENCED && group_is_of(b->s->cgroups[t->cgroup].path, p))
			return true;
	}
	return false;
}

/* Before 7.0 a kernel thread that was born since a partition was made, or that the kernel itself
 * moved when a CPU came, has more than its group. */
static bool is_beyond_group(const struct builder *b, const struct task *t)
{
	const struct cpuset *group = group_cpus(b, t->cgroup);
	return group && !cpuset_is_subset(t->allowed, group);
}

/* Off the claimed CPUs; where nothing of its mask is left, to those that are open in its group, as
 * the kernel gives it no others. */
static void take_out_thread(struct builder *b, struct setting *s, const struct task *t)
{
	const struct cpuset *group = group_cpus(b, t->cgroup);
	builder_take_out(b, s);
	if (!group || !cpuset_intersects(b->open, group))
		return;
	struct cpuset open = cpuset_and(b->open, group);
	s->fallback = builder_keep(b, &open);
}

/* No fence holds a kernel thread. A partition does, but kernels before 7.0 rewrite the masks of all
 * of them when one is made or goes: those that somebody chose are to be kept meanwhile, and given
 * back. */
static void add_kernel_thread(struct builder *b, const struct task *t)
{
	bool keeps_own = has_own_mask(b, t), is_beyond = !keeps_own && is_beyond_group(b, t);
	if (!b->n_fences && !keeps_own && !is_beyond)
		return;
	struct setting *s = add_thread(b, "kthread.affinity", t->tid, t->start,
		keeps_own && !b->n_fences
			? "a kernel thread keeps its own mask, off the claimed CPUs"
			: "a kernel thread that can be moved");
	if (is_beyond)
		s->group_cpus = &b->s->online_cpus; /* nobody chose these */
	take_out_thread(b, s, t);
	s->is_optional = true;
}

/*
 * Threads that no fence holds: what else is in the root group, and what shares the group of a VM;
 * a partition holds these. And those whose mask somebody chose: kernels before 6.2 forget it at any
 * change of a cpuset, later ones remember it where nobody can read it, so that it would be lost
 * when another mask has to be set.
 */
static void add_other_thread(struct builder *b, const struct task *t)
{
	bool is_beside = is_beside_vm(b, t);
	bool is_held = !is_beside && (t->cgroup > 0 || !b->n_fences);
	if (is_held && !has_own_mask(b, t))
		return;
	struct setting *s = is_beside ? add_thread(b, "thread.affinity", t->tid, t->start,
						"what shares a VM's group is in no fence")
				      : add_thread(b, "task.affinity", t->tid, t->start,
						"keeps its own mask, off the claimed CPUs");
	take_out_thread(b, s, t);
	s->needs_own = is_held;
	s->is_optional = true;
}

void add_other_threads(struct builder *b)
{
	AUTO_FREE int *tids = NULL;
	size_t n = list_vm_threads(b, &tids);
	for (size_t i = 0; i < b->s->n_tasks; i++) {
		const struct task *t = &b->s->tasks[i];
		if (task_is_immovable(t) || !t->allowed ||
			(n && bsearch(&t->tid, tids, n, sizeof *tids, by_tid)))
			continue;
		if (task_is_kthread(t))
			add_kernel_thread(b, t);
		else
			add_other_thread(b, t);
	}
}
