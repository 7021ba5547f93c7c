/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * solve(): the requests of all VMs against the inventory.
 *
 * A decode takes the requests in an order, and gives each the spot that is best for it in what is
 * left (place-spot.c). The first order is by decreasing weight, which is what best fit likes. When
 * that does not place all of them, a local search tries other orders: it brings a refused VM
 * forward, or swaps two, and keeps what admits no less weight. It ends when nothing is refused,
 * when the bound is reached (all that is free, or all that is asked for), or after a fixed amount
 * of work: the same input gives the same spots. What has a claim in force is not part of it: see
 * place.c.
 */
#include <string.h>

#include "base/alloc.h"
#include "plan/place.h"

enum { SEARCH_STEPS = 1500, SEARCH_WORK = 1500000 };

struct search {
	const struct solver *solver;
	const struct request *requests;
	size_t n;
	const int *shape;  /* by request: alike ones have one number */
	const int *weight; /* by request: cores */
	struct room start;
	long work;
};

struct decoded {
	size_t *order; /* of requests */
	bool *is_placed;
	long weight;
};

/* Two requests that differ in nothing that the search looks at. */
static bool is_alike(const struct request *a, const struct request *b)
{
	if (a->view != b->view || a->scope != b->scope || a->wish.cores != b->wish.cores ||
		a->wish.place != b->wish.place || a->needs_helper != b->needs_helper ||
		a->n_groups != b->n_groups || a->n_cpus != b->n_cpus ||
		!cpuset_equal(&a->memory_nodes, &b->memory_nodes))
		return false;
	for (size_t i = 0; i < a->n_groups; i++)
		if (a->groups[i].n != b->groups[i].n)
			return false;
	return true;
}

/* Places them in that order. What was refused once in a decode is refused again: room only
 * gets less. takes: filled with the spots when not NULL. */
static void decode(struct search *s, struct decoded *d, bool is_packing, struct take_list *takes)
{
	struct room room = room_copy(s->solver, &s->start);
	AUTO_FREE bool *is_full = xcalloc(s->n + 1, sizeof *is_full); /* by shape */
	d->weight = 0;
	for (size_t k = 0; k < s->n; k++) {
		size_t i = d->order[k];
		const struct request *req = &s->requests[i];
		struct take_list found = { 0 };
		s->work++;
		d->is_placed[i] = !is_full[s->shape[i]] &&
			spot_find(s->solver, &room, req, req->scope, is_packing, &found, &s->work);
		if (d->is_placed[i]) {
			room_take(s->solver, &room, &found);
			d->weight += s->weight[i];
		} else {
			is_full[s->shape[i]] = true;
		}
		found.is_found = d->is_placed[i];
		if (takes)
			takes[i] = found;
		else
			free(found.v);
	}
	room_done(&room);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

/* A neighbour of the order: a refused VM goes somewhere before its place, or two change places. */
static void perturb(
	const struct search *s, const struct decoded *from, size_t *order, uint64_t *rng)
{
	memcpy(order, from->order, s->n * sizeof *order);
	size_t n_refused = 0;
	for (size_t k = 0; k < s->n; k++)
		n_refused += !from->is_placed[order[k]];
	size_t pick = next_random(rng) % (n_refused + n_refused / 2 + 1), at = 0;
	for (size_t k = 0, seen = 0; k < s->n; k++)
		if (!from->is_placed[order[k]] && seen++ == pick % (n_refused ? n_refused : 1))
			at = k;
	if (pick < n_refused && at > 0) {
		size_t to = next_random(rng) % at, moved = order[at];
		memmove(order + to + 1, order + to, (at - to) * sizeof *order);
		order[to] = moved;
		return;
	}
	size_t x = next_random(rng) % s->n, y = next_random(rng) % s->n, old = order[x];
	order[x] = order[y];
	order[y] = old;
}

static void improve(struct search *s, struct decoded *best, long bound)
{
	uint64_t rng = 0x9e3779b97f4a7c15u;
	AUTO_FREE size_t *order = xcalloc(s->n + 1, sizeof *order);
	AUTO_FREE bool *is_placed = xcalloc(s->n + 1, sizeof *is_placed);
	for (int step = 0; step < SEARCH_STEPS && s->work < SEARCH_WORK && best->weight < bound;
		step++) {
		struct decoded next = { order, is_placed, 0 };
		perturb(s, best, order, &rng);
		decode(s, &next, true, NULL);
		if (next.weight < best->weight)
			continue;
		best->weight = next.weight;
		memcpy(best->order, order, s->n * sizeof *order);
		memcpy(best->is_placed, is_placed, s->n * sizeof *is_placed);
	}
}

struct by_weight {
	size_t i;
	int weight;
};

static int compare_weight(const void *a, const void *b)
{
	const struct by_weight *x = a, *y = b;
	if (x->weight != y->weight)
		return y->weight - x->weight;
	return x->i < y->i ? -1 : 1;
}

static void first_order(const struct search *s, size_t *order)
{
	AUTO_FREE struct by_weight *v = xcalloc(s->n + 1, sizeof *v);
	for (size_t i = 0; i < s->n; i++)
		v[i] = (struct by_weight){ .i = i, .weight = s->weight[i] };
	qsort(v, s->n, sizeof *v, compare_weight);
	for (size_t i = 0; i < s->n; i++)
		order[i] = v[i].i;
}

static void number_shapes(const struct search *s, int *shape)
{
	int n_shapes = 0;
	for (size_t i = 0; i < s->n; i++) {
		shape[i] = -1;
		for (size_t k = 0; k < i && shape[i] < 0; k++)
			if (is_alike(&s->requests[i], &s->requests[k]))
				shape[i] = shape[k];
		if (shape[i] < 0)
			shape[i] = n_shapes++;
	}
}

static void solve_batch(struct search *s, struct take_list *takes)
{
	AUTO_FREE int *shape = xcalloc(s->n + 1, sizeof *shape);
	AUTO_FREE int *weight = xcalloc(s->n + 1, sizeof *weight);
	AUTO_FREE size_t *order = xcalloc(s->n + 1, sizeof *order);
	AUTO_FREE bool *is_placed = xcalloc(s->n + 1, sizeof *is_placed);
	long asked = 0, n_free = 0;
	for (size_t k = 0; k < s->solver->n_cells; k++)
		n_free += s->start.cores[k];
	s->shape = shape;
	s->weight = weight;
	number_shapes(s, shape);
	for (size_t i = 0; i < s->n; i++) {
		weight[i] = solver_weight(s->solver, &s->requests[i]);
		asked += weight[i];
	}
	struct decoded d = { order, is_placed, 0 };
	first_order(s, order);
	decode(s, &d, false, NULL);
	long first = d.weight, packed = 0;
	if (first < asked) {
		decode(s, &d, true, NULL);
		packed = d.weight;
		improve(s, &d, asked < n_free ? asked : n_free);
	}
	bool is_better = d.weight > first && d.weight > packed;
	if (!is_better) /* then the order that says more to people */
		first_order(s, order);
	decode(s, &d, is_better || packed > first, takes);
}

void solve(const struct solver *solver, const struct request *requests, size_t n, const int *open,
	struct take_list *takes)
{
	AUTO_FREE int *owner = xcalloc(solver->inv->n_cores + 1, sizeof *owner);
	for (size_t i = 0; i < solver->inv->n_cores; i++)
		owner[i] = solver->inv->cores[i].owner;
	struct search s = { .solver = solver, .requests = requests, .n = n };
	s.start = room_of(solver, owner, NOBODY);
	memcpy(s.start.open, open, solver->n_cells * sizeof *open);
	if (n)
		solve_batch(&s, takes);
	room_done(&s.start);
}
