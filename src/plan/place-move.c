/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other places for VMs that have one: offered where a VM is refused, made with --repack.
 *
 * Who may move: VMs in force whose policy says so (movable), with --repack also those that are
 * placed now. Not: one with cores = thread, whose cores are others' too, or that must be apart from
 * others, one that waits to be confirmed, and one that was refused a change of its own. How many
 * must move is place-repack.c's; what comes of it is placed on trial before it is offered or made.
 */
#include "base/str.h"
#include "plan/place-trial.h"

enum { OFFERED_MAX = 3, REPACKED_MAX = 64 };
enum { OFFER_WORK = 400000 }; /* of all refusals */

struct movers {
	struct request *requests; /* as they would be placed anew */
	int *owner;
	bool *has_moved; /* or has just been placed */
	size_t n;
	long work; /* that is left for offers */
};

/* What the policy says by now, else what it said when the VM was placed. */
static enum movable_wish movable(const struct planner *p, const struct owner *o)
{
	struct vm_wish wish;
	const struct vm *vm = o->vm;
	return policy_for_vm(p->policy, vm->id, vm->name, vm->uuid, &wish)
		? wish.movable
		: o->placement->wish.movable;
}

static bool is_placed(const struct planner *p, const struct vm *vm)
{
	for (size_t i = 0; i < p->out->n; i++)
		if (placement_is_of(&p->out->v[i], vm))
			return true;
	return false;
}

static bool was_refused(const struct planner *p, const struct vm *vm)
{
	for (size_t i = 0; i < p->n_requests; i++)
		if (p->requests[i].vm == vm)
			return !is_placed(p, vm);
	return false;
}

/* With --repack it has its first place yet to take; what is offered is done when all is in force.
 */
static bool is_new(const struct planner *p, size_t owner)
{
	return p->is_repack && owner >= p->n_in_force;
}

static bool may_move(const struct planner *p, size_t owner)
{
	const struct owner *o = &p->owners.v[owner];
	const struct placement *pl = o->placement;
	if (!o->vm || !placement_is_of(pl, o->vm) || pl->wish.cores >= CORES_THREAD ||
		pl->confirm_ns || cpuset_is_empty(&pl->claim_cpus) || was_refused(p, o->vm))
		return false;
	return is_new(p, owner) || movable(p, o) != MOVABLE_NO;
}

/* All CPUs but those of the nodes of its memory, or, where these are not known, of its CPUs. */
static struct cpuset away_from(const struct planner *p, const struct request *req, int owner)
{
	const struct cpuset *claim = &p->owners.v[owner].placement->claim_cpus;
	struct cpuset away = p->s->online_cpus;
	for (size_t i = 0; i < p->s->n_nodes; i++) {
		const struct node *node = &p->s->nodes[i];
		if (req->has_memory_nodes ? cpuset_has(&req->memory_nodes, (int)i)
					  : cpuset_intersects(&node->cpus, claim))
			away = cpuset_minus(&away, &node->cpus);
	}
	return p->s->n_nodes ? away : CPUSET_EMPTY;
}

/* False: it could not be placed anew. */
static bool make_request(struct planner *p, int owner, struct request *ret)
{
	const struct owner *o = &p->owners.v[owner];
	size_t n_refused = p->out->refused.n;
	bool is_good = place_request(p, o->vm, &o->placement->wish, ret);
	p->out->refused.n = n_refused; /* it is not what was asked */
	if (!is_good || place_has_apart(p, ret, p->requests, p->n_requests))
		return false;
	if (!is_new(p, (size_t)owner) && movable(p, o) == MOVABLE_CPUS) {
		ret->away_cpus = away_from(p, ret, owner);
		place_request_update(p, ret);
	}
	return true;
}

/* It has a place of the width that it wishes: had it a wider one, that would be noted. */
static bool has_its_scope(const struct planner *p, int owner)
{
	return p->s->n_l3s && p->s->n_nodes && !p->owners.v[owner].placement->place_note;
}

/* Moves make no cores: where all are of one width, as many must be free as it needs. */
static bool is_hopeless(const struct planner *p, const struct request *req)
{
	int n = 0;
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		const struct host_core *core = &p->inv.cores[i];
		if (core->n_cpus != p->inv.cores[0].n_cpus)
			return false;
		n += (core->owner == NOBODY || core->owner == req->self) &&
			!cpuset_intersects(core->cpus, &p->kept_cpus);
	}
	return req->wish.cores != CORES_THREAD && n < solver_weight(p->solver, req);
}

void place_know_movers(struct planner *p, const struct request *guest)
{
	size_t n_views = p->views.n, n = 0;
	if (p->movers || (guest && is_hopeless(p, guest)))
		return;
	struct movers *m = p->movers = arena_alloc(&p->scratch, sizeof *m);
	m->work = OFFER_WORK;
	m->requests = arena_alloc(&p->scratch, (p->owners.n + 1) * sizeof *m->requests);
	m->owner = arena_alloc(&p->scratch, (p->owners.n + 1) * sizeof *m->owner);
	m->has_moved = arena_alloc(&p->scratch, (p->owners.n + 1) * sizeof *m->has_moved);
	for (size_t i = 0; i < p->owners.n; i++) {
		if (!may_move(p, i) || !make_request(p, (int)i, &m->requests[n]))
			continue;
		m->has_moved[n] = i >= p->n_in_force;
		m->owner[n++] = (int)i;
	}
	if (p->views.n > n_views)
		place_renew_solver(p);
	for (size_t i = 0; i < n; i++) {
		if (!has_its_scope(p, m->owner[i]) && !place_scope(p, &m->requests[i]))
			continue;
		m->requests[m->n] = m->requests[i];
		m->has_moved[m->n] = m->has_moved[i];
		m->owner[m->n++] = m->owner[i];
	}
}

/* The cores that the owner has for itself, by cell. */
static void list_cores(const struct planner *p, int owner, struct take_list *ret)
{
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		int cell = p->solver->cell_of_core[i];
		size_t k = 0;
		if (p->inv.cores[i].owner != owner)
			continue;
		while (k < ret->n && ret->v[k].cell != cell)
			k++;
		if (k == ret->n)
			*array_push(ret) = (struct take){ .cell = cell };
		ret->v[k].n_cores++;
	}
}

/* ---- what is found ---- */

struct found {
	struct mover *movers;
	size_t n;
	struct trial trial;
	struct take_list takes; /* the guest's */
};

static void found_done(struct found *f)
{
	if (f->movers)
		movers_done(f->movers, f->n);
	free(f->movers);
	free(f->takes.v);
}

struct asked {
	struct planner *p;
	const struct request *guest;
	struct trial *trial;
};

static bool accepts(
	void *context, const struct mover *movers, size_t n, const struct take_list *guest)
{
	struct asked *a = context;
	*a->trial = trial_of(a->p, movers, n, a->guest, guest);
	return trial_fits(a->p, a->trial);
}

/* room: what is free for the guest. False: nothing was found. */
static bool find_moves(struct planner *p, const struct request *guest, const struct room *room,
	int most, long *work, struct found *ret)
{
	const struct movers *m = p->movers;
	struct asked asked = { p, guest, &ret->trial };
	const struct repack_judge judge = { accepts, &asked };
	ret->movers = xcalloc(m->n + 1, sizeof *ret->movers);
	for (size_t i = 0; i < m->n; i++) {
		if (m->owner[i] == guest->self)
			continue;
		struct mover *mover = &ret->movers[ret->n++];
		mover->req = &m->requests[i];
		mover->is_free = m->has_moved[i];
		list_cores(p, m->owner[i], &mover->at);
	}
	return ret->n && *work > 0 &&
		repack(p->solver, room, guest, ret->movers, ret->n, most, &judge, work,
			&ret->takes) >= 0;
}

static struct move move_of(struct planner *p, const struct trial *t, size_t i)
{
	const struct placement *made = &t->made[i];
	const struct vm *guest = t->requests[t->n - 1].vm;
	return (struct move){ .vm = made->vm,
		.name = made->name,
		.from = p->owners.v[t->owner[i]].placement->claim_cpus,
		.to = made->claim_cpus,
		.for_vms = place_label(p, guest->id, guest->name) };
}

void place_offer_move(struct planner *p, const struct request *req, struct refusal *r)
{
	CLEANUP(found_done) struct found f = { 0 };
	AUTO_STRBUF struct strbuf b = { 0 };
	if (p->is_repack || !p->movers || !p->movers->n || /* what could be done was done */
		!find_moves(p, req, &p->left, OFFERED_MAX, &p->movers->work, &f) || f.trial.n < 2)
		return;
	struct move *moves = arena_alloc(&p->out->arena, f.trial.n * sizeof *moves);
	size_t n = 0;
	for (size_t i = 0; i + 1 < f.trial.n; i++) {
		struct move move = move_of(p, &f.trial, i);
		if (cpuset_equal(&move.from, &move.to))
			continue;
		strbuf_printf(&b, "%sVM %s has %s instead of %s", n ? ", and " : "",
			place_label(p, move.vm, move.name), place_cpus(p, &move.to),
			place_list(p, &move.from));
		moves[n++] = move;
	}
	place_alternative(p, r, (struct alternative){ .moves = moves, .n_moves = n },
		"it fits as it is once %s: only --repack moves a VM", b.s);
}

/* ---- --repack ---- */

static void tell_move(struct planner *p, const struct move *move)
{
	for (size_t i = 0; i < p->out->moves.n; i++) {
		struct move *old = &p->out->moves.v[i];
		if (!streq(old->vm, move->vm))
			continue;
		old->to = move->to;
		old->for_vms = arena_printf(&p->out->arena, "%s, %s", old->for_vms, move->for_vms);
		return;
	}
	*list_push(&p->out->arena, &p->out->moves) = *move;
}

/* Who came back to where it was. */
static void drop_idle_moves(struct planner *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->out->moves.n; i++) {
		const struct move *move = &p->out->moves.v[i];
		if (!cpuset_equal(&move->from, &move->to))
			p->out->moves.v[n++] = *move;
	}
	p->out->moves.n = n;
}

static void forget_placement(struct planner *p, const struct vm *vm)
{
	struct placements *out = p->out;
	for (size_t i = 0; i < out->n; i++) {
		if (!placement_is_of(&out->v[i], vm))
			continue;
		memmove(&out->v[i], &out->v[i + 1], (--out->n - i) * sizeof *out->v);
		return;
	}
}

/* As it was tried. */
static void make_moves(struct planner *p, struct trial *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->owner[i] == NOBODY)
			continue;
		if (i + 1 < t->n && t->owner[i] < (int)p->n_in_force) {
			struct move move = move_of(p, t, i);
			tell_move(p, &move);
		}
		struct owner *o = &p->owners.v[t->owner[i]];
		struct placement *nowhere =
			arena_dup(&p->scratch, o->placement, 1, sizeof *nowhere);
		inventory_set_owner(p, &nowhere->claim_cpus, NOBODY);
		nowhere->claim_cpus = CPUSET_EMPTY;
		o->placement = nowhere;
		forget_placement(p, t->requests[i].vm);
		for (size_t k = 0; k < p->movers->n; k++)
			p->movers->has_moved[k] |= p->movers->owner[k] == t->owner[i];
	}
	for (size_t i = 0; i < t->n; i++)
		(void)place_made(p, &t->requests[i], &t->made[i]);
}

static bool let_in(struct planner *p, struct request *guest, long *work)
{
	CLEANUP(found_done) struct found f = { 0 };
	struct room room = place_room_left(p, guest);
	bool is_found = find_moves(p, guest, &room, REPACKED_MAX, work, &f);
	room_done(&room);
	if (!is_found)
		return false;
	make_moves(p, &f.trial);
	*guest = f.trial.requests[f.trial.n - 1];
	return true;
}

void place_repack(struct planner *p, struct request *batch, size_t n, struct request *refused,
	size_t *n_refused)
{
	long work = REPACK_WORK;
	size_t n_left = 0;
	place_know_movers(p, NULL);
	for (size_t i = 0; i < *n_refused; i++)
		if (refused[i].self == NOBODY || !let_in(p, &refused[i], &work))
			refused[n_left++] = refused[i];
	*n_refused = n_left;
	for (size_t i = 0; i < n; i++)
		if (batch[i].is_refused)
			batch[i].is_refused = !let_in(p, &batch[i], &work);
	drop_idle_moves(p);
}
