/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Housekeeping: what no VM may have, so that the host has CPUs on every node.
 *
 * What the policy names; or so many cores of each node; or, with auto, one, and more where all that
 * is no vCPU has kept these busy on average: up to a quarter of what a node has. CPU 0's core comes
 * first (kernels do there what they do once), then those that unmovable interrupts come to, then
 * the lowest. Cores of isolcpus= are not the host's; where it has part of a core, the rest is.
 */
#include <errno.h>

#include "base/alloc.h"
#include "plan/place.h"

enum {
	BUSY_PERCENT = 50, /* so busy may housekeeping's CPUs be on average, to be ready in peaks */
	PART_MAX = 4,      /* of a node's cores no more than this part */
	TICKS_MIN = 60000, /* ten minutes: how busy somebody was in less says nothing */
};

static bool is_before(const struct host_core *a, const struct host_core *b)
{
	if ((a->first == 0) != (b->first == 0))
		return a->first == 0;
	if (a->is_hot != b->is_hot)
		return a->is_hot;
	return a->first < b->first;
}

/* Those that the host can use: by core, CPUs that are neither claimed nor of isolcpus=, of cores of
 * which others hold nothing. lifted: as if neither were there on these. */
static struct cpuset *usable_cpus(
	const struct planner *p, const struct cpuset *claimed, const struct cpuset *lifted)
{
	struct cpuset *v = xcalloc(p->inv.n_cores + 1, sizeof *v);
	struct cpuset others = cpuset_or(&p->foreign_cpus, &p->held_cpus);
	struct cpuset taken = cpuset_minus(&p->s->boot_isolated_cpus, lifted);
	cpuset_remove_all(&others, lifted);
	cpuset_add_all(&taken, claimed);
	for (size_t i = 0; i < p->inv.n_cores; i++)
		if (!cpuset_intersects(p->inv.cores[i].cpus, &others))
			v[i] = cpuset_minus(p->inv.cores[i].cpus, &taken);
	return v;
}

/* n cores of every node, and of those of none. */
static struct cpuset reserve_cores(
	const struct planner *p, const struct cpuset *taken, const struct cpuset *lifted, int n)
{
	AUTO_FREE struct cpuset *usable = usable_cpus(p, taken, lifted);
	struct cpuset reserved = CPUSET_EMPTY;
	for (int node = -1; node < (int)p->s->n_nodes; node++)
		for (int left = n; left; left--) {
			const struct host_core *cores = p->inv.cores;
			int best = -1;
			for (int i = 0; i < (int)p->inv.n_cores; i++)
				if (cores[i].node == node && !cpuset_is_empty(&usable[i]) &&
					(best < 0 || is_before(&cores[i], &cores[best])))
					best = i;
			if (best < 0)
				break;
			cpuset_add_all(&reserved, &usable[best]);
			usable[best] = CPUSET_EMPTY;
		}
	return reserved;
}

/* ---- auto ---- */

/* CPUs that so many ticks are on average of the time since the process was started, in thousandths.
 */
static int64_t load_of(const struct planner *p, const struct task *process, uint64_t ticks)
{
	uint64_t now = p->s->ticks_since_boot;
	uint64_t age = now > process->start ? now - process->start : 0;
	return (int64_t)(ticks * 1000 / (age < TICKS_MIN ? TICKS_MIN : age));
}

/* What of its process's load is its vCPUs'; all of it, where none of these is known. */
static int64_t vcpu_load(const struct planner *p, const struct vm *vm)
{
	const struct task *process = snapshot_task(p->s, vm->pid);
	int64_t sum = 0;
	if (!process || !vm->n_vcpus)
		return process ? load_of(p, process, process->run_ticks) : 0;
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		const struct task *task = t->role == ROLE_VCPU ? snapshot_task(p->s, t->tid) : NULL;
		sum += task ? load_of(p, process, task->run_ticks) : 0;
	}
	return sum;
}

/* The load of all that is no vCPU: the host's own threads, and QEMU's others. 0: not known. */
static int64_t host_load(const struct planner *p)
{
	int64_t sum = 0;
	if (p->s->ticks_since_boot < TICKS_MIN)
		return 0;
	for (size_t i = 0; i < p->s->n_tasks; i++) {
		const struct task *t = &p->s->tasks[i];
		if (t->tid == t->pid) /* it has all that its process ran */
			sum += load_of(p, t, t->run_ticks);
	}
	for (size_t i = 0; i < p->vms->n_vms; i++)
		sum -= vcpu_load(p, &p->vms->vms[i]);
	return sum < 0 ? 0 : sum;
}

/* A part of the cores of the smallest node that has any. */
static int most_cores(const struct planner *p)
{
	int least = 0;
	for (int node = -1; node < (int)p->s->n_nodes; node++) {
		int n = 0;
		for (size_t i = 0; i < p->inv.n_cores; i++)
			n += p->inv.cores[i].node == node;
		least = n && (!least || n < least) ? n : least;
	}
	return least / PART_MAX;
}

static struct cpuset reserve_by_load(struct planner *p, const struct cpuset *taken)
{
	int64_t load = host_load(p);
	int n = 1, most = most_cores(p);
	const struct cpuset none = CPUSET_EMPTY;
	struct cpuset reserved = reserve_cores(p, taken, &none, n);
	while (n < most && cpuset_count(&reserved) * 10 * BUSY_PERCENT < load)
		reserved = reserve_cores(p, taken, &none, ++n);
	p->n_reserved = n;
	if (n > 1)
		place_note(p, &p->out->housekeeping_note,
			"%d cores of each node, as all that is no vCPU has kept %.1f CPUs busy on "
			"average",
			n, (double)load / 1000);
	return reserved;
}

/* A kernel crashes when partitions and isolcpus= leave it no CPU at all: where housekeeping has
 * none that would be left, the lowest core is kept. */
static void keep_last_cpu(struct planner *p, const struct cpuset *taken)
{
	struct cpuset usual = cpuset_minus(&p->out->reserved_cpus, &p->s->boot_isolated_cpus);
	struct cpuset rest = cpuset_minus(&p->online_cpus, taken);
	rest = cpuset_minus(&rest, &p->s->boot_isolated_cpus);
	if (!cpuset_is_empty(&usual))
		return;
	struct cpuset last = p->online_cpus; /* nothing is left already */
	if (!cpuset_is_empty(&rest))
		last = *p->inv.cores[p->core_of_cpu[cpuset_first(&rest)]].cpus;
	*array_push(&p->holds) = (struct hold){
		.cpus = last,
		.why = "the last that isolcpus= leaves the host",
	};
	p->held_cpus = cpuset_or(&p->held_cpus, &last);
}

int inventory_reserve(
	struct planner *p, const struct host_wish *wish, const struct cpuset *taken, struct err *e)
{
	struct cpuset *reserved = &p->out->reserved_cpus;
	if (wish->wish == HOUSEKEEPING_CPUS) {
		*reserved = cpuset_and(&wish->cpus, &p->online_cpus);
		*reserved = cpuset_minus(reserved, taken);
		struct cpuset lost = cpuset_minus(&wish->cpus, reserved);
		if (cpuset_is_empty(reserved))
			return err_say(e, -EINVAL,
				"%s: housekeeping = %s: none of these CPUs is online "
				"and free",
				wish->source, place_list(p, &wish->cpus));
		if (!cpuset_is_empty(&lost))
			place_note(p, &p->out->housekeeping_note,
				"%s of %s %s not kept: not online, or claimed by VMs in force",
				place_cpus(p, &lost), place_list(p, &wish->cpus),
				cpuset_is_or_are(&lost));
	} else if (wish->wish == HOUSEKEEPING_AUTO) {
		*reserved = reserve_by_load(p, taken);
	} else {
		const struct cpuset none = CPUSET_EMPTY;
		*reserved = reserve_cores(p, taken, &none, wish->cores);
		p->n_reserved = wish->cores;
	}
	keep_last_cpu(p, taken);
	return 0;
}

struct cpuset inventory_reserved_without(const struct planner *p, const struct cpuset *lifted)
{
	struct cpuset taken = CPUSET_EMPTY;
	for (size_t i = 0; i < p->n_in_force; i++)
		cpuset_add_all(&taken, &p->owners.v[i].placement->claim_cpus);
	return p->n_reserved ? reserve_cores(p, &taken, lifted, p->n_reserved)
			     : p->out->reserved_cpus;
}
