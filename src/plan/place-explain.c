/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a VM is where it is: the terms of the objective, for its place and for the runner-up: the
 * best place outside of the L3, or the node, that it has, where others are as they are planned.
 * The first term that differs decides, as it does in the search: there, what cores may be had at
 * all comes first (find_filtered()), then spot_compare(). Where the runner-up is better by it, it
 * was something else that decided: that it is in force, or who was planned with it.
 */
#include <string.h>

#include "plan/place.h"

struct site {
	int *cores;            /* by cell: how many are taken */
	struct room left;      /* when these are taken too */
	struct spot_cost cost; /* in what is free without it */
	enum cpu_kind slowest;
	int n_l3s, n_slow, n_not_isolated;
};

static void count_cells(const struct planner *p, struct site *site)
{
	const struct solver *s = p->solver;
	AUTO_FREE bool *has_l3 = xcalloc(p->s->n_l3s + 2, sizeof *has_l3);
	for (size_t k = 0; k < s->n_cells; k++) {
		const struct cell *c = &s->cells[k];
		int n = site->cores[k];
		if (!n)
			continue;
		site->n_l3s += c->l3 >= 0 && !has_l3[c->l3 + 1];
		has_l3[c->l3 + 1] = true;
		site->n_slow += n * (c->kind > CPU_PERFORMANCE);
		site->slowest = c->kind > site->slowest ? c->kind : site->slowest;
		site->n_not_isolated += s->has_boot_isolated && !c->is_boot_isolated ? n : 0;
	}
	site->slowest = site->slowest < CPU_PERFORMANCE ? CPU_PERFORMANCE : site->slowest;
}

static void count_cost(const struct planner *p, struct site *site, const struct request *req)
{
	struct take_list takes = { 0 };
	struct room room = room_copy(p->solver, &site->left);
	for (size_t k = 0; k < p->solver->n_cells; k++) {
		if (site->cores[k])
			*array_push(&takes) =
				(struct take){ .cell = (int)k, .n_cores = site->cores[k] };
		room.cores[k] += site->cores[k];
	}
	int domain = req->scope > SCOPE_NODE ? 0 : spot_domain(p->solver, req->scope, &takes);
	site->cost = spot_cost(p->solver, &room, req, req->scope, domain, &takes, FIT_KIND);
	room_done(&room);
	free(takes.v);
}

static void fill_terms(
	const struct planner *p, struct site *site, const struct request *req, int64_t *terms)
{
	count_cells(p, site);
	count_cost(p, site, req);
	const struct spot_cost *c = &site->cost;
	const int64_t values[N_TERMS] = {
		[TERM_L3S] = site->n_l3s,
		[TERM_NOT_ISOLATED] = site->n_not_isolated,
		[TERM_SLOW_CORES] = site->n_slow,
		[TERM_NODES] = c->n_nodes,
		[TERM_PINS] = c->pinned,
		[TERM_REMOTE_MEMORY] = c->far,
		[TERM_DEVICE_DISTANCE] = c->away,
		[TERM_INTERRUPTS] = c->hot,
		[TERM_SMALL_CACHE] = c->small,
		[TERM_WEIGHT] = c->cores,
		[TERM_FUTURE] = future_capacity(p->solver, &site->left, req),
		[TERM_SLACK] = c->hole - c->cores,
	};
	memcpy(terms, values, sizeof values);
}

/* "L3 1", "node 0"; several: "L3s 0-1". */
static const char *site_name(struct planner *p, const struct site *site)
{
	struct cpuset set = CPUSET_EMPTY;
	for (size_t k = 0; k < p->solver->n_cells; k++) {
		const struct cell *c = &p->solver->cells[k];
		int number = p->s->n_l3s ? c->l3 : c->node < 0 ? -1 : p->s->nodes[c->node].node;
		if (site->cores[k] && number >= 0)
			cpuset_add(&set, number);
	}
	if (cpuset_is_empty(&set))
		return "this host";
	return arena_printf(&p->out->arena, "%s%s %s", p->s->n_l3s ? "L3" : "node",
		cpuset_count(&set) > 1 ? "s" : "", place_list(p, &set));
}

/* The best place that has nothing in common with its own. */
static bool find_other(const struct planner *p, const struct request *req, const struct site *own,
	struct site *ret)
{
	struct take_list takes = { 0 };
	long work = 0;
	struct room room = room_copy(p->solver, &own->left);
	for (size_t k = 0; k < p->solver->n_cells; k++) {
		const struct cell *c = &p->solver->cells[k];
		bool is_own = false;
		for (size_t j = 0; j < p->solver->n_cells && !is_own; j++)
			is_own = own->cores[j] &&
				(c->l3 >= 0 ? p->solver->cells[j].l3 == c->l3
					    : p->solver->cells[j].node == c->node);
		if (is_own)
			room.cores[k] = room.open[k] = 0;
	}
	bool is_found =
		spot_find(p->solver, &room, req, req->scope, FIT_KIND, &takes, &work) && takes.n;
	room_done(&room);
	if (is_found) {
		ret->cores = xcalloc(p->solver->n_cells + 1, sizeof *ret->cores);
		ret->left = room_copy(p->solver, &own->left);
		for (size_t k = 0; k < p->solver->n_cells; k++)
			ret->left.cores[k] += own->cores[k];
		array_for_each (t, &takes) {
			ret->cores[t->cell] += t->n_cores;
			ret->left.cores[t->cell] -= t->n_cores;
		}
	}
	free(takes.v);
	return is_found;
}

/* As find_unpinned_first() and find_filtered() ask for them: no pins, the narrower where any will
 * do, isolcpus=, kinds of cores. */
static enum plan_term filter_decides(const struct site *own, const struct site *other,
	const struct request *req, int64_t *ret_more)
{
	*ret_more =
		req->scope == SCOPE_FEWEST ? 0 : (own->cost.pinned > 0) - (other->cost.pinned > 0);
	if (*ret_more)
		return TERM_PINS;
	*ret_more = req->scope == SCOPE_ANY ? own->n_l3s - other->n_l3s : 0;
	if (*ret_more)
		return TERM_L3S;
	*ret_more = (own->n_not_isolated > 0) - (other->n_not_isolated > 0);
	if (*ret_more)
		return TERM_NOT_ISOLATED;
	*ret_more = (int64_t)own->slowest - (int64_t)other->slowest;
	return *ret_more ? TERM_SLOW_CORES : N_TERMS;
}

static void find_decision(const struct site *own, const struct site *other,
	const struct request *req, struct explanation *x)
{
	int64_t more;
	x->decided = filter_decides(own, other, req, &more);
	if (x->decided == N_TERMS)
		x->decided = spot_compare(&own->cost, &other->cost, req, FIT_KIND, &more);
	x->is_other_better = x->decided < N_TERMS && more > 0;
}

static void site_done(struct site *site)
{
	free(site->cores);
	room_done(&site->left);
}

void place_explain(struct planner *p, const struct request *req, struct placement *pl)
{
	AUTO_FREE int *owner = xcalloc(p->inv.n_cores + 1, sizeof *owner);
	struct explanation *x = arena_alloc(&p->out->arena, sizeof *x);
	struct site own = { .cores = xcalloc(p->solver->n_cells + 1, sizeof *own.cores) };
	struct site other = { 0 };
	int self = place_self(p, req->vm);
	if (cpuset_is_empty(&pl->claim_cpus)) {
		free(own.cores);
		return;
	}
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		owner[i] = p->inv.cores[i].owner;
		if (owner[i] == self && cpuset_intersects(p->inv.cores[i].cpus, &pl->claim_cpus))
			own.cores[p->solver->cell_of_core[i]]++;
	}
	own.left = room_of(p->solver, owner, NOBODY);
	x->place = site_name(p, &own);
	fill_terms(p, &own, req, x->chosen);
	x->decided = N_TERMS;
	x->is_kept = place_is_kept(p, pl);
	x->is_batch = p->n_requests > 1;
	if (find_other(p, req, &own, &other)) {
		x->runner_up = site_name(p, &other);
		fill_terms(p, &other, req, x->other);
		find_decision(&own, &other, req, x);
		site_done(&other);
	}
	site_done(&own);
	pl->explanation = x;
}

const char *plan_term_name(enum plan_term term)
{
	static const char *const names[N_TERMS] = {
		[TERM_WEIGHT] = "admitted weight, cores",
		[TERM_NOT_ISOLATED] = "isolation: cores outside of isolcpus=",
		[TERM_NODES] = "locality: NUMA nodes spanned",
		[TERM_PINS] = "disturbance: cores that others are pinned to",
		[TERM_REMOTE_MEMORY] = "locality: remote memory, cores x extra distance",
		[TERM_DEVICE_DISTANCE] = "locality: devices, cores x extra distance",
		[TERM_L3S] = "locality: L3s spanned",
		[TERM_SLOW_CORES] = "interference: slower cores",
		[TERM_INTERRUPTS] = "interference: cores with unmovable interrupts",
		[TERM_SMALL_CACHE] = "interference: cores of smaller L3s",
		[TERM_FUTURE] = "future capacity: pairs of cores left in one L3, in one node",
		[TERM_SLACK] = "slack: cores left beside it",
	};
	return names[term];
}

const char *plan_term_key(enum plan_term term)
{
	static const char *const keys[N_TERMS] = {
		[TERM_WEIGHT] = "admitted_weight",
		[TERM_NOT_ISOLATED] = "not_boot_isolated",
		[TERM_NODES] = "nodes_spanned",
		[TERM_PINS] = "pinned_cores",
		[TERM_REMOTE_MEMORY] = "remote_memory",
		[TERM_DEVICE_DISTANCE] = "device_distance",
		[TERM_L3S] = "l3s_spanned",
		[TERM_SLOW_CORES] = "slow_cores",
		[TERM_INTERRUPTS] = "interrupt_heat",
		[TERM_SMALL_CACHE] = "small_cache",
		[TERM_FUTURE] = "future_capacity",
		[TERM_SLACK] = "slack",
	};
	return keys[term];
}
