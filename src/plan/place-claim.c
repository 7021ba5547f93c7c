/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A placement that is made: its cores are its own from then on. */
#include "plan/place.h"

bool place_leaves_a_cpu(const struct planner *p, const struct request *req,
	const struct placement *pl, const struct cpuset *claimed)
{
	struct cpuset left = cpuset_minus(&req->allowed_cpus, &p->foreign_cpus);
	cpuset_remove_all(&left, &p->parted_cpus);
	cpuset_remove_all(&left, claimed);
	return !req->limit || !cpuset_is_empty(&pl->emulator_cpus) || !cpuset_is_empty(&left);
}

static bool leaves_helpers_a_cpu(
	struct planner *p, const struct request *req, const struct placement *pl)
{
	struct cpuset claimed = pl->claim_cpus;
	array_for_each (o, &p->owners) {
		if (o->vm != req->vm)
			cpuset_add_all(&claimed, &o->placement->claim_cpus);
	}
	if (place_leaves_a_cpu(p, req, pl, &claimed))
		return true;
	struct refusal *r =
		place_refuse(p, req->vm, "no CPU would be left for QEMU's other threads");
	place_blocking(p, r, NULL, &req->allowed_cpus, "group /%s allows it %s only", req->limit,
		place_cpus(p, &req->allowed_cpus));
	place_alternative(p, r, (struct alternative){ 0 }, "give group /%s more CPUs", req->limit);
	return false;
}

static void add_claim(struct planner *p, struct request *req, const struct placement *pl)
{
	if (req->self == NOBODY) {
		req->self = (int)p->owners.n;
		*array_push(&p->owners) = (struct owner){ .vm = req->vm };
		inventory_know_owner(p, req->vm, req->self);
	} else { /* it moves away from there */
		inventory_set_owner(p, &p->owners.v[req->self].placement->claim_cpus, NOBODY);
	}
	p->owners.v[req->self].placement = arena_dup(&p->scratch, pl, 1, sizeof *pl);
	inventory_set_owner(p, &pl->claim_cpus, req->self);
}

bool place_made(struct planner *p, struct request *req, struct placement *pl)
{
	if (!leaves_helpers_a_cpu(p, req, pl) || !place_migrate(p, req, pl))
		return false;
	place_notes(p, req, pl);
	add_claim(p, req, pl);
	p->out->v[p->out->n++] = *pl;
	return true;
}

void place_renew_solver(struct planner *p)
{
	p->solver = solver_new(&p->inv, &p->scratch, p->views.v, p->views.n);
	p->solver->options = p->options;
	room_done(&p->empty);
	p->empty = room_of(p->solver, NULL, NOBODY);
}
