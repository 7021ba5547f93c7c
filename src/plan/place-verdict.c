/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is it warranted at all? What speaks against giving these VMs CPUs of their own, told and never in
 * the way: more vCPUs than CPUs, a VM that idles, interrupts that its level leaves where they are,
 * no headroom for the host and for all the others.
 */
#include "plan/place.h"

enum {
	IDLE_PERCENT = 5,       /* of its vCPUs' time since they were started */
	IDLE_SECONDS = 600,     /* so long at least: who has just been started says nothing */
	BUSY_INTERRUPTS = 10000 /* since boot: fewer are no matter */
};

/* Its vCPUs that somebody keeps on CPUs which are no place for other work. */
static int count_elsewhere(const struct planner *p, const struct vm *vm)
{
	struct cpuset closed = cpuset_or(&p->foreign_cpus, &p->s->boot_isolated_cpus);
	int n = 0;
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		n += t->role == ROLE_VCPU && t->allowed && cpuset_is_subset(t->allowed, &closed);
	}
	return n;
}

/* Threads that may be vCPUs, of all VMs of the host that have no CPUs of their own. */
static int count_homeless(const struct planner *p)
{
	int n = 0;
	for (size_t i = 0; i < p->vms->n_vms; i++) {
		const struct vm *vm = &p->vms->vms[i];
		int self = place_self(p, vm);
		if (self == NOBODY)
			n += vm->n_vcpus - count_elsewhere(p, vm);
		else if (p->owners.v[self].placement->wish.cores == CORES_SHARED)
			n += vm->n_vcpus;
	}
	return n;
}

static void judge_headroom(struct planner *p, const struct cpuset *free_cpus)
{
	int n_free = cpuset_count(free_cpus), n = count_homeless(p);
	if (!p->out->n || !n_free || n_free > n)
		return;
	place_note(p, &p->out->verdict,
		"%s %s all that is left for the host and for %d vCPU%s of VMs without CPUs of "
		"their own: no headroom",
		place_cpus(p, free_cpus), n_free == 1 ? "is" : "are", n, n == 1 ? "" : "s");
}

static void judge_oversubscription(struct planner *p)
{
	int n = 0, n_online = cpuset_count(&p->s->online_cpus);
	for (size_t i = 0; i < p->vms->n_vms; i++)
		n += p->vms->vms[i].n_vcpus;
	if (p->out->n && n > n_online)
		place_note(p, &p->out->verdict,
			"its VMs have %d vCPUs in all, on %d CPU%s: the host is oversubscribed, "
			"and pinning invents no CPU",
			n, n_online, n_online == 1 ? "" : "s");
}

/* What the vCPU threads ran since they were started, and could have run. False: not known. */
static bool run_history(
	const struct planner *p, const struct vm *vm, uint64_t *ret_run_ns, uint64_t *ret_age_ns)
{
	uint64_t now = p->s->ticks_since_boot;
	*ret_run_ns = *ret_age_ns = 0;
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		if (t->role != ROLE_VCPU || !t->has_times || t->start > now)
			continue;
		*ret_run_ns += t->run_ns;
		*ret_age_ns += (now - t->start) * NS_PER_TICK;
	}
	return *ret_age_ns &&
		*ret_age_ns / 1000000000 >= (uint64_t)IDLE_SECONDS * (uint64_t)vm->n_vcpus;
}

int place_busy_percent(const struct planner *p, const struct vm *vm)
{
	uint64_t run_ns, age_ns;
	if (!run_history(p, vm, &run_ns, &age_ns))
		return 0;
	return 1 + (int)((double)run_ns / (double)age_ns * 100 * vm->n_vcpus);
}

/* By its own run history. */
static void judge_idle(struct planner *p, const struct vm *vm, struct placement *pl)
{
	uint64_t run_ns, age_ns;
	if (!run_history(p, vm, &run_ns, &age_ns))
		return;
	int permille = (int)((double)run_ns / (double)age_ns * 1000);
	if (permille < IDLE_PERCENT * 10)
		place_note(p, &pl->verdict,
			"its vCPUs ran %d.%d %% of the time since they were started: it is idle, "
			"and "
			"would keep CPUs from others",
			permille / 10, permille % 10);
}

/* At level pinned they stay where they are. */
static void judge_interrupts(struct planner *p, struct placement *pl)
{
	struct heat heat = place_movable_heat(p, &pl->vcpu_cpus);
	if (pl->level != LEVEL_PINNED || pl->wish.cores == CORES_SHARED ||
		heat.sum < BUSY_INTERRUPTS)
		return;
	place_note(p, &pl->verdict,
		"%llu interrupts came to its CPUs so far, %s, and level pinned "
		"leaves them there: isolation = fenced moves them",
		(unsigned long long)heat.sum, heat.whom);
}

static void judge_shared(struct planner *p, struct placement *pl)
{
	int n = cpuset_count(&pl->vcpu_cpus);
	if (pl->wish.cores == CORES_SHARED && (size_t)n < pl->n_vcpus)
		place_note(p, &pl->verdict, "its %zu vCPUs share %d CPU%s", pl->n_vcpus, n,
			n == 1 ? "" : "s");
}

void place_judge(struct planner *p, const struct cpuset *free_cpus)
{
	judge_oversubscription(p);
	judge_headroom(p, free_cpus);
	for (size_t i = 0; i < p->out->n; i++) {
		struct placement *pl = &p->out->v[i];
		const struct vm *vm = placement_vm(pl, p->vms);
		if (vm && pl->wish.cores != CORES_SHARED)
			judge_idle(p, vm, pl);
		judge_interrupts(p, pl);
		judge_shared(p, pl);
	}
}
