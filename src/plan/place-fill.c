/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request and the spot found for it, as a placement. */
#include <string.h>

#include "plan/place.h"

static int by_vcpu(const void *a, const void *b)
{
	return ((const struct thread_place *)a)->vcpu - ((const struct thread_place *)b)->vcpu;
}

static struct thread_place place_thread(struct planner *p, const struct vm_thread *t)
{
	return (struct thread_place){
		.tid = t->tid,
		.start = t->start,
		.vcpu = t->role == ROLE_VCPU ? t->index : -1,
		.id = arena_strdup(&p->out->arena, t->id),
	};
}

/* Deals the CPUs of the cores to the vCPUs, group by group, as the solver counted them. */
static void fill_vcpus(
	struct planner *p, const struct request *req, const struct spot *spot, struct placement *pl)
{
	size_t used = 0;
	for (size_t g = 0; g < req->n_groups; g++) {
		const struct spot_core *core = NULL;
		int left = 0, cpu = -1;
		for (size_t i = 0; i < req->groups[g].n; i++) {
			if (!left) {
				core = &spot->cores[used++];
				left = req->wish.cores == CORES_ONE_THREAD
					? 1
					: cpuset_count(core->cpus);
				cpu = -1;
				if (req->wish.cores != CORES_THREAD)
					cpuset_add_all(&pl->claim_cpus, core->cpus);
			}
			left--;
			cpu = cpuset_next(core->cpus, cpu + 1);
			cpuset_add(&pl->claim_cpus, cpu);
			int v = req->order[req->groups[g].first + i];
			bool is_spare = req->groups[g].first + i >= req->n_cpus - req->n_spare;
			if (is_spare)
				cpuset_add(&pl->spare_cpus, cpu);
			else if (v < 0 && req->is_guess)
				cpuset_add(&pl->vcpu_cpus, cpu);
			if (v < 0)
				continue;
			pl->vcpus[v] = place_thread(p, req->vcpus[v]);
			pl->vcpus[v].cpus = cpuset_of(cpu);
			cpuset_add(&pl->vcpu_cpus, cpu);
		}
	}
}

/* The emulator gets the first thread of the core and I/O threads the others, one each if they are
 * enough; where one of the two is elsewhere, the other has the whole core. */
static void fill_own_helpers(
	struct planner *p, const struct request *req, struct cpuset cpus, struct placement *pl)
{
	bool is_emulator = req->wish.emulator.wish == HELPER_OWN;
	bool is_iothreads = req->wish.iothreads.wish == HELPER_OWN && req->n_iothreads;
	pl->claim_cpus = cpuset_or(&pl->claim_cpus, &cpus);
	if (is_emulator)
		pl->emulator_cpus = cpus;
	if (!is_iothreads)
		return;
	if (is_emulator && cpuset_count(&cpus) > 1) {
		pl->emulator_cpus = cpuset_of(cpuset_first(&cpus));
		cpuset_remove(&cpus, cpuset_first(&cpus));
	}
	pl->iothread_cpus = cpus;
	if ((int)req->n_iothreads > cpuset_count(&cpus))
		return;
	pl->iothreads = arena_alloc(&p->out->arena, req->n_iothreads * sizeof *pl->iothreads);
	pl->n_iothreads = req->n_iothreads;
	int cpu = -1;
	for (size_t i = 0; i < req->n_iothreads; i++) {
		cpu = cpuset_next(&cpus, cpu + 1);
		pl->iothreads[i] = place_thread(p, req->iothreads[i]);
		pl->iothreads[i].cpus = cpuset_of(cpu);
	}
}

/* What is said of it, and where its helpers go that have no place of their own. */
static struct placement begin(struct planner *p, const struct request *req)
{
	struct arena *a = &p->out->arena;
	const struct vm *vm = req->vm;
	struct placement pl = {
		.vm = arena_strdup(a, vm->id),
		.name = arena_strdup(a, vm->name),
		.pid = vm->pid,
		.start = vm->start,
		.cgroup = arena_strdup(a, vm->cgroup),
		.wish = req->wish,
		.level = req->level,
		.why_less = req->why_less,
		.place_note = req->place_note,
		.n_vcpus = req->n_vcpus,
	};
	pl.busy_percent = place_busy_percent(p, vm);
	cpuset_for_each (node, &req->memory_nodes)
		cpuset_add_all(&pl.memory_cpus, &p->s->nodes[node].cpus);
	pl.wish.near = arena_strdup(a, pl.wish.near);
	pl.wish.apart = arena_strdup(a, pl.wish.apart);
	pl.wish.owner = arena_strdup(a, pl.wish.owner);
	pl.wish.source = pl.wish.emulator.source = pl.wish.iothreads.source = NULL;
	if (p->is_housekeeping_explicit)
		pl.housekeeping_cpus = p->out->reserved_cpus;
	if (req->limit) {
		struct cpuset allowed = cpuset_minus(&req->allowed_cpus, &p->parted_cpus);
		allowed = cpuset_minus(&allowed, &p->foreign_cpus);
		struct cpuset both = cpuset_and(&pl.housekeeping_cpus, &allowed);
		pl.housekeeping_cpus = cpuset_is_empty(&both) ? allowed : both;
	}
	return pl;
}

/* Each vCPU may use those of its node: on another it would be far from its memory. */
static void give_spare(struct planner *p, struct placement *pl)
{
	struct cpuset without = CPUSET_EMPTY;
	for (size_t i = 0; i < pl->n_vcpus; i++) {
		struct cpuset spare = pl->spare_cpus, *cpus = &pl->vcpus[i].cpus;
		int first = cpuset_first(cpus), core = first < 0 ? -1 : p->core_of_cpu[first];
		int node = core < 0 ? -1 : p->inv.cores[core].node;
		if (node >= 0)
			spare = cpuset_and(&spare, &p->s->nodes[node].cpus);
		if (cpuset_is_empty(&spare) && pl->vcpus[i].vcpu >= 0)
			cpuset_add(&without, pl->vcpus[i].vcpu);
		*cpus = cpuset_or(cpus, &spare);
	}
	if (!cpuset_is_empty(&without))
		place_note(p, &pl->place_note, "no spare CPU on the node of v%s: %s %s on another",
			place_cpus(p, &without), place_cpus(p, &pl->spare_cpus),
			cpuset_is_or_are(&pl->spare_cpus));
}

struct placement place_fill(struct planner *p, const struct request *req, const struct spot *spot)
{
	struct placement pl = begin(p, req);
	pl.vcpus = arena_alloc(&p->out->arena, req->n_vcpus * sizeof *pl.vcpus);
	for (size_t i = 0; i < req->n_vcpus; i++)
		pl.vcpus[i] = place_thread(p, req->vcpus[i]);
	fill_vcpus(p, req, spot, &pl);
	for (size_t i = 0; req->is_guess && i < pl.n_vcpus; i++)
		pl.vcpus[i].cpus = pl.vcpu_cpus;
	qsort(pl.vcpus, pl.n_vcpus, sizeof *pl.vcpus, by_vcpu);
	if (req->n_spare)
		give_spare(p, &pl);
	pl.vcpu_cpus = cpuset_or(&pl.vcpu_cpus, &pl.spare_cpus);
	if (req->wish.emulator.wish == HELPER_CPUS)
		pl.emulator_cpus = req->wish.emulator.cpus;
	else if (req->wish.emulator.wish == HELPER_SPARE)
		pl.emulator_cpus = pl.spare_cpus;
	if (req->wish.iothreads.wish == HELPER_CPUS)
		pl.iothread_cpus = req->wish.iothreads.cpus;
	if (spot->helper.core >= 0)
		fill_own_helpers(p, req, *spot->helper.cpus, &pl);
	return pl;
}
