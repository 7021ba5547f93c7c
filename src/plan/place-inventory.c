/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inventory: the host's cores, who has them, and what is kept from VMs.
 *
 * Claims in force own cores while their VMs run; a VM that was restarted inherits the claim of its
 * id. Kept are the host's own cores (place-housekeeping.c), what others hold (place-limits.c), and
 * CPUs that policies name for helper threads. Pins of VMs that are not placed are better not used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "plan/place.h"

static int by_first(const void *a, const void *b)
{
	return ((const struct host_core *)a)->first - ((const struct host_core *)b)->first;
}

static void init_cores(struct planner *p)
{
	const struct snapshot *s = p->s;
	p->inv.cores = arena_alloc(&p->scratch, (s->n_cores + 1) * sizeof *p->inv.cores);
	p->core_of_cpu = arena_alloc(&p->scratch, CPUSET_MAX * sizeof *p->core_of_cpu);
	for (size_t i = 0; i < s->n_cores; i++) {
		const struct core *core = &s->cores[i];
		struct host_core c = { .l3 = core->l3, .node = core->node, .owner = NOBODY };
		c.cpus = &core->cpus;
		if (!cpuset_is_subset(c.cpus, &s->online_cpus)) {
			struct cpuset online = cpuset_and(c.cpus, &s->online_cpus);
			c.cpus = cpuset_keep(&p->scratch, &online);
		}
		c.first = cpuset_first(c.cpus);
		c.n_cpus = cpuset_count(c.cpus);
		c.is_boot_isolated = cpuset_intersects(c.cpus, &s->boot_isolated_cpus);
		const struct cpu *cpu = snapshot_cpu(s, c.first);
		if (cpu) {
			c.kind = cpu->kind;
			c.rank = cpu->rank;
		}
		if (c.n_cpus)
			p->inv.cores[p->inv.n_cores++] = c;
	}
	qsort(p->inv.cores, p->inv.n_cores, sizeof *p->inv.cores, by_first);
	for (int cpu = 0; cpu < CPUSET_MAX; cpu++)
		p->core_of_cpu[cpu] = -1;
	for (size_t i = 0; i < p->inv.n_cores; i++)
		cpuset_for_each (cpu, p->inv.cores[i].cpus)
			p->core_of_cpu[cpu] = (int)i;
}

void inventory_set_owner(struct planner *p, const struct cpuset *cpus, int owner)
{
	cpuset_for_each (cpu, cpus)
		if (p->core_of_cpu[cpu] >= 0)
			p->inv.cores[p->core_of_cpu[cpu]].owner = owner;
}

int place_self(const struct planner *p, const struct vm *vm)
{
	return p->self[vm - p->vms->vms];
}

void inventory_know_owner(struct planner *p, const struct vm *vm, int owner)
{
	if (vm && place_self(p, vm) == NOBODY)
		p->self[vm - p->vms->vms] = owner;
}

void inventory_forget_owner(struct planner *p, const struct vm *vm)
{
	p->self[vm - p->vms->vms] = NOBODY;
}

struct cpuset inventory_taken(const struct planner *p)
{
	struct cpuset all = CPUSET_EMPTY;
	array_for_each (o, &p->owners)
		cpuset_add_all(&all, &o->placement->claim_cpus);
	return all;
}

static bool is_wanted(
	const struct planner *p, const size_t *wanted, size_t n_wanted, const struct vm *vm)
{
	for (size_t i = 0; i < n_wanted; i++)
		if (&p->vms->vms[wanted[i]] == vm)
			return true;
	return false;
}

static int by_pid(const void *a, const void *b, void *vms)
{
	const struct vm *v = vms;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	if (v[x].pid != v[y].pid)
		return v[x].pid < v[y].pid ? -1 : 1;
	return x < y ? -1 : 1;
}

/* As placement_vm(), by the indexes of the VMs, sorted. */
static const struct vm *find_placed(
	const struct planner *p, const size_t *sorted, const struct placement *f)
{
	const struct vm *vms = p->vms->vms;
	size_t n = p->vms->n_vms;
	size_t i = lower_bound(at, sorted, n, vms[*at].pid < f->pid);
	for (; i < n && vms[sorted[i]].pid == f->pid; i++)
		if (placement_is_of(f, &vms[sorted[i]]))
			return &vms[sorted[i]];
	return NULL;
}

/* A claim stands while its process does; the VM that has its id then, if it is placed now,
 * inherits it; otherwise it is nobody's. */
static void init_owners(struct planner *p, const size_t *wanted, size_t n_wanted,
	const struct placement *in_force, size_t n)
{
	AUTO_FREE size_t *sorted = xcalloc(p->vms->n_vms + 1, sizeof *sorted);
	p->self = arena_alloc(&p->scratch, (p->vms->n_vms + 1) * sizeof *p->self);
	for (size_t i = 0; i < p->vms->n_vms; i++) {
		p->self[i] = NOBODY;
		sorted[i] = i;
	}
	qsort_r(sorted, p->vms->n_vms, sizeof *sorted, by_pid, p->vms->vms);
	p->in_force = claims_of(p->s, in_force, n, NULL);
	p->foreign_cpus = p->in_force.foreign_cpus;
	p->online_cpus = cpuset_minus(&p->s->online_cpus, &p->foreign_cpus);
	for (size_t i = 0; i < n; i++) {
		const struct placement *f = &in_force[i];
		const struct vm *vm = find_placed(p, sorted, f);
		bool is_running = vm || placement_is_running(f, p->s, p->vms);
		if (!is_running)
			vm = placement_successor(f, p->s, p->vms);
		if (!is_running && (!vm || !is_wanted(p, wanted, n_wanted, vm)))
			continue;
		inventory_set_owner(p, &f->claim_cpus, (int)p->owners.n);
		inventory_know_owner(p, vm, (int)p->owners.n);
		*array_push(&p->owners) = (struct owner){ .placement = f, .vm = vm };
	}
}

struct cpuset inventory_named_by(const struct planner *p, const struct placement *f)
{
	struct cpuset cpus = cpuset_or(&f->emulator_cpus, &f->iothread_cpus);
	struct cpuset all = CPUSET_EMPTY;
	for (size_t k = 0; k < f->n_iothreads; k++)
		cpuset_add_all(&cpus, &f->iothreads[k].cpus);
	cpuset_remove_all(&cpus, &f->claim_cpus);
	place_with_siblings(p, &all, &cpus);
	return all;
}

static void keep_helpers_in_force(struct planner *p, const size_t *wanted, size_t n_wanted)
{
	array_for_each (o, &p->owners) {
		if (o->vm && is_wanted(p, wanted, n_wanted, o->vm))
			continue;
		struct cpuset cpus = inventory_named_by(p, o->placement);
		cpuset_add_all(&p->helper_cpus, &cpus);
	}
}

static void keep_pin(struct planner *p, const struct vm *vm)
{
	struct pin pin = { .vm = vm };
	for (size_t i = 0; i < vm->n_threads; i++)
		if (mask_is_pin(p->s, &p->in_force, vm, &vm->threads[i]))
			place_with_siblings(p, &pin.cpus, vm->threads[i].allowed);
	cpuset_add_all(&p->pinned_cpus, &pin.cpus);
	if (!cpuset_is_empty(&pin.cpus))
		*array_push(&p->pins) = pin;
}

static void keep_pins(struct planner *p, const size_t *wanted, size_t n_wanted)
{
	for (size_t i = 0; i < p->vms->n_vms; i++) {
		const struct vm *vm = &p->vms->vms[i];
		if (place_self(p, vm) == NOBODY && !is_wanted(p, wanted, n_wanted, vm))
			keep_pin(p, vm);
	}
}

static int check_spare(
	struct planner *p, const struct vm *vm, const struct vm_wish *wish, struct err *e)
{
	if (wish->emulator.wish != HELPER_SPARE || (wish->spare && wish->cores != CORES_SHARED))
		return 0;
	return err_say(e, -EINVAL, "%s: emulator = spare: VM %s has no spare CPUs (spare = N%s)",
		wish->emulator.source, place_label(p, vm->id, vm->name),
		wish->cores == CORES_SHARED ? ", not with cores = shared" : "");
}

static int keep_helper(struct planner *p, const struct vm *vm, const char *key,
	const struct helper_place *place, struct err *e)
{
	if (place->wish != HELPER_CPUS)
		return 0;
	const char *list = place_list(p, &place->cpus);
	struct cpuset off = cpuset_minus(&place->cpus, &p->s->online_cpus);
	if (!cpuset_is_empty(&off))
		return err_say(e, -EINVAL, "%s: %s = %s: %s %s not online", place->source, key,
			list, place_cpus(p, &off), cpuset_is_or_are(&off));
	struct request req = { .vm = vm, .self = place_self(p, vm) };
	limits_of_vm(p, &req);
	if (req.limit && !cpuset_is_subset(&place->cpus, &req.allowed_cpus))
		return err_say(e, -EINVAL, "%s: %s = %s: group /%s allows VM %s %s only",
			place->source, key, list, req.limit, place_label(p, vm->id, vm->name),
			place_cpus(p, &req.allowed_cpus));
	struct cpuset parted = cpuset_or(&p->foreign_cpus, &p->parted_cpus);
	struct cpuset foreign = cpuset_and(&place->cpus, &parted);
	if (!cpuset_is_empty(&foreign))
		return err_say(e, -EINVAL, "%s: %s = %s: %s %s in an isolated partition",
			place->source, key, list, place_cpus(p, &foreign),
			cpuset_is_or_are(&foreign));
	for (int i = 0; i < (int)p->owners.n; i++) {
		const struct owner *o = &p->owners.v[i];
		struct cpuset taken = cpuset_and(&place->cpus, &o->placement->claim_cpus);
		if (!cpuset_is_empty(&taken) && i != place_self(p, vm))
			return err_say(e, -EINVAL, "%s: %s = %s: %s belong%s to VM %s",
				place->source, key, list, place_cpus(p, &taken),
				cpuset_count(&taken) == 1 ? "s" : "",
				place_label(p, o->placement->vm, o->placement->name));
	}
	place_with_siblings(p, &p->helper_cpus, &place->cpus);
	return 0;
}

static int keep_helpers(struct planner *p, const struct policy *policy, const size_t *wanted,
	size_t n_wanted, struct err *e)
{
	for (size_t i = 0; i < n_wanted; i++) {
		const struct vm *vm = &p->vms->vms[wanted[i]];
		struct vm_wish wish = place_wish(policy, vm);
		if (wish.isolation == LEVEL_NONE)
			continue;
		int r = keep_helper(p, vm, "emulator", &wish.emulator, e);
		if (r == 0)
			r = check_spare(p, vm, &wish, e);
		if (r == 0)
			r = keep_helper(p, vm, "iothreads", &wish.iothreads, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int inventory_make(struct planner *p, const struct policy *policy, const size_t *wanted,
	size_t n_wanted, const struct placement *in_force, size_t n_in_force, struct err *e)
{
	struct host_wish host = policy_host(policy);
	init_cores(p);
	inventory_mark_hot(p);
	inventory_fill_memory(p);
	p->is_housekeeping_explicit = host.wish == HOUSEKEEPING_CPUS;
	init_owners(p, wanted, n_wanted, in_force, n_in_force);
	keep_helpers_in_force(p, wanted, n_wanted);
	keep_pins(p, wanted, n_wanted);
	limits_of_others(p);
	struct cpuset taken = inventory_taken(p);
	int r = inventory_reserve(p, &host, &taken, e);
	if (r == 0)
		r = keep_helpers(p, policy, wanted, n_wanted, e);
	if (r < 0)
		return r;
	p->kept_cpus = cpuset_or(&p->helper_cpus, &p->out->reserved_cpus);
	place_with_siblings(p, &p->kept_cpus, &p->foreign_cpus);
	place_with_siblings(p, &p->kept_cpus, &p->held_cpus);
	limits_of_neighbours(p);
	for (size_t i = 0; i < p->inv.n_cores; i++)
		p->inv.cores[i].is_pinned =
			cpuset_intersects(p->inv.cores[i].cpus, &p->pinned_cpus);
	return 0;
}
