/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people should know of a placement that is not as good as it could be: where it is and what
 * that costs. Why it is there is not said, for many things decide together; --explain is for that.
 */
#include <limits.h>

#include "base/str.h"
#include "plan/place.h"

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
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		const struct host_core *core = &p->inv.cores[i];
		if (core->kind < CPU_EFFICIENCY || !cpuset_intersects(core->cpus, &pl->vcpu_cpus))
			continue;
		cpuset_add_all(&slow, core->cpus);
		kind = cpu_kind_name(core->kind);
	}
	if (!kind || pl->wish.cores == CORES_SHARED || pl->wish.kind == KIND_EFFICIENCY)
		return;
	struct cpuset own = cpuset_minus(&pl->vcpu_cpus, &pl->spare_cpus);
	struct cpuset on = cpuset_and(&slow, &own);
	if (cpuset_is_empty(&on))
		return;
	if (cpuset_equal(&on, &own))
		place_note(p, &pl->place_note, "all its vCPUs are on %s cores, %s", kind,
			place_cpus(p, &on));
	else
		place_note(p, &pl->place_note, "%d of its %d vCPUs are on slower (%s) cores, %s",
			cpuset_count(&on), cpuset_count(&own), kind, place_cpus(p, &on));
}

/* Wishes that only CPUs of its own could fulfil. */
static void note_shared(struct planner *p, struct placement *pl)
{
	if (pl->wish.cores != CORES_SHARED)
		return;
	if (pl->wish.spare)
		place_note(p, &pl->place_note,
			"spare = %d makes no difference with cores = shared: it has no CPUs of "
			"its own",
			pl->wish.spare);
	if (pl->wish.near)
		place_note(p, &pl->place_note,
			"near = %s makes no difference with cores = shared: where its memory is "
			"and the load decide",
			pl->wish.near);
}

/* A wish that this host has no use for. */
static void note_wish(struct planner *p, struct placement *pl)
{
	static const char *const why[] = {
		[KIND_PERFORMANCE] = "the host has no slower cores",
		[KIND_EFFICIENCY] = "the host has no efficiency cores",
		[KIND_BIG_CACHE] = "no L3 of the host is larger than another",
	};
	bool is_moot;
	(void)limits_of_kind(p->s, pl->wish.kind, &is_moot);
	if (is_moot)
		place_note(p, &pl->place_note, "kind = %s makes no difference here: %s",
			kind_wish_name(pl->wish.kind), why[pl->wish.kind]);
}

/* The distance of those nodes that are away, ", distance 21 where local is 10"; "": not known. */
static const char *distance_text(
	struct planner *p, const struct cpuset *cpus, const struct cpuset *nodes)
{
	int most = 0, local = 0;
	for (size_t i = 0; i < p->s->n_nodes; i++) {
		const struct node *n = &p->s->nodes[i];
		if (!n->distances || !cpuset_intersects(&n->cpus, cpus) ||
			cpuset_has(nodes, (int)i))
			continue;
		int best = INT_MAX;
		cpuset_for_each (to, nodes)
			best = n->distances[to] < best ? n->distances[to] : best;
		most = best > most && best < INT_MAX ? best : most;
		local = n->distances[i];
	}
	return most ? arena_printf(&p->out->arena, ", distance %d where local is %d", most, local)
		    : "";
}

/* It is held on the nodes of its CPUs, whether it has moved there yet or not. */
static bool is_held_near(const struct planner *p, const struct placement *pl)
{
	struct cpuset near = CPUSET_EMPTY;
	for (size_t i = 0; i < p->s->n_nodes; i++)
		if (cpuset_has(&pl->memory_nodes, p->s->nodes[i].node))
			near = cpuset_or(&near, &p->s->nodes[i].cpus);
	return !cpuset_is_empty(&pl->memory_nodes) && cpuset_is_subset(&pl->vcpu_cpus, &near);
}

/* CPU 1 reaches, CPUs 1-2 reach. */
static const char *ending(const struct cpuset *cpus)
{
	return cpuset_count(cpus) == 1 ? "es" : "";
}

/* Where its memory is not, each access goes over the interconnect. */
static void note_memory(struct planner *p, const struct request *req, struct placement *pl)
{
	struct cpuset away = CPUSET_EMPTY, nodes = CPUSET_EMPTY;
	if (cpuset_is_empty(&req->memory_nodes) || pl->wish.cores == CORES_SHARED ||
		is_held_near(p, pl))
		return;
	for (size_t i = 0; i < p->s->n_nodes; i++) {
		struct cpuset on = cpuset_and(&p->s->nodes[i].cpus, &pl->vcpu_cpus);
		if (cpuset_has(&req->memory_nodes, (int)i))
			cpuset_add(&nodes, p->s->nodes[i].node);
		else
			away = cpuset_or(&away, &on);
	}
	if (!cpuset_is_empty(&away))
		place_note(p, &pl->place_note,
			"its memory is on node %s: %s reach%s it over the interconnect%s",
			place_list(p, &nodes), place_cpus(p, &away), ending(&away),
			distance_text(p, &away, &req->memory_nodes));
}

/* What it will ask for comes from another node. */
static void note_bare(struct planner *p, const struct request *req, struct placement *pl)
{
	struct cpuset on = CPUSET_EMPTY, bare = CPUSET_EMPTY, nodes = CPUSET_EMPTY;
	int64_t free_kib = 0;
	if (req->has_memory_nodes || pl->wish.cores == CORES_SHARED || is_held_near(p, pl))
		return;
	for (size_t i = 0; i < p->s->n_nodes; i++) {
		const struct node *n = &p->s->nodes[i];
		if (!cpuset_intersects(&n->cpus, &pl->vcpu_cpus))
			continue;
		bool is_bare = !n->has_memory && !n->is_memory_unknown;
		struct cpuset cpus = cpuset_and(&n->cpus, &pl->vcpu_cpus);
		struct cpuset *sum = is_bare ? &bare : &on;
		*sum = cpuset_or(sum, &cpus);
		free_kib += is_bare ? 0 : p->inv.free_kib[i];
		if (!is_bare)
			cpuset_add(&nodes, n->node);
	}
	if (!cpuset_is_empty(&bare))
		place_note(p, &pl->place_note,
			"the node of its %s has no memory: what the VM asks for there comes "
			"from other nodes",
			place_cpus(p, &bare));
	else if (req->rest_kib > free_kib)
		place_note(p, &pl->place_note,
			"node %s of its CPUs has %lld MiB free, and the VM may come to use %lld "
			"more: the rest will be on other nodes",
			place_list(p, &nodes), (long long)free_kib / 1024,
			(long long)req->rest_kib / 1024);
}

/* Interrupts that nobody can move come there all the same. */
static void note_hot(struct planner *p, struct placement *pl)
{
	struct cpuset hot = CPUSET_EMPTY;
	cpuset_for_each (cpu, &pl->vcpu_cpus)
		if (p->core_of_cpu[cpu] >= 0 && p->inv.cores[p->core_of_cpu[cpu]].is_hot)
			cpuset_add(&hot, cpu);
	if (cpuset_is_empty(&hot) || pl->wish.cores == CORES_SHARED)
		return;
	struct heat heat = place_heat(p, &hot);
	place_note(p, &pl->place_note,
		"interrupts that cannot be moved come to its %s: %llu so far, %s",
		place_cpus(p, &hot), (unsigned long long)heat.sum, heat.whom);
}

/* Says whose pins the claim lies over. */
static void note_pins(struct planner *p, struct placement *pl)
{
	array_for_each (pin, &p->pins) {
		struct cpuset taken = cpuset_and(&pin->cpus, &pl->claim_cpus);
		if (cpuset_is_empty(&taken))
			continue;
		place_note(p, &pl->place_note, "it lies over %s, which somebody pinned to %s: %s",
			place_cpus(p, &taken), pinned_what(p, pin),
			pl->level >= LEVEL_FENCED ? "they will run elsewhere"
						  : "they will share them");
	}
}

/* Where its devices are not, each access goes over the interconnect too. */
static void note_devices(struct planner *p, const struct request *req, struct placement *pl)
{
	struct cpuset away = pl->vcpu_cpus, nodes = CPUSET_EMPTY;
	if (cpuset_is_empty(&req->near_nodes) || pl->wish.cores == CORES_SHARED)
		return;
	cpuset_for_each (i, &req->near_nodes) {
		away = cpuset_minus(&away, &p->s->nodes[i].cpus);
		cpuset_add(&nodes, p->s->nodes[i].node);
	}
	if (!cpuset_is_empty(&away))
		place_note(p, &pl->place_note,
			"%s on node %s: %s reach%s %s over the interconnect%s",
			req->is_near_first ? arena_printf(&p->out->arena, "%s is", pl->wish.near)
					   : "its devices are",
			place_list(p, &nodes), place_cpus(p, &away), ending(&away),
			req->is_near_first ? "it" : "them",
			distance_text(p, &away, &req->near_nodes));
}

/* What isolated keeps is out of load balancing, which spare CPUs are of no use without. */
static void note_spare(struct planner *p, struct placement *pl)
{
	if (pl->level == LEVEL_ISOLATED && !cpuset_is_empty(&pl->spare_cpus))
		place_note(p, &pl->place_note,
			"for the spare %s its partition is a root one: closed to everybody "
			"else, and the scheduler balances its vCPUs inside",
			place_cpus(p, &pl->spare_cpus));
}

/* Without being asked it holds from a start on: what is there lies where it lies. */
static void note_strict(struct planner *p, const struct request *req, struct placement *pl)
{
	if (!cpuset_is_empty(&pl->memory_nodes))
		place_note(p, &pl->place_note,
			"its memory is held on node %s: undo lets it have memory of others again, "
			"and moves no page back that may stay",
			place_list(p, &pl->memory_nodes));
	if (pl->wish.memory != MEMORY_STRICT || req->vm->memory_nodes ||
		!cpuset_is_empty(&pl->memory_nodes))
		return;
	if (streq(req->vm->manager, "libvirt") && req->vm->pid)
		place_note(p, &pl->place_note,
			"memory = strict holds from its next start on, where libvirt calls "
			"wideberth (hook install libvirt); --migrate-memory moves what it has now");
	else if (streq(req->vm->manager, "qemu"))
		place_note(p, &pl->place_note,
			"memory = strict does nothing for the start of a VM of %s: bind its memory "
			"in its own configuration, or move it with --migrate-memory",
			req->vm->manager);
	else if (req->vm->pid)
		place_note(p, &pl->place_note,
			"memory = strict holds from its next start on, where the daemon runs; "
			"--migrate-memory moves what it has now");
}

bool place_is_kept(const struct planner *p, const struct placement *pl)
{
	for (size_t i = 0; i < p->in_force.n; i++) {
		const struct placement *old = &p->in_force.placements[i];
		if (old->pid == pl->pid && old->start == pl->start)
			return cpuset_is_subset(&pl->claim_cpus, &old->claim_cpus);
	}
	return false;
}

/* What is worse there than it could be elsewhere. */
static void note_place(struct planner *p, const struct request *req, struct placement *pl)
{
	const char *before = pl->place_note;
	note_kinds(p, pl);
	note_memory(p, req, pl);
	place_note_split(p, req, pl);
	note_bare(p, req, pl);
	note_devices(p, req, pl);
	note_hot(p, pl);
	note_pins(p, pl);
	if (pl->place_note != before && place_is_kept(p, pl))
		place_note(p, &pl->place_note, "what is in force stays where it is");
}

void place_notes(struct planner *p, const struct request *req, struct placement *pl)
{
	note_place(p, req, pl);
	note_wish(p, pl);
	note_shared(p, pl);
	note_strict(p, req, pl);
	note_spare(p, pl);
}
