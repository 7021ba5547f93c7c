/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a VM is where it is: the terms of the objective, in their order, for its place and for the
 * runner-up: the best place outside of the L3, or the node, that it has, where others are as they
 * are planned. The first term that differs decides; where the runner-up is better by it, the place
 * is what let more of the whole batch in.
 */
#include <string.h>

#include "plan/place.h"

struct site {
	int *cores;       /* by cell: how many are taken */
	struct room left; /* when these are taken too */
};

static void count_cells(
	const struct planner *p, const struct site *site, const struct request *req, int64_t *terms)
{
	int n_nodes = 0, n_l3s = 0;
	const struct solver *s = p->solver;
	AUTO_FREE bool *has_node = xcalloc(p->s->n_nodes + 2, sizeof *has_node);
	AUTO_FREE bool *has_l3 = xcalloc(p->s->n_l3s + 2, sizeof *has_l3);
	for (size_t k = 0; k < s->n_cells; k++) {
		const struct cell *c = &s->cells[k];
		int n = site->cores[k];
		if (!n)
			continue;
		n_nodes += !has_node[c->node + 1];
		n_l3s += c->l3 >= 0 && !has_l3[c->l3 + 1];
		has_node[c->node + 1] = has_l3[c->l3 + 1] = true;
		terms[TERM_WEIGHT] += n;
		terms[TERM_REMOTE_MEMORY] +=
			(int64_t)n * place_memory_distance(&p->inv, req, c->node);
		terms[TERM_DEVICE_DISTANCE] +=
			(int64_t)n * place_distance(p->s, c->node, &req->near_nodes);
		terms[TERM_SLOW_CORES] += n * (c->kind > CPU_PERFORMANCE);
		terms[TERM_PINS] += n * c->is_pinned;
		terms[TERM_INTERRUPTS] += n * c->is_hot;
		terms[TERM_SMALL_CACHE] +=
			n * (c->l3 >= 0 && p->s->l3s[c->l3].size_kib < s->largest_l3_kib);
	}
	terms[TERM_NODES] = n_nodes;
	terms[TERM_L3S] = n_l3s;
}

static int64_t slack(const struct planner *p, const struct site *site)
{
	int64_t sum = 0;
	for (size_t k = 0; k < p->solver->n_cells; k++) {
		bool is_beside = false;
		for (size_t j = 0; j < p->solver->n_cells && !is_beside; j++)
			is_beside = site->cores[j] &&
				(p->s->n_l3s ? p->solver->cells[j].l3 == p->solver->cells[k].l3
					     : p->solver->cells[j].node ==
							p->solver->cells[k].node);
		sum += is_beside ? site->left.cores[k] : 0;
	}
	return sum;
}

static void fill_terms(
	const struct planner *p, const struct site *site, const struct request *req, int64_t *terms)
{
	count_cells(p, site, req, terms);
	terms[TERM_FUTURE] = future_capacity(p->solver, &site->left, req);
	terms[TERM_SLACK] = slack(p, site);
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

/* More is better of these two and of admitted weight, less of all others. */
static bool is_more_better(enum plan_term term)
{
	return term == TERM_FUTURE || term == TERM_WEIGHT;
}

/* Weight is what it takes, which differs between places only where cores do. */
static void find_decision(struct explanation *x)
{
	x->decided = N_TERMS;
	for (enum plan_term t = TERM_NODES; t < N_TERMS && x->decided == N_TERMS; t++)
		if (x->chosen[t] != x->other[t])
			x->decided = t;
	if (x->decided == N_TERMS)
		return;
	x->is_other_better =
		(x->chosen[x->decided] > x->other[x->decided]) != is_more_better(x->decided);
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
	struct site own = { .cores = xcalloc(p->solver->n_cells + 1, sizeof *own.cores) }, other;
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
	if (find_other(p, req, &own, &other)) {
		x->runner_up = site_name(p, &other);
		fill_terms(p, &other, req, x->other);
		find_decision(x);
		site_done(&other);
	}
	site_done(&own);
	pl->explanation = x;
}

const char *plan_term_name(enum plan_term term)
{
	static const char *const names[N_TERMS] = {
		[TERM_WEIGHT] = "admitted weight, cores",
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
