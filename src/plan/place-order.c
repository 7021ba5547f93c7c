/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In what order VMs that are planned together get their places. Priorities come one after the
 * other, so that a VM never is in the way of one of a higher. Of one priority, all are one batch
 * but those that must be apart from others: where these are counts, and each has a turn of its
 * own. At first their turns come last; where somebody is refused then, those that were refused
 * come first, and then any order is tried, until all have a place or those that have none would
 * have none at all. Where a group then has no CPU for QEMU's other threads, one is spared.
 */
#include "plan/place.h"

#include <string.h>

#include "base/alloc.h"

/* That are tried; and with more VMs than these. */
enum { ORDERS_MAX = 12, FEW_VMS = 32, ORDERS_OF_MANY = 4 };

struct turn {
	const struct request *req;
	int weight;
};

static int by_turn(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;
	if (x->req->wish.priority != y->req->wish.priority)
		return x->req->wish.priority > y->req->wish.priority ? -1 : 1;
	if (x->req->is_alone != y->req->is_alone)
		return x->req->is_alone ? 1 : -1;
	if (x->req->is_alone && x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->req < y->req ? -1 : 1;
}

void place_put_in_order(void *v, size_t size, size_t n, size_t *order)
{
	char *at = v;
	AUTO_FREE char *first = xmalloc(size);
	for (size_t i = 0; i < n; i++) {
		size_t to = i;
		memcpy(first, at + i * size, size);
		for (size_t from; (from = order[to]) != i; to = from) {
			memcpy(at + to * size, at + from * size, size);
			order[to] = to;
		}
		memcpy(at + to * size, first, size);
		order[to] = to;
	}
}

/* ---- one batch ---- */

bool place_found(struct planner *p, struct request *req, const struct spot *spot)
{
	struct placement pl = place_fill(p, req, spot);
	return place_made(p, req, &pl);
}

bool place_unbind(struct request *requests, size_t n)
{
	bool is_any = false;
	for (size_t i = 0; i < n; i++) {
		if (!requests[i].bind.kib || !requests[i].is_refused)
			continue;
		requests[i].bind = (struct bind){ 0 };
		is_any = true;
	}
	return is_any;
}

static void place_batch(struct planner *p, struct request *requests, size_t n);

/* Another try for those that found nothing, since others have given theirs back. */
static void place_rest(struct planner *p, struct request *requests, size_t n)
{
	AUTO_FREE struct request *rest = xcalloc(n + 1, sizeof *rest);
	size_t n_rest = 0;
	for (size_t i = 0; i < n; i++)
		if (requests[i].is_refused)
			rest[n_rest++] = requests[i];
	if (n_rest)
		place_batch(p, rest, n_rest);
	for (size_t i = 0, k = 0; i < n; i++)
		if (requests[i].is_refused)
			requests[i] = rest[k++];
}

static void place_batch(struct planner *p, struct request *requests, size_t n)
{
	size_t n_cells = p->solver->n_cells, n_given_back = 0;
	AUTO_FREE int *open = xcalloc(n_cells + 1, sizeof *open);
	AUTO_FREE struct cpuset *opened = xcalloc(n_cells + 1, sizeof *opened);
	AUTO_FREE struct take_list *takes = xcalloc(n + 1, sizeof *takes);
	AUTO_FREE struct spot *spots = xcalloc(n + 1, sizeof *spots);
	place_opened(p, open, opened);
	solve(p->solver, requests, n, open, takes);
	place_deal(p, requests, n, takes, false, opened, spots);
	for (size_t i = 0; i < n; i++) {
		requests[i].is_refused = !takes[i].is_found;
		if (takes[i].is_found)
			n_given_back += !place_found(p, &requests[i], &spots[i]);
		free(takes[i].v);
	}
	if (place_unbind(requests, n) || n_given_back)
		place_rest(p, requests, n);
}

/* ---- one order ---- */

/* The planner as it was before any of them had a place. */
struct before {
	struct request *requests;
	int *owner; /* by core */
	int64_t *free_kib;
	size_t n_kib, n_owners, n_placed, n_refused;
};

static struct before before_of(const struct planner *p, const struct request *requests, size_t n)
{
	struct before b = { .n_kib = p->inv.n_pools * p->s->n_nodes,
		.n_owners = p->owners.n,
		.n_placed = p->out->n,
		.n_refused = p->out->refused.n };
	b.requests = xcalloc(n + 1, sizeof *b.requests);
	b.owner = xcalloc(p->inv.n_cores + 1, sizeof *b.owner);
	b.free_kib = xcalloc(b.n_kib + 1, sizeof *b.free_kib);
	memcpy(b.requests, requests, n * sizeof *requests);
	for (size_t i = 0; i < p->inv.n_cores; i++)
		b.owner[i] = p->inv.cores[i].owner;
	for (size_t i = 0; i < b.n_kib; i++)
		b.free_kib[i] = p->inv.free_kib[i];
	return b;
}

static void before_done(struct before *b)
{
	free(b->requests);
	free(b->owner);
	free(b->free_kib);
}

static void go_back(struct planner *p, const struct before *b, struct request *requests, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (requests[i].self != NOBODY)
			inventory_forget_owner(p, requests[i].vm);
	memcpy(requests, b->requests, n * sizeof *requests);
	for (size_t i = 0; i < p->inv.n_cores; i++)
		p->inv.cores[i].owner = b->owner[i];
	for (size_t i = 0; i < b->n_kib; i++)
		p->inv.free_kib[i] = b->free_kib[i];
	p->owners.n = b->n_owners;
	p->out->n = b->n_placed;
	p->out->refused.n = b->n_refused;
}

static void renew_views(struct planner *p, struct request *requests, size_t n)
{
	size_t n_views = p->views.n;
	for (size_t i = 0; i < n; i++)
		place_request_views(p, &requests[i]);
	if (p->views.n > n_views)
		place_renew_solver(p);
}

void place_keep_apart(struct planner *p, struct request *req)
{
	limits_of_others_apart(p, req);
	renew_views(p, req, 1);
}

/* The weight that was admitted, and with it how many. */
static long count_admitted(const struct planner *p, const struct request *requests, size_t n)
{
	long weight = 0, n_placed = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_placed = requests[i].self != NOBODY;
		weight += is_placed ? solver_weight(p->solver, &requests[i]) : 0;
		n_placed += is_placed;
	}
	return weight * ((long)n + 1) + n_placed;
}

/* As they stand. Returns what was admitted. */
static long place_in_order(struct planner *p, struct request *requests, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && !requests[i].is_alone && !requests[end].is_alone;
			end++)
			;
		if (requests[i].is_alone)
			place_keep_apart(p, &requests[i]);
		place_batch(p, &requests[i], end - i);
	}
	return count_admitted(p, requests, n);
}

/* ---- several ---- */

static bool is_any_alone(const struct request *requests, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (requests[i].is_alone)
			return true;
	return false;
}

/* Those that have no place come first. False: so they did, and none of them fits at all. */
static bool refused_first(const struct request *requests, size_t n, size_t *order)
{
	size_t at = 0;
	bool is_other = false;
	for (int has_place = 0; has_place < 2; has_place++)
		for (size_t i = 0; i < n; i++) {
			if ((requests[i].self != NOBODY) != has_place)
				continue;
			is_other |= i != at;
			order[at++] = i;
		}
	return is_other;
}

static void shuffle(size_t *order, size_t n, uint64_t *rng)
{
	for (size_t i = n; i > 1; i--) {
		*rng ^= *rng << 13;
		*rng ^= *rng >> 7;
		*rng ^= *rng << 17;
		size_t k = (*rng >> 11) % i, last = order[i - 1];
		order[i - 1] = order[k];
		order[k] = last;
	}
}

/* The order that admits most, the first of these, is left in b; they are placed by the last that
 * was tried. False: that was another. */
static bool try_orders(struct planner *p, struct before *b, struct request *requests, size_t n)
{
	AUTO_FREE struct request *best = xcalloc(n + 1, sizeof *best);
	AUTO_FREE size_t *order = xcalloc(n + 1, sizeof *order);
	int n_orders = !is_any_alone(requests, n) ? 1 : n > FEW_VMS ? ORDERS_OF_MANY : ORDERS_MAX;
	uint64_t rng = 0x9e3779b97f4a7c15u;
	long most = -1;
	for (int k = 1;; k++) {
		long admitted = place_in_order(p, requests, n);
		bool is_best = admitted > most;
		if (is_best) {
			memcpy(best, b->requests, n * sizeof *best);
			most = admitted;
		}
		if (!refused_first(requests, n, order) || k == n_orders) {
			memcpy(b->requests, best, n * sizeof *best);
			return is_best;
		}
		if (k > ORDERS_OF_MANY)
			shuffle(order, n, &rng);
		place_put_in_order(b->requests, sizeof *requests, n, order);
		go_back(p, b, requests, n);
	}
}

/* ---- a CPU for QEMU's other threads ---- */

/* Cores that are tried; and with more VMs than FEW_VMS. */
enum { SPARED_MAX = 16, SPARED_OF_MANY = 2, SPARED_ROUNDS = 3 };

/* A VM whose group leaves none beside all that is claimed: one that got its cores, or had to give
 * them back for that; NULL: there is no such. */
static const struct request *without_a_cpu(
	const struct planner *p, const struct request *requests, size_t n, bool is_placed)
{
	struct cpuset claimed = inventory_taken(p);
	for (size_t i = 0; i < n; i++) {
		const struct request *req = &requests[i];
		if (!req->limit || (req->self != NOBODY) != is_placed)
			continue;
		if (is_placed ? !place_leaves_a_cpu(
					p, req, p->owners.v[req->self].placement, &claimed)
			      : !req->is_refused)
			return req;
	}
	return NULL;
}

/* As they stand, without these CPUs, which who found nothing may have after all. Returns what was
 * admitted; -1: somebody's other threads have no CPU. */
static long place_sparing(
	struct planner *p, struct request *requests, size_t n, const struct cpuset *spared_cpus)
{
	const struct cpuset kept = p->kept_cpus;
	cpuset_add_all(&p->kept_cpus, spared_cpus);
	renew_views(p, requests, n);
	(void)place_in_order(p, requests, n);
	p->kept_cpus = kept;
	renew_views(p, requests, n);
	for (size_t i = 0; i < n; i++) {
		if (!requests[i].is_refused)
			continue;
		if (requests[i].is_alone)
			place_keep_apart(p, &requests[i]);
		place_batch(p, &requests[i], 1);
	}
	return without_a_cpu(p, requests, n, true) ? -1 : count_admitted(p, requests, n);
}

/* A core of each cell that the group has some of, and that nobody had before, so many at most.
 * Returns how many. */
static size_t list_spared(const struct planner *p, const struct before *b,
	const struct request *req, size_t most, size_t *ret)
{
	size_t n = 0;
	for (size_t i = p->inv.n_cores; i-- > 0 && n < most;) {
		const struct cpuset *cpus = p->inv.cores[i].cpus;
		int cell = p->solver->cell_of_core[i];
		size_t k = 0;
		while (k < n && p->solver->cell_of_core[ret[k]] != cell)
			k++;
		if (k == n && b->owner[i] == NOBODY &&
			cpuset_intersects(cpus, &req->allowed_cpus) &&
			!cpuset_intersects(cpus, &p->kept_cpus))
			ret[n++] = i;
	}
	return n;
}

/* The core without which most is admitted, if that is more; else -1. */
static int find_spared(struct planner *p, const struct before *b, struct request *requests,
	size_t n, const struct cpuset *spared_cpus, const struct request *needy, long *most)
{
	size_t cores[SPARED_MAX], n_tried = n > FEW_VMS ? SPARED_OF_MANY : SPARED_MAX,
				  n_cores = list_spared(p, b, needy, n_tried, cores);
	int best = -1;
	for (size_t k = 0; k < n_cores; k++) {
		struct cpuset cpus = cpuset_or(spared_cpus, p->inv.cores[cores[k]].cpus);
		go_back(p, b, requests, n);
		long admitted = place_sparing(p, requests, n, &cpus);
		if (admitted <= *most)
			continue;
		*most = admitted;
		best = (int)cores[k];
	}
	return best;
}

/* Where VMs of a group have taken all of its CPUs, or have not got any for that: they leave one,
 * if more is admitted by that. */
static void spare_a_cpu(
	struct planner *p, const struct before *b, struct request *requests, size_t n)
{
	struct cpuset spared = CPUSET_EMPTY;
	for (int round = 0; round < SPARED_ROUNDS; round++) {
		const struct request *placed = without_a_cpu(p, requests, n, true),
				     *needy =
					     placed ? placed : without_a_cpu(p, requests, n, false);
		if (!needy)
			return;
		long most = placed ? -1 : count_admitted(p, requests, n);
		const struct request of = *needy;
		int core = find_spared(p, b, requests, n, &spared, &of, &most);
		if (core >= 0)
			cpuset_add_all(&spared, p->inv.cores[core].cpus);
		go_back(p, b, requests, n);
		if (cpuset_is_empty(&spared))
			(void)place_in_order(p, requests, n);
		else
			(void)place_sparing(p, requests, n, &spared);
		if (core < 0)
			return;
	}
}

static bool is_any_limited(const struct request *requests, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (requests[i].limit)
			return true;
	return false;
}

static void place_equals(struct planner *p, struct request *requests, size_t n)
{
	if (!is_any_alone(requests, n) && !is_any_limited(requests, n)) {
		place_batch(p, requests, n);
		return;
	}
	CLEANUP(before_done) struct before b = before_of(p, requests, n);
	if (!try_orders(p, &b, requests, n)) {
		go_back(p, &b, requests, n);
		(void)place_in_order(p, requests, n);
	}
	spare_a_cpu(p, &b, requests, n);
}

void place_batches(struct planner *p, struct request *requests, size_t n)
{
	AUTO_FREE struct turn *turns = xcalloc(n + 1, sizeof *turns);
	AUTO_FREE size_t *order = xcalloc(n + 1, sizeof *order);
	for (size_t i = 0; i < n; i++) {
		requests[i].is_alone = place_has_apart(p, &requests[i], requests, n);
		turns[i] = (struct turn){ &requests[i], solver_weight(p->solver, &requests[i]) };
	}
	qsort(turns, n, sizeof *turns, by_turn);
	for (size_t i = 0; i < n; i++)
		order[i] = (size_t)(turns[i].req - requests);
	place_put_in_order(requests, sizeof *requests, n, order);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1;
			end < n && requests[end].wish.priority == requests[i].wish.priority; end++)
			;
		place_equals(p, &requests[i], end - i);
	}
	for (size_t i = 0; i < n; i++) /* what is told of it is of the end */
		if (requests[i].is_alone && requests[i].is_refused)
			place_keep_apart(p, &requests[i]);
}
