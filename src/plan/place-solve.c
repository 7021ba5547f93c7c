/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * solve(): the requests of all VMs against the inventory.
 *
 * They are given their spots one after the other (place-spot.c) in a few orders and by a few fits:
 * first by decreasing weight and as is best for each, and when that does not place all of them, so
 * that little room is left over. From the best of these a search goes on (place-search.c) until
 * nothing is refused, nothing better can be (the bound), or a fixed amount of work is done: the
 * same input gives the same spots. In the end each VM may go to where it is better off without
 * costing anybody a place. What has a claim in force is not part of it: see place.c.
 */
#include <string.h>

#include "base/alloc.h"
#include "plan/place-search.h"

/* A unit is about 15 ns: 10 ms at most on small hosts, twice that on the largest. */
enum { EXACT_VMS = 40, EXACT_STEPS = 20000 };
enum { WORK_PER_VM = 20000, WORK_MAX = 180000, WORK_PER_CELL = 12000 };

bool place_is_alike(const struct request *a, const struct request *b)
{
	if (a->view != b->view || a->scope != b->scope || a->wish.cores != b->wish.cores ||
		a->wish.place != b->wish.place || a->needs_helper != b->needs_helper ||
		a->n_groups != b->n_groups || a->n_cpus != b->n_cpus ||
		a->bind.kib != b->bind.kib || a->bind.pool != b->bind.pool ||
		a->bind.there_kib != b->bind.there_kib || a->helper_view != b->helper_view ||
		a->is_near_first != b->is_near_first || a->rest_kib != b->rest_kib ||
		a->n_parts != b->n_parts || !cpuset_equal(&a->near_nodes, &b->near_nodes) ||
		!cpuset_equal(&a->memory_nodes, &b->memory_nodes))
		return false;
	for (size_t i = 0; i < a->n_groups; i++)
		if (a->groups[i].n != b->groups[i].n || a->groups[i].part != b->groups[i].part)
			return false;
	for (size_t i = 0; i < a->n_parts; i++)
		if (!cpuset_equal(&a->parts[i].nodes, &b->parts[i].nodes))
			return false;
	return true;
}

static void number_shapes(const struct search *s, int *shape)
{
	AUTO_FREE size_t *first = xcalloc(s->n + 1, sizeof *first); /* of each shape */
	int n_shapes = 0;
	for (size_t i = 0; i < s->n; i++) {
		shape[i] = -1;
		for (int k = 0; k < n_shapes && shape[i] < 0; k++)
			if (place_is_alike(&s->requests[i], &s->requests[first[k]]))
				shape[i] = k;
		if (shape[i] >= 0)
			continue;
		first[n_shapes] = i;
		shape[i] = n_shapes++;
	}
}

/* ---- orders ---- */

struct by_key {
	size_t i;
	double key;
};

static int compare_key(const void *a, const void *b)
{
	const struct by_key *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? 1 : -1;
	return x->i < y->i ? -1 : 1;
}

/* By decreasing weight, or by how much of it comes with a GiB. */
static void make_order(const struct search *s, bool is_by_density, size_t *order)
{
	AUTO_FREE struct by_key *v = xcalloc(s->n + 1, sizeof *v);
	for (size_t i = 0; i < s->n; i++) {
		double kib = is_by_density ? (double)s->requests[i].bind.kib : 1;
		v[i] = (struct by_key){ i, s->weight[i] / (kib + 1) };
	}
	qsort(v, s->n, sizeof *v, compare_key);
	for (size_t i = 0; i < s->n; i++)
		order[i] = v[i].i;
}

/* ---- what cannot be exceeded ---- */

static long cpus_of(const struct request *req)
{
	long n = req->needs_helper;
	for (size_t g = 0; g < req->n_groups; g++)
		n += (long)req->groups[g].n;
	return n;
}

/* All cores that anybody has a use for. VMs that share cores have a weight of whole ones. */
static long bound_by_cores(const struct search *s)
{
	long n = 0;
	for (size_t k = 0; k < s->solver->n_cells; k++) {
		int most = 0;
		for (size_t i = 0; i < s->n; i++) {
			const struct request *req = &s->requests[i];
			int capacity = cell_capacity(&s->solver->cells[k], req);
			int n_vms = req->wish.cores == CORES_THREAD ? capacity : capacity > 0;
			most = n_vms > most ? n_vms : most;
		}
		n += (long)most * s->start.cores[k] + s->start.open[k];
	}
	return n;
}

/* CPUs, where not all cores have as many: whatever cores it has, a VM has no fewer than it needs.
 */
static long bound_by_cpus(const struct search *s)
{
	AUTO_FREE struct by_key *v = xcalloc(s->n + 1, sizeof *v);
	long left = 0;
	double sum = 0;
	for (size_t k = 0; k < s->solver->n_cells; k++) {
		const struct cell *c = &s->solver->cells[k];
		int most = 0;
		for (size_t i = 0; i < s->n; i++)
			most = c->usable[s->requests[i].helper_view] > most
				? c->usable[s->requests[i].helper_view]
				: most;
		left += (long)most * s->start.cores[k] + s->start.open[k];
	}
	for (size_t i = 0; i < s->n; i++)
		v[i] = (struct by_key){ i,
			s->weight[i] / ((double)cpus_of(&s->requests[i]) + 1e-9) };
	qsort(v, s->n, sizeof *v, compare_key);
	for (size_t k = 0; k < s->n; k++) {
		long need = cpus_of(&s->requests[v[k].i]);
		double part = need > left ? (double)left / (double)need : 1;
		left -= need > left ? left : need;
		sum += part * s->weight[v[k].i];
	}
	return (long)(sum + 1e-6);
}

/* The memory of the whole host in one piece, and VMs that may be cut into parts. */
static long bound_by_memory(const struct search *s)
{
	AUTO_FREE size_t *order = xcalloc(s->n + 1, sizeof *order);
	AUTO_FREE double *left = xcalloc(s->solver->inv->n_pools + 1, sizeof *left);
	size_t n_nodes = s->solver->inv->s->n_nodes;
	double sum = 0;
	for (size_t i = 0; i < s->solver->inv->n_pools * n_nodes; i++)
		left[i / n_nodes] += (double)s->start.memory_kib[i];
	make_order(s, true, order);
	for (size_t k = 0; k < s->n; k++) {
		const struct bind *bind = &s->requests[order[k]].bind;
		double need = (double)bind->kib, part = 1;
		if (need <= 0 || bind->there_kib) {
			sum += s->weight[order[k]];
			continue;
		}
		if (need > left[bind->pool])
			part = left[bind->pool] / need;
		left[bind->pool] -= part * need;
		sum += part * s->weight[order[k]];
	}
	return (long)(sum + 1e-6);
}

/* ---- all of it ---- */

static struct state state_new(const struct search *s)
{
	struct state st = { .takes = xcalloc(s->n + 1, sizeof *st.takes) };
	st.room = room_copy(s->solver, &s->start);
	return st;
}

static void state_done(struct search *s, struct state *st)
{
	for (size_t i = 0; st->takes && i < s->n; i++)
		free(st->takes[i].v);
	free(st->takes);
	room_done(&st->room);
}

/* Keeps the better of the two in st, the old one where they are equal; the other is gone. */
static void keep_better(struct search *s, struct state *st, struct state *other)
{
	bool is_better = other->weight > st->weight;
	struct state worse = is_better ? *st : *other;
	if (is_better)
		*st = *other;
	state_done(s, &worse);
}

static struct state try_order(struct search *s, const size_t *order, enum fit fit)
{
	struct state st = state_new(s);
	search_insert(s, &st, order, s->n, fit);
	return st;
}

/* One after the other goes to where it is best off in what is left. */
static void settle(struct search *s, struct state *st, const size_t *order)
{
	for (size_t k = 0; k < s->n; k++) {
		struct take_list *takes = &st->takes[order[k]], old = *takes;
		bool is_shared = false;
		array_for_each (t, &old)
			is_shared |= t->n_open || t->n_left;
		if (!old.is_found || is_shared)
			continue;
		room_give(&st->room, &old);
		st->weight -= s->weight[order[k]];
		*takes = (struct take_list){ 0 };
		search_insert(s, st, &order[k], 1, FIT_KIND);
		if (takes->is_found) {
			free(old.v);
			continue;
		}
		*takes = old;
		room_take(&st->room, takes);
		st->weight += s->weight[order[k]];
	}
}

/* Whoever is refused, and would fit by now: the others have moved since. */
static void insert_refused(struct search *s, struct state *st, const size_t *order)
{
	AUTO_FREE size_t *refused = xcalloc(s->n + 1, sizeof *refused);
	long weight;
	do {
		size_t n = 0;
		weight = st->weight;
		for (size_t k = 0; k < s->n; k++)
			if (!st->takes[order[k]].is_found)
				refused[n++] = order[k];
		search_insert(s, st, refused, n, FIT_KIND);
	} while (st->weight > weight); /* one with cores = thread may have opened cores */
}

/* For when the first try has refused some: the best that can be found. */
static void solve_tight(struct search *s, struct state *st, const size_t *order)
{
	AUTO_FREE size_t *dense = xcalloc(s->n + 1, sizeof *dense);
	long bound = bound_by_cores(s), by_cpus = bound_by_cpus(s), by_memory = bound_by_memory(s);
	bound = by_cpus < bound ? by_cpus : bound;
	bound = by_memory < bound ? by_memory : bound;
	make_order(s, true, dense);
	struct state best = try_order(s, order, FIT_KIND);
	struct state tight = try_order(s, order, FIT_TIGHT);
	struct state even = try_order(s, dense, FIT_EVEN);
	keep_better(s, &best, &tight);
	keep_better(s, &best, &even);
	long work = (long)(s->n + 4) * WORK_PER_VM;
	long most = WORK_MAX + (long)s->solver->n_cells * WORK_PER_CELL;
	work = work < most ? work : most;
	work += s->work;
	s->is_plain = exact_is_plain(s);
	if (s->is_plain && best.weight < bound && s->n <= EXACT_VMS &&
		exact_improve(s, &best, NULL, 0, EXACT_STEPS) == EXACT_PROVEN)
		bound = best.weight;
	search_improve(s, &best, bound, work - s->work);
	if (best.weight > st->weight)
		settle(s, &best, order);
	keep_better(s, st, &best);
	insert_refused(s, st, order);
}

static void solve_batch(struct search *s, struct take_list *takes)
{
	AUTO_FREE int *shape = xcalloc(s->n + 1, sizeof *shape);
	AUTO_FREE int *weight = xcalloc(s->n + 1, sizeof *weight);
	AUTO_FREE int *least = xcalloc(s->n + 1, sizeof *least);
	AUTO_FREE size_t *order = xcalloc(s->n + 1, sizeof *order);
	long asked = 0;
	s->shape = shape;
	s->weight = weight;
	s->least = least;
	number_shapes(s, shape);
	for (size_t i = 0; i < s->n; i++) {
		weight[i] = solver_weight(s->solver, &s->requests[i]);
		asked += weight[i];
		least[i] = s->requests[i].wish.cores == CORES_THREAD
			? 0
			: weight[i] - s->requests[i].needs_helper;
		s->has_open |= s->requests[i].wish.cores == CORES_THREAD;
	}
	make_order(s, false, order);
	struct state st = try_order(s, order, FIT_KIND);
	if (st.weight < asked)
		solve_tight(s, &st, order);
	for (size_t i = 0; i < s->n; i++) {
		takes[i] = st.takes[i];
		st.takes[i].v = NULL;
	}
	state_done(s, &st);
}

void solve_in(const struct solver *solver, const struct room *room, const struct request *requests,
	size_t n, struct take_list *takes)
{
	struct search s = { .solver = solver, .requests = requests, .n = n };
	s.start = room_copy(solver, room);
	if (n)
		solve_batch(&s, takes);
	room_done(&s.start);
}

void solve(const struct solver *solver, const struct request *requests, size_t n, const int *open,
	struct take_list *takes)
{
	AUTO_FREE int *owner = xcalloc(solver->inv->n_cores + 1, sizeof *owner);
	for (size_t i = 0; i < solver->inv->n_cores; i++)
		owner[i] = solver->inv->cores[i].owner;
	struct room room = room_of(solver, owner, NOBODY);
	memcpy(room.open, open, solver->n_cells * sizeof *open);
	solve_in(solver, &room, requests, n, takes);
	room_done(&room);
}
