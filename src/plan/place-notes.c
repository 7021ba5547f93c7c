/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people should know of a placement that is not as good as it could be. */
#include "plan/place.h"

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
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		const struct host_core *core = &p->inv.cores[i];
		if (core->kind < CPU_EFFICIENCY || !cpuset_intersects(&core->cpus, &pl->vcpu_cpus))
			continue;
		slow = cpuset_or(&slow, &core->cpus);
		kind = cpu_kind_name(core->kind);
	}
	if (!kind || pl->wish.cores == CORES_SHARED || pl->wish.kind == KIND_EFFICIENCY)
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
				"%d of its %d vCPUs are on slower (%s) cores, CPUs %s",
				cpuset_count(&on), cpuset_count(&pl->vcpu_cpus), kind,
				place_list(p, &on)));
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
		add_note(p, pl,
			arena_printf(&p->out->arena, "kind = %s makes no difference here: %s",
				kind_wish_name(pl->wish.kind), why[pl->wish.kind]));
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

void place_notes(struct planner *p, const struct request *req, struct placement *pl)
{
	note_kinds(p, pl);
	note_wish(p, pl);
	note_memory(p, req, pl);
	note_pins(p, pl);
}
