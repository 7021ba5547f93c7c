/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who and what is in the way of a VM that is refused: a set that is enough, and of which nothing
 * could be left out. Claims of other VMs alone, where they are enough; else what the policy, the
 * host and groups keep it from, with claims only where these are not enough.
 */
#include <string.h>

#include "base/alloc.h"
#include "plan/place.h"

const char *place_domain_name(struct planner *p, enum scope scope, int domain)
{
	if (scope == SCOPE_L3)
		return arena_printf(&p->out->arena, "L3 %d", domain);
	if (scope == SCOPE_NODE && domain >= 0)
		return arena_printf(&p->out->arena, "node %d", p->s->nodes[domain].node);
	return "this host";
}

/* CPUs that the takes claim. */
static int count_claimed(const struct planner *p, const struct take_list *takes)
{
	int n = 0;
	array_for_each (t, takes) {
		const struct cell *c = &p->solver->cells[t->cell];
		n += t->n_open + t->n_cores * c->width - t->n_left;
	}
	return n;
}

bool place_leaves_a_spare(const struct planner *p, const struct request *req,
	const struct take_list *takes, const bool *is_away)
{
	struct cpuset left = cpuset_minus(&req->allowed_cpus, &p->foreign_cpus);
	if (!req->limit || req->wish.emulator.wish != HELPER_HOUSEKEEPING)
		return true;
	cpuset_remove_all(&left, &p->parted_cpus);
	for (size_t i = 0; i < p->owners.n; i++)
		if ((int)i != req->self && !(is_away && is_away[i]))
			cpuset_remove_all(&left, &p->owners.v[i].placement->claim_cpus);
	return cpuset_count(&left) > count_claimed(p, takes);
}

/* ---- what keeps it from CPUs, but claims ---- */

struct obstacle {
	struct cpuset cpus;        /* that it takes away */
	const struct cpuset *said; /* or NULL */
	const char *text;
	const struct owner *owner; /* goes with it; NULL: with none */
	const char *vm;            /* whose wish it is, or from whom it must be apart; or NULL */
	bool is_apart, is_kind, is_group, is_reserved, is_hold;
};

struct obstacles {
	struct planner *p;
	const struct request *req;
	struct obstacle *v;
	size_t n;
	bool *is_lifted, *is_away; /* by obstacle; by owner */
	size_t n_lifted;
	bool has_apart, has_owned;
};

static void add_obstacle(
	struct obstacles *l, struct cpuset cpus, const struct cpuset *said, const char *text)
{
	if (!cpuset_is_empty(&cpus))
		l->v[l->n++] = (struct obstacle){ .cpus = cpus, .said = said, .text = text };
}

static void add_apart(struct obstacles *l)
{
	struct arena *a = &l->p->out->arena;
	struct apart other;
	for (size_t at = 0; place_next_apart(l->p, l->req, &at, &other);) {
		l->v[l->n++] = (struct obstacle){ .cpus = other.cpus,
			.said = cpuset_keep(a, &other.cpus),
			.owner = other.owner,
			.vm = other.vm,
			.is_apart = true,
			.text = arena_printf(a,
				"VM %s, which it must be apart from by %s, keeps it off %s",
				place_label(l->p, other.vm, other.name), place_part_name(other.by),
				place_cpus(l->p, &other.cpus)) };
		l->has_apart = l->has_owned = true;
	}
}

/* What those who have a place name for their helpers; and what those who have none do. */
static void add_named(struct obstacles *l)
{
	struct planner *p = l->p;
	struct arena *a = &p->out->arena;
	struct cpuset rest = p->helper_cpus;
	array_for_each (o, &p->owners) {
		struct cpuset named = inventory_named_by(p, o->placement);
		if (cpuset_is_empty(&named) || o - p->owners.v == l->req->self)
			continue;
		cpuset_remove_all(&rest, &named);
		l->v[l->n++] = (struct obstacle){ .cpus = named,
			.said = cpuset_keep(a, &named),
			.owner = o,
			.vm = o->placement->vm,
			.text = arena_printf(a, "VM %s has its helper threads on cores of %s",
				place_label(p, o->placement->vm, o->placement->name),
				place_cpus(p, &named)) };
		l->has_owned = true;
	}
	add_obstacle(l, rest, cpuset_keep(a, &rest),
		arena_printf(a, "%s %s on cores that are named for helper threads",
			place_cpus(p, &rest), cpuset_is_or_are(&rest)));
}

static struct cpuset with_siblings(const struct planner *p, const struct cpuset *cpus)
{
	struct cpuset all = CPUSET_EMPTY;
	place_with_siblings(p, &all, cpus);
	return all;
}

static void add_others(struct obstacles *l)
{
	struct planner *p = l->p;
	struct arena *a = &p->out->arena;
	add_obstacle(l, p->out->reserved_cpus, &p->out->reserved_cpus,
		arena_printf(a, "housekeeping keeps %s", place_cpus(p, &p->out->reserved_cpus)));
	for (size_t i = 0; i < l->n; i++)
		l->v[i].is_reserved = !l->v[i].is_apart;
	add_named(l);
	size_t n = l->n;
	array_for_each (hold, &p->holds)
		add_obstacle(l, with_siblings(p, &hold->cpus), &hold->cpus,
			arena_printf(a, "%s %s %s", place_cpus(p, &hold->cpus),
				cpuset_is_or_are(&hold->cpus), hold->why));
	struct cpuset foreign = cpuset_minus(&p->foreign_cpus, &p->held_cpus);
	add_obstacle(l, with_siblings(p, &foreign), cpuset_keep(a, &foreign),
		arena_printf(a, "%s %s in an isolated partition of somebody else",
			place_cpus(p, &foreign), cpuset_is_or_are(&foreign)));
	for (size_t i = n; i < l->n; i++)
		l->v[i].is_hold = true;
}

static void add_own(struct obstacles *l)
{
	struct planner *p = l->p;
	const struct request *req = l->req;
	struct arena *a = &p->out->arena;
	bool is_moot;
	struct cpuset of_kind = limits_of_kind(p->s, req->wish.kind, &is_moot);
	size_t n = l->n;
	add_obstacle(l, cpuset_minus(&p->s->online_cpus, &of_kind), NULL,
		arena_printf(a, "kind = %s leaves it %s only", kind_wish_name(req->wish.kind),
			place_cpus(p, &of_kind)));
	if (l->n > n)
		l->v[n].is_kind = true;
	n = l->n;
	if (req->limit)
		add_obstacle(l, cpuset_minus(&p->s->online_cpus, &req->allowed_cpus), NULL,
			arena_printf(a, "group /%s allows it %s only", req->limit,
				place_cpus(p, &req->allowed_cpus)));
	if (l->n > n)
		l->v[n].is_group = true;
	array_for_each (neighbour, &p->neighbours)
		if (limits_are_by(req, neighbour))
			add_obstacle(l, *neighbour->left_cpus, neighbour->left_cpus,
				arena_printf(a,
					"the list of group /%s has %s only: the kernel lets no "
					"partition beside it have all of it, and %s %s left",
					neighbour->group, place_cpus(p, &neighbour->cpus),
					place_cpus(p, neighbour->left_cpus),
					cpuset_is_or_are(neighbour->left_cpus)));
	n = l->n;
	if (req->level == LEVEL_ISOLATED)
		add_obstacle(l, p->s->boot_isolated_cpus, &p->s->boot_isolated_cpus,
			arena_printf(a,
				"%s %s isolated at boot (isolcpus=), where a partition must "
				"not be",
				place_cpus(p, &p->s->boot_isolated_cpus),
				cpuset_is_or_are(&p->s->boot_isolated_cpus)));
	if (l->n > n)
		l->v[n].is_hold = true;
}

static struct obstacles obstacles_of(struct planner *p, const struct request *req)
{
	struct obstacles l = { .p = p, .req = req };
	size_t most = 2 * p->owners.n + p->pins.n + p->holds.n + p->neighbours.n + 8;
	l.v = arena_alloc(&p->scratch, most * sizeof *l.v);
	l.is_lifted = arena_alloc(&p->scratch, most * sizeof *l.is_lifted);
	l.is_away = arena_alloc(&p->scratch, most * sizeof *l.is_away);
	add_apart(&l);
	add_others(&l);
	add_own(&l);
	return l;
}

/* One that is lifted is not, nor one of an owner that is away. */
static bool is_in_force(const struct obstacles *l, const struct obstacle *x)
{
	bool is_away = x->owner && l->is_away[x->owner - l->p->owners.v];
	return !l->is_lifted[x - l->v] && !is_away;
}

static size_t view_of(struct planner *p, const struct request *req, const struct cpuset *blocked)
{
	size_t n = p->views.n, view = place_view(p, blocked);
	if (p->views.n > n) {
		place_renew_solver(p);
		room_done(&p->left);
		p->left = place_room_left(p, req);
	}
	return view;
}

/* Housekeeping would have its cores elsewhere, too, were others' holds not there. */
static void add_reserved(const struct obstacles *l, struct cpuset *blocked)
{
	struct cpuset lifted = CPUSET_EMPTY;
	bool is_reserved = false;
	for (const struct obstacle *x = l->v; x < l->v + l->n; x++) {
		is_reserved |= x->is_reserved && is_in_force(l, x);
		if (x->is_hold && !is_in_force(l, x))
			cpuset_add_all(&lifted, &x->cpus);
	}
	if (!is_reserved || cpuset_is_empty(&lifted))
		return;
	struct cpuset reserved = inventory_reserved_without(l->p, &lifted);
	cpuset_add_all(blocked, &reserved);
}

/* What these limits leave; has_apart: those whom it must be apart from count. */
static void find_views(const struct obstacles *l, bool has_apart, struct request *ret)
{
	struct cpuset blocked = ret->away_cpus, kinds = CPUSET_EMPTY;
	for (const struct obstacle *x = l->v; x < l->v + l->n; x++)
		if (is_in_force(l, x) && (has_apart || !x->is_apart))
			cpuset_add_all(x->is_kind ? &kinds : &blocked, &x->cpus);
	add_reserved(l, &blocked);
	ret->helper_view = view_of(l->p, l->req, &blocked);
	cpuset_add_all(&blocked, &kinds);
	ret->blocked_cpus = blocked;
	ret->view = view_of(l->p, l->req, &blocked);
}

/* The request, were there no more than the limits in force. */
static struct request without_obstacles(const struct obstacles *l)
{
	struct request other = *l->req;
	for (const struct obstacle *x = l->v; x < l->v + l->n; x++) {
		if (!is_in_force(l, x) && x->is_kind)
			other.wish.kind = KIND_ANY;
		if (!is_in_force(l, x) && x->is_group)
			other.limit = NULL;
	}
	find_views(l, false, &other);
	other.wide_view = other.view;
	other.wide_helper_view = other.helper_view;
	if (l->has_apart)
		find_views(l, true, &other);
	return other;
}

/* ---- whose claims are in the way ---- */

static bool is_in(const struct host_core *core, enum scope scope, int domain)
{
	if (scope == SCOPE_L3)
		return core->l3 == domain;
	return scope == SCOPE_NODE ? core->node == domain : true;
}

/* CPUs that are claimed, but for owners that are away. */
static struct cpuset claimed_without(const struct planner *p, const bool *is_away)
{
	struct cpuset claimed = CPUSET_EMPTY;
	for (size_t i = 0; i < p->owners.n; i++)
		if (!is_away[i])
			cpuset_add_all(&claimed, &p->owners.v[i].placement->claim_cpus);
	return claimed;
}

/* Adds what a core gives when VMs with cores = thread on it are away: all of it, or, where others
 * of them stay, their CPUs. taken: by all owners. */
static void give_opened(const struct planner *p, struct room *room, size_t i,
	const struct cpuset *staying, const struct cpuset *taken)
{
	const struct cpuset *cpus = p->inv.cores[i].cpus;
	int cell = p->solver->cell_of_core[i];
	struct cpuset was_open = cpuset_minus(cpus, taken), open = cpuset_minus(cpus, staying);
	was_open = cpuset_minus(&was_open, &p->kept_cpus);
	open = cpuset_minus(&open, &p->kept_cpus);
	bool is_free = !cpuset_intersects(cpus, staying);
	room->cores[cell] += is_free;
	room->open[cell] += (is_free ? 0 : cpuset_count(&open)) - cpuset_count(&was_open);
}

/* Fits in what is free and in all that these owners have? */
static bool fits_in_rest(const struct planner *p, const struct request *req, const bool *is_away)
{
	struct room room = room_copy(p->solver, &p->left);
	struct take_list takes = { 0 };
	struct cpuset staying = claimed_without(p, is_away), taken = CPUSET_EMPTY;
	long work = 0;
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		const struct host_core *core = &p->inv.cores[i];
		if (core->owner == NOBODY || core->owner == req->self)
			continue;
		if (p->owners.v[core->owner].placement->wish.cores != CORES_THREAD) {
			room.cores[p->solver->cell_of_core[i]] +=
				is_away[core->owner] && !cpuset_intersects(core->cpus, &staying);
			continue;
		}
		if (cpuset_is_empty(&taken))
			taken = inventory_taken(p);
		give_opened(p, &room, i, &staying, &taken);
	}
	bool fits = spot_find(p->solver, &room, req, req->scope, FIT_TIGHT, &takes, &work) &&
		place_leaves_a_spare(p, req, &takes, is_away);
	room_done(&room);
	free(takes.v);
	return fits;
}

/* Without who is away and what is lifted; then its scope may be another, too. */
static bool fits_without(const struct obstacles *l)
{
	struct request other;
	if (!l->n_lifted && !l->has_owned)
		return fits_in_rest(l->p, l->req, l->is_away);
	other = without_obstacles(l);
	other.scope = place_wished_scope(l->req);
	return place_scope(l->p, &other) && fits_in_rest(l->p, &other, l->is_away);
}

static void lift(struct obstacles *l, size_t i, bool is_lifted)
{
	l->n_lifted += is_lifted - l->is_lifted[i];
	l->is_lifted[i] = is_lifted;
}

static void lift_none(struct obstacles *l)
{
	for (size_t i = 0; i < l->n; i++)
		lift(l, i, false);
}

/* The request, did nothing of other VMs than their claims keep it from anything. */
static struct request without_others(struct obstacles *l)
{
	for (size_t i = 0; i < l->n; i++)
		lift(l, i, l->v[i].owner || l->v[i].is_apart);
	struct request req = without_obstacles(l);
	lift_none(l);
	return req;
}

/* Adds the cores of the domain that owners name for their helpers. */
static void count_named(const struct obstacles *l, enum scope scope, int domain, int *ret)
{
	const struct planner *p = l->p;
	for (const struct obstacle *x = l->v; x < l->v + l->n; x++)
		for (size_t i = 0; x->owner && !x->is_apart && i < p->inv.n_cores; i++)
			ret[x->owner - p->owners.v] += is_in(&p->inv.cores[i], scope, domain) &&
				cpuset_intersects(p->inv.cores[i].cpus, &x->cpus);
}

/* Who has cores in the domain that are of use for the request, did nobody but by his claim keep it
 * from any: cores by owner; how many owners have any. */
static size_t count_owned(struct obstacles *l, int domain, int *ret)
{
	const struct planner *p = l->p;
	struct request req = l->has_owned ? without_others(l) : *l->req;
	size_t n = 0;
	memset(ret, 0, p->owners.n * sizeof *ret);
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		const struct host_core *core = &p->inv.cores[i];
		const struct cell *cell = &p->solver->cells[p->solver->cell_of_core[i]];
		if (core->owner == NOBODY || core->owner == req.self ||
			!is_in(core, req.scope, domain) || !cell->usable[req.view])
			continue;
		ret[core->owner]++;
	}
	count_named(l, req.scope, domain, ret);
	for (size_t o = 0; o < p->owners.n; o++)
		n += ret[o] > 0;
	return n;
}

/* Of those that are away, who may stay after all. Returns how many still are. */
static size_t bring_back(struct obstacles *l)
{
	size_t n = 0;
	for (size_t i = 0; i < l->p->owners.n; i++) {
		if (!l->is_away[i])
			continue;
		l->is_away[i] = false;
		if (fits_without(l))
			continue;
		l->is_away[i] = true;
		n++;
	}
	return n;
}

/* Owners without all of which it would fit, and none of whom may stay: the largest first until it
 * does, then those that were not needed stay after all. Returns how many, 0 when nothing helps. */
static size_t find_blocking(struct obstacles *l, int domain, int *owned)
{
	size_t n_owners = count_owned(l, domain, owned), n_all = l->p->owners.n, n = 0;
	memset(l->is_away, 0, n_all * sizeof *l->is_away);
	while (n < n_owners && (!n || !fits_without(l))) {
		size_t most = n_all;
		for (size_t i = 0; i < n_all; i++)
			if (owned[i] && !l->is_away[i] && (most == n_all || owned[i] > owned[most]))
				most = i;
		l->is_away[most] = true;
		n++;
	}
	return n && fits_without(l) ? bring_back(l) : 0;
}

/* Its cores in the domain; returns how many they are. */
static size_t held_in(
	const struct planner *p, size_t owner, enum scope scope, int domain, struct cpuset *ret)
{
	size_t n = 0;
	*ret = CPUSET_EMPTY;
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		const struct host_core *core = &p->inv.cores[i];
		if (core->owner != (int)owner || !is_in(core, scope, domain))
			continue;
		cpuset_add_all(ret, core->cpus);
		n++;
	}
	return n;
}

/* What they hold in the domain. */
static void say_owners(const struct obstacles *l, enum scope scope, int domain, struct refusal *r)
{
	struct planner *p = l->p;
	for (size_t o = 0; o < p->owners.n; o++) {
		const struct placement *pl = p->owners.v[o].placement;
		struct cpuset cpus, named = inventory_named_by(p, pl);
		if (!l->is_away[o])
			continue;
		size_t n = held_in(p, o, scope, domain, &cpus);
		const char *label = place_label(p, pl->vm, pl->name),
			   *where = place_domain_name(p, scope, domain),
			   *helpers = cpuset_is_empty(&named)
			? ""
			: arena_printf(&p->out->arena, "%s has its helper threads on cores of %s",
				  n ? ", and" : "", place_cpus(p, &named));
		struct cpuset all = cpuset_or(&cpus, &named);
		if (n)
			place_blocking(p, r, pl->vm, &all, "VM %s holds %zu core%s of %s (%s)%s",
				label, n, n == 1 ? "" : "s", where, place_cpus(p, &cpus), helpers);
		else
			place_blocking(p, r, pl->vm, &all, "VM %s%s", label, helpers);
	}
}

/* In the domain where the fewest VMs are in the way, those. False: none is, nobody could make room.
 */
static bool name_owners(struct obstacles *l, struct refusal *r)
{
	struct planner *p = l->p;
	AUTO_FREE int *owned = xcalloc(p->owners.n + 1, sizeof *owned);
	AUTO_FREE bool *best_away = xcalloc(p->owners.n + 1, sizeof *best_away);
	size_t best = 0;
	int where = 0;
	for (int d = 0; d < solver_n_domains(&p->inv, l->req->scope) && best != 1; d++) {
		size_t n = find_blocking(l, d, owned);
		if (!n || (best && n >= best))
			continue;
		best = n;
		where = d;
		memcpy(best_away, l->is_away, p->owners.n * sizeof *best_away);
	}
	memcpy(l->is_away, best_away, p->owners.n * sizeof *best_away);
	if (best)
		say_owners(l, l->req->scope, where, r);
	return best;
}

/* What is lifted, and who is away, is what is needed: the last obstacles are put back first, as the
 * first are what people can change most easily. */
static void say_needed(struct obstacles *l, struct refusal *r)
{
	for (size_t i = l->n; i-- > 0;) {
		if (!l->is_lifted[i])
			continue;
		lift(l, i, false);
		if (!fits_without(l))
			lift(l, i, true);
	}
	(void)bring_back(l);
	for (size_t i = 0; i < l->n; i++)
		if (l->is_lifted[i])
			place_blocking(l->p, r, l->v[i].vm, l->v[i].said, "%s", l->v[i].text);
	say_owners(l, SCOPE_FEWEST, -1, r);
}

/* True: these are enough; they are lifted then. */
static bool lift_those(struct obstacles *l, bool is_apart_only)
{
	for (size_t i = 0; i < l->n; i++)
		lift(l, i, l->v[i].is_apart || !is_apart_only);
	return fits_without(l);
}

static void let_all_go(struct obstacles *l)
{
	for (size_t i = 0; i < l->p->owners.n; i++)
		l->is_away[i] = (int)i != l->req->self;
}

/* Nothing is named where even without all of it, and alone, it would not fit. */
void place_name_blocking(struct planner *p, const struct request *req, struct refusal *r)
{
	struct obstacles l = obstacles_of(p, req);
	bool is_apart = l.has_apart && lift_those(&l, true);
	if (!is_apart) {
		lift_none(&l);
		if (name_owners(&l, r))
			return;
		if (!lift_those(&l, false)) {
			let_all_go(&l);
			if (!fits_without(&l))
				return;
		}
	}
	say_needed(&l, r);
}
