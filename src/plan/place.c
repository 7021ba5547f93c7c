/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The planner: what is kept for the host, then one VM after the other. */
#include "plan/place.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static int by_first(const void *a, const void *b)
{
	return ((const struct host_core *)a)->first - ((const struct host_core *)b)->first;
}

static void init_cores(struct planner *p)
{
	const struct snapshot *s = p->s;
	p->cores = arena_alloc(&p->out->arena, (s->n_cores + 1) * sizeof *p->cores);
	p->core_of_cpu = arena_alloc(&p->out->arena, CPUSET_MAX * sizeof *p->core_of_cpu);
	for (size_t i = 0; i < s->n_cores; i++) {
		const struct core *core = &s->cores[i];
		struct host_core c = { .l3 = core->l3, .node = core->node, .owner = NOBODY };
		c.cpus = cpuset_and(&core->cpus, &s->online_cpus);
		c.first = cpuset_first(&c.cpus);
		c.n_cpus = cpuset_count(&c.cpus);
		c.is_boot_isolated = cpuset_intersects(&c.cpus, &s->boot_isolated_cpus);
		const struct cpu *cpu = snapshot_cpu(s, c.first);
		if (cpu) {
			c.kind = cpu->kind;
			c.rank = cpu->rank;
		}
		if (c.n_cpus)
			p->cores[p->n_cores++] = c;
	}
	qsort(p->cores, p->n_cores, sizeof *p->cores, by_first);
	for (int cpu = 0; cpu < CPUSET_MAX; cpu++)
		p->core_of_cpu[cpu] = -1;
	for (size_t i = 0; i < p->n_cores; i++)
		cpuset_for_each (cpu, &p->cores[i].cpus)
			p->core_of_cpu[cpu] = (int)i;
}

static void set_owner(struct planner *p, const struct cpuset *cpus, int owner)
{
	cpuset_for_each (cpu, cpus)
		if (p->core_of_cpu[cpu] >= 0)
			p->cores[p->core_of_cpu[cpu]].owner = owner;
}

int place_self(const struct planner *p, const struct vm *vm)
{
	for (size_t i = 0; i < p->owners.n; i++)
		if (p->owners.v[i].vm == vm)
			return (int)i;
	return NOBODY;
}

static struct cpuset taken_cpus(const struct planner *p)
{
	struct cpuset all = CPUSET_EMPTY;
	array_for_each (o, &p->owners)
		all = cpuset_or(&all, &o->placement.claim_cpus);
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

/* A claim stands while its process does; the VM that has its id then, if it is placed now,
 * inherits it; otherwise it is nobody's. */
static void init_owners(struct planner *p, const size_t *wanted, size_t n_wanted,
	const struct placement *in_force, size_t n)
{
	p->in_force = claims_of(p->s, in_force, n, NULL);
	p->foreign_cpus = p->in_force.foreign_cpus;
	p->online_cpus = cpuset_minus(&p->s->online_cpus, &p->foreign_cpus);
	for (size_t i = 0; i < n; i++) {
		const struct placement *f = &in_force[i];
		const struct vm *vm = placement_vm(f, p->vms);
		bool is_running = placement_is_running(f, p->s, p->vms);
		if (!is_running)
			vm = placement_successor(f, p->s, p->vms);
		if (!is_running && (!vm || !is_wanted(p, wanted, n_wanted, vm)))
			continue;
		set_owner(p, &f->claim_cpus, (int)p->owners.n);
		*array_push(&p->owners) = (struct owner){ .placement = *f, .vm = vm };
	}
}

/* The lowest n cores of every node, of those that the host itself can use. */
static struct cpuset reserve_cores(const struct planner *p, int n)
{
	struct cpuset reserved = CPUSET_EMPTY, taken = taken_cpus(p);
	struct cpuset others = cpuset_or(&p->foreign_cpus, &p->held_cpus);
	for (int node = -1; node < (int)p->s->n_nodes; node++) {
		int left = n;
		for (size_t i = 0; i < p->n_cores && left; i++) {
			const struct host_core *core = &p->cores[i];
			struct cpuset cpus = cpuset_minus(&core->cpus, &p->s->boot_isolated_cpus);
			cpus = cpuset_minus(&cpus, &taken);
			if (core->node != node || cpuset_is_empty(&cpus) ||
				cpuset_intersects(&core->cpus, &others))
				continue;
			reserved = cpuset_or(&reserved, &cpus);
			left--;
		}
	}
	return reserved;
}

static int reserve(struct planner *p, const struct host_wish *wish, struct err *e)
{
	struct cpuset claimed = taken_cpus(p), *reserved = &p->out->reserved_cpus;
	if (wish->wish == HOUSEKEEPING_CPUS) {
		*reserved = cpuset_and(&wish->cpus, &p->online_cpus);
		*reserved = cpuset_minus(reserved, &claimed);
		if (cpuset_is_empty(reserved))
			return err_say(e, -EINVAL,
				"%s: housekeeping = %s: none of these CPUs is online "
				"and free",
				wish->source, place_list(p, &wish->cpus));
	} else {
		*reserved = reserve_cores(p, wish->wish == HOUSEKEEPING_AUTO ? 1 : wish->cores);
	}
	for (size_t i = 0; i < p->n_cores; i++)
		p->cores[i].is_reserved = cpuset_intersects(&p->cores[i].cpus, reserved);
	return 0;
}

void place_with_siblings(const struct planner *p, struct cpuset *sum, const struct cpuset *cpus)
{
	cpuset_for_each (cpu, cpus)
		if (p->core_of_cpu[cpu] >= 0)
			*sum = cpuset_or(sum, &p->cores[p->core_of_cpu[cpu]].cpus);
}

/* CPUs that claims in force name for their helpers, outside of the claim. What is placed anew
 * names them again, or no longer. */
static void keep_helpers_in_force(struct planner *p, const size_t *wanted, size_t n_wanted)
{
	array_for_each (o, &p->owners) {
		const struct placement *f = &o->placement;
		if (o->vm && is_wanted(p, wanted, n_wanted, o->vm))
			continue;
		struct cpuset cpus = cpuset_or(&f->emulator_cpus, &f->iothread_cpus);
		for (size_t k = 0; k < f->n_iothreads; k++)
			cpus = cpuset_or(&cpus, &f->iothreads[k].cpus);
		cpus = cpuset_minus(&cpus, &f->claim_cpus);
		place_with_siblings(p, &p->helper_cpus, &cpus);
	}
}

static void keep_pin(struct planner *p, const struct vm *vm)
{
	struct pin pin = { .vm = vm };
	for (size_t i = 0; i < vm->n_threads; i++)
		if (mask_is_pin(p->s, &p->in_force, vm, &vm->threads[i]))
			place_with_siblings(p, &pin.cpus, vm->threads[i].allowed);
	p->pinned_cpus = cpuset_or(&p->pinned_cpus, &pin.cpus);
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

static int keep_helper(struct planner *p, const struct vm *vm, const char *key,
	const struct helper_place *place, struct err *e)
{
	if (place->wish != HELPER_CPUS)
		return 0;
	const char *list = place_list(p, &place->cpus);
	struct cpuset off = cpuset_minus(&place->cpus, &p->s->online_cpus);
	if (!cpuset_is_empty(&off))
		return err_say(e, -EINVAL, "%s: %s = %s: CPU %s is not online", place->source, key,
			list, place_list(p, &off));
	struct cpuset foreign = cpuset_and(&place->cpus, &p->foreign_cpus);
	if (!cpuset_is_empty(&foreign))
		return err_say(e, -EINVAL, "%s: %s = %s: CPU %s is in an isolated partition",
			place->source, key, list, place_list(p, &foreign));
	for (int i = 0; i < (int)p->owners.n; i++) {
		const struct owner *o = &p->owners.v[i];
		struct cpuset taken = cpuset_and(&place->cpus, &o->placement.claim_cpus);
		if (!cpuset_is_empty(&taken) && i != place_self(p, vm))
			return err_say(e, -EINVAL, "%s: %s = %s: CPU %s belongs to VM %s",
				place->source, key, list, place_list(p, &taken),
				place_label(p, o->placement.vm, o->placement.name));
	}
	place_with_siblings(p, &p->helper_cpus, &place->cpus);
	return 0;
}

static struct vm_wish wish_of(const struct policy *policy, const struct vm *vm)
{
	struct vm_wish wish;
	(void)policy_for_vm(policy, vm->id, vm->name, vm->uuid, &wish);
	return wish;
}

static int keep_helpers(struct planner *p, const struct policy *policy, const size_t *wanted,
	size_t n_wanted, struct err *e)
{
	for (size_t i = 0; i < n_wanted; i++) {
		const struct vm *vm = &p->vms->vms[wanted[i]];
		struct vm_wish wish = wish_of(policy, vm);
		if (wish.isolation == LEVEL_NONE)
			continue;
		int r = keep_helper(p, vm, "emulator", &wish.emulator, e);
		if (r == 0)
			r = keep_helper(p, vm, "iothreads", &wish.iothreads, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The scope to insist on: that of the policy, or a wider one where no such part of this host could
 * hold the VM even if it were empty. */
static bool choose_scope(struct planner *p, struct request *req)
{
	static const char *const names[] = { "one L3", "one node", "fewest nodes" };
	enum scope wished = req->scope;
	place_capacities(p, req, CAPACITY_EMPTY);
	for (; req->scope < SCOPE_FEWEST; req->scope++) {
		bool is_known = req->scope == SCOPE_L3 ? p->s->n_l3s > 0 : p->s->n_nodes > 0;
		if (is_known && place_search(p, req, req->scope, NULL))
			break;
		if (!is_known && req->scope == wished)
			wished++; /* a host that has no such parts: nothing is lost */
	}
	if (req->scope > wished)
		req->place_note = arena_printf(&p->out->arena,
			"it is larger than what VMs can have of "
			"any %s here: placed in %s instead",
			names[wished] + strlen("one "), names[req->scope]);
	return req->scope < SCOPE_FEWEST || place_search(p, req, req->scope, NULL);
}

/* On its own old CPUs, else on free ones; better on those that nobody pinned another VM to. */
static bool find_spot(struct planner *p, struct request *req, struct spot *ret)
{
	if (!choose_scope(p, req))
		return false;
	place_capacities(p, req, CAPACITY_OWN);
	if (req->self != NOBODY && place_search(p, req, req->scope, ret))
		return true;
	struct cpuset blocked = req->blocked_cpus;
	req->blocked_cpus = cpuset_or(&blocked, &p->pinned_cpus);
	place_capacities(p, req, CAPACITY_FREE);
	bool is_found = place_search(p, req, req->scope, ret);
	req->blocked_cpus = blocked;
	if (is_found)
		return true;
	place_capacities(p, req, CAPACITY_FREE);
	return place_search(p, req, req->scope, ret);
}

/* A kernel crashes when partitions and isolcpus= leave it no CPU at all. */
static bool leaves_host_a_cpu(
	const struct planner *p, const struct request *req, const struct cpuset *claim)
{
	struct cpuset left = cpuset_minus(&p->online_cpus, &p->s->boot_isolated_cpus);
	left = cpuset_minus(&left, claim);
	for (size_t i = 0; i < p->owners.n; i++)
		if ((int)i != req->self)
			left = cpuset_minus(&left, &p->owners.v[i].placement.claim_cpus);
	return !cpuset_is_empty(&left);
}

/* QEMU's other threads must run somewhere too, and in the VM's own group. */
static bool leaves_helpers_a_cpu(
	struct planner *p, const struct request *req, const struct placement *pl)
{
	struct cpuset left = cpuset_minus(&req->allowed_cpus, &pl->claim_cpus);
	left = cpuset_minus(&left, &p->foreign_cpus);
	array_for_each (o, &p->owners) {
		if (o->vm != req->vm)
			left = cpuset_minus(&left, &o->placement.claim_cpus);
	}
	if (!req->limit || !cpuset_is_empty(&left) || !cpuset_is_empty(&pl->emulator_cpus))
		return true;
	struct refusal *r =
		place_refuse(p, req->vm, "no CPU would be left for QEMU's other threads");
	place_blocking(p, r, "group /%s allows it CPUs %s only", req->limit,
		place_list(p, &req->allowed_cpus));
	place_alternative(p, r, "give group /%s more CPUs", req->limit);
	return false;
}

static void add_note(struct planner *p, struct placement *pl, const char *note)
{
	pl->place_note = pl->place_note
		? arena_printf(&p->out->arena, "%s; %s", pl->place_note, note)
		: note;
}

/* "vCPUs of VM 100 (db01)", "group /lxc/200" */
static const char *pinned_what(struct planner *p, const struct pin *pin)
{
	if (pin->group)
		return arena_printf(&p->out->arena, "group /%s", pin->group);
	return arena_printf(
		&p->out->arena, "vCPUs of VM %s", place_label(p, pin->vm->id, pin->vm->name));
}

/* Slower cores than others of this host have: said, for a guest cannot see it. */
static void note_kinds(struct planner *p, struct placement *pl)
{
	struct cpuset slow = CPUSET_EMPTY;
	const char *kind = NULL;
	for (size_t i = 0; i < p->n_cores; i++) {
		const struct host_core *core = &p->cores[i];
		if (core->kind < CPU_EFFICIENCY || !cpuset_intersects(&core->cpus, &pl->vcpu_cpus))
			continue;
		slow = cpuset_or(&slow, &core->cpus);
		kind = cpu_kind_name(core->kind);
	}
	if (!kind || pl->wish.cores == CORES_SHARED)
		return;
	struct cpuset on = cpuset_and(&slow, &pl->vcpu_cpus);
	if (cpuset_equal(&on, &pl->vcpu_cpus))
		add_note(p, pl,
			arena_printf(&p->out->arena,
				"all its vCPUs are on %s cores, CPUs %s: no faster ones were left",
				kind, place_list(p, &on)));
	else
		add_note(p, pl,
			arena_printf(&p->out->arena,
				"%d of its %zu vCPUs are on slower (%s) cores, CPUs %s",
				cpuset_count(&on), pl->n_vcpus, kind, place_list(p, &on)));
}

/* Where its memory is not, each access goes over the interconnect. */
static void note_memory(struct planner *p, const struct request *req, struct placement *pl)
{
	struct cpuset away = CPUSET_EMPTY, nodes = CPUSET_EMPTY;
	if (cpuset_is_empty(&req->memory_nodes) || pl->wish.cores == CORES_SHARED)
		return;
	for (size_t i = 0; i < p->s->n_nodes; i++) {
		struct cpuset on = cpuset_and(&p->s->nodes[i].cpus, &pl->vcpu_cpus);
		if (cpuset_has(&req->memory_nodes, (int)i))
			cpuset_add(&nodes, p->s->nodes[i].node);
		else
			away = cpuset_or(&away, &on);
	}
	if (!cpuset_is_empty(&away))
		add_note(p, pl,
			arena_printf(&p->out->arena,
				"its memory is on node %s, where no place was left: CPUs %s reach "
				"it "
				"over the interconnect",
				place_list(p, &nodes), place_list(p, &away)));
}

/* Says whose pins the claim could not keep clear of. */
static void note_pins(struct planner *p, struct placement *pl)
{
	array_for_each (pin, &p->pins) {
		struct cpuset taken = cpuset_and(&pin->cpus, &pl->claim_cpus);
		if (cpuset_is_empty(&taken))
			continue;
		add_note(p, pl,
			arena_printf(&p->out->arena,
				"no place was left but over CPUs %s, which somebody pinned to %s: "
				"%s",
				place_list(p, &taken), pinned_what(p, pin),
				pl->level >= LEVEL_FENCED ? "they will run elsewhere"
							  : "they will share them"));
	}
}

static void add_claim(struct planner *p, struct request *req, const struct placement *pl)
{
	if (req->self == NOBODY) {
		req->self = (int)p->owners.n;
		*array_push(&p->owners) = (struct owner){ .vm = req->vm };
	}
	struct placement *own = &p->owners.v[req->self].placement;
	set_owner(p, &own->claim_cpus, NOBODY); /* it moves away from there */
	*own = *pl;
	set_owner(p, &own->claim_cpus, req->self);
}

static void place_vm(struct planner *p, const struct vm *vm, const struct vm_wish *wish)
{
	struct request req;
	struct spot spot;
	for (size_t i = 0; i < p->out->n; i++)
		if (placement_is_of(&p->out->v[i], vm))
			return; /* wanted twice */
	if (wish->isolation == LEVEL_NONE || !place_request(p, vm, wish, &req))
		return;
	if (!find_spot(p, &req, &spot)) {
		place_refuse_full(p, &req);
		return;
	}
	struct placement pl = place_fill(p, &req, &spot);
	if (!leaves_host_a_cpu(p, &req, &pl.claim_cpus)) {
		struct refusal *r = place_refuse(p, vm, "the host would be left without a CPU");
		place_alternative(
			p, r, "set housekeeping in [host] to CPUs that isolcpus= leaves out");
		return;
	}
	if (!leaves_helpers_a_cpu(p, &req, &pl))
		return;
	note_kinds(p, &pl);
	note_memory(p, &req, &pl);
	note_pins(p, &pl);
	add_claim(p, &req, &pl);
	p->out->v[p->out->n++] = pl;
}

/* When all have their claims: what is left for the host, and for VMs with cores = shared. */
static void share_rest(struct planner *p)
{
	struct placements *out = p->out;
	ARRAY(struct placement) all = { 0 };
	array_for_each (o, &p->owners)
		*array_push(&all) = o->placement;
	struct claims claims = claims_of(p->s, all.v, all.n, &p->in_force.taken_cpus);
	placements_share(p->s, &claims, &out->arena, out->v, out->n);
	out->housekeeping_cpus =
		p->is_housekeeping_explicit ? out->reserved_cpus : claims.free_cpus;
	free(all.v);
}

int place_vms(const struct snapshot *s, const struct vms *vms, const struct policy *policy,
	const size_t *wanted, size_t n_wanted, const struct placement *in_force, size_t n_in_force,
	struct placements **ret, struct err *e)
{
	AUTO_PLACEMENTS struct placements *out = xcalloc(1, sizeof *out);
	struct planner p = { .s = s, .vms = vms, .out = out };
	struct host_wish host = policy_host(policy);
	init_cores(&p);
	p.is_housekeeping_explicit = host.wish == HOUSEKEEPING_CPUS;
	init_owners(&p, wanted, n_wanted, in_force, n_in_force);
	keep_helpers_in_force(&p, wanted, n_wanted);
	keep_pins(&p, wanted, n_wanted);
	limits_of_others(&p);
	int r = reserve(&p, &host, e);
	if (r == 0)
		r = keep_helpers(&p, policy, wanted, n_wanted, e);
	if (r == 0) {
		p.kept_cpus = cpuset_or(&p.helper_cpus, &out->reserved_cpus);
		place_with_siblings(&p, &p.kept_cpus, &p.foreign_cpus);
		place_with_siblings(&p, &p.kept_cpus, &p.held_cpus);
		out->v = arena_alloc(&out->arena, (n_wanted + 1) * sizeof *out->v);
		for (size_t i = 0; i < n_wanted; i++) {
			const struct vm *vm = &vms->vms[wanted[i]];
			struct vm_wish wish = wish_of(policy, vm);
			place_vm(&p, vm, &wish);
		}
		share_rest(&p);
	}
	free(p.owners.v);
	free(p.pins.v);
	free(p.holds.v);
	if (r == 0)
		*ret = TAKE(out);
	return r;
}

void placements_free(struct placements *p)
{
	if (!p)
		return;
	arena_done(&p->arena);
	free(p);
}
