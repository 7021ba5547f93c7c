/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Branch and bound over counts: which VM goes to which L3 or node, of some L3s or of all. Which
 * cores of an L3 a VM has does not matter as long as all of them are as good for everybody, and
 * what may lie anywhere in a node (helpers, VMs of the scope of a node) only needs to be counted
 * there. What cannot lead to the weight looked for is left out: by what is left to be asked for, by
 * the sums that VMs can fill a node with, and by memory. Parts and VMs that are alike are tried
 * once.
 */
#include <string.h>

#include "base/alloc.h"
#include "plan/place-exact.h"

/* ---- what it is made of ---- */

bool exact_is_plain(struct search *s)
{
	const struct solver *solver = s->solver;
	if (s->has_open || !solver->inv->s->n_l3s || solver->inv->s->n_nodes > NODES_MAX ||
		solver->inv->n_pools > POOLS_MAX)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		const struct request *req = &s->requests[i];
		int capacity = 0;
		if (req->wish.cores == CORES_SHARED || req->bind.there_kib)
			return false;
		for (size_t k = 0; k < solver->n_cells; k++) {
			const struct cell *c = &solver->cells[k];
			int here = cell_capacity(c, req);
			if (!s->start.cores[k])
				continue;
			/* All that is of use to one is of use, and as good, to all. */
			if (c->usable[req->view] != c->usable[s->requests[0].view] ||
				c->usable[req->helper_view] != c->usable[req->view] ||
				(here &&
					(c->l3 < 0 || c->node < 0 ||
						c->node != solver->inv->s->l3s[c->l3].node)) ||
				(here && capacity && here != capacity))
				return false;
			capacity = here ? here : capacity;
		}
		int n = req->needs_helper;
		for (size_t g = 0; capacity && g < req->n_groups; g++)
			n += ((int)req->groups[g].n + capacity - 1) / capacity;
		if (capacity && n != s->weight[i])
			return false;
	}
	return s->n > 0;
}

static bool is_of_use(const struct search *s, int cell)
{
	return cell_capacity(&s->solver->cells[cell], &s->requests[0]) > 0;
}

static void add_bins(struct exact *x, const bool *is_chosen)
{
	const struct solver *solver = x->s->solver;
	const struct room *room = &x->st->room;
	for (int n = 0; n < x->n_nodes; n++)
		for (int l3 = 0; l3 < (int)solver->inv->s->n_l3s; l3++) {
			if ((is_chosen && !is_chosen[l3]) || solver->inv->s->l3s[l3].node != n ||
				x->n_bins == BINS_MAX)
				continue;
			struct bin *b = &x->bins[x->n_bins++];
			*b = (struct bin){ .l3 = l3, .node = n };
			array_for_each (k, &solver->domains[SCOPE_L3][l3])
				b->left += is_of_use(x->s, *k) ? room->cores[*k] : 0;
		}
}

static bool is_alike(const struct exact *x, int a, int b)
{
	int bins_a[BINS_MAX] = { 0 }, bins_b[BINS_MAX] = { 0 }, n_a = 0, n_b = 0;
	for (int i = 0; i < x->n_bins; i++) {
		if (x->bins[i].node == a)
			bins_a[n_a++] = x->bins[i].left;
		if (x->bins[i].node == b)
			bins_b[n_b++] = x->bins[i].left;
	}
	bool is_same = x->left[a] == x->left[b] && n_a == n_b &&
		memcmp(bins_a, bins_b, (size_t)n_a * sizeof *bins_a) == 0;
	for (int pool = 0; pool < x->n_pools; pool++)
		is_same &= x->kib[pool * x->n_nodes + a] == x->kib[pool * x->n_nodes + b];
	return is_same;
}

/* Only nodes with a chosen L3 count; in these, all that is left. */
static void add_nodes(struct exact *x)
{
	const struct solver *solver = x->s->solver;
	const struct room *room = &x->st->room;
	for (int n = 0; n < x->n_nodes; n++) {
		bool is_in = false;
		for (int i = 0; i < x->n_bins; i++)
			is_in |= x->bins[i].node == n;
		if (is_in)
			array_for_each (k, &solver->domains[SCOPE_NODE][n])
				x->left[n] += is_of_use(x->s, *k) ? room->cores[*k] : 0;
		x->left_all += x->left[n];
		for (int pool = 0; pool < x->n_pools; pool++) {
			int64_t *kib = &x->kib[pool * x->n_nodes + n];
			*kib = is_in ? room->memory_kib[pool * x->n_nodes + n] : 0;
			x->kib_all[pool] += *kib;
		}
	}
	for (int n = 0; n < x->n_nodes; n++) {
		x->like[n] = n;
		for (int m = n - 1; m >= 0; m--)
			if (is_alike(x, m, n))
				x->like[n] = m;
	}
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	if ((x->scope > SCOPE_NODE) != (y->scope > SCOPE_NODE))
		return x->scope > SCOPE_NODE ? -1 : 1;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	if (x->scope != y->scope)
		return x->scope > y->scope ? -1 : 1;
	if (x->helper != y->helper)
		return x->helper > y->helper ? -1 : 1;
	if (x->pool != y->pool)
		return x->pool < y->pool ? -1 : 1;
	if (x->kib != y->kib)
		return x->kib > y->kib ? -1 : 1;
	return x->i < y->i ? -1 : 1;
}

static bool is_twin(const struct item *a, const struct item *b)
{
	return a->weight == b->weight && a->scope == b->scope && a->helper == b->helper &&
		a->pool == b->pool && a->kib == b->kib;
}

static bool is_denser(const struct item *a, const struct item *b)
{
	return (double)a->weight * (double)(b->kib + 1) > (double)b->weight * (double)(a->kib + 1);
}

static void sort_items(struct exact *x)
{
	qsort(x->items, x->n, sizeof *x->items, compare_items);
	for (size_t k = 0; k < x->n; k++) {
		size_t at = k;
		x->items[k].is_twin = k && is_twin(&x->items[k], &x->items[k - 1]);
		x->has_memory |= x->items[k].kib > 0;
		for (; at > 0 && is_denser(&x->items[k], &x->items[x->dense[at - 1]]); at--)
			x->dense[at] = x->dense[at - 1];
		x->dense[at] = k;
	}
	x->sums[x->n] = 1;
	for (size_t k = x->n; k-- > 0;) {
		const struct item *it = &x->items[k];
		x->rest[k] = x->rest[k + 1] + it->weight;
		x->spans[k] = x->spans[k + 1] || it->scope > SCOPE_NODE;
		x->sums[k] =
			x->sums[k + 1] | (it->weight <= SUM_MAX ? x->sums[k + 1] << it->weight : 0);
	}
}

static void add_item(struct exact *x, size_t i)
{
	const struct request *req = &x->s->requests[i];
	x->items[x->n++] = (struct item){
		.i = i,
		.cores = x->s->weight[i] - req->needs_helper,
		.helper = req->needs_helper,
		.weight = x->s->weight[i],
		.scope = req->scope,
		.pool = req->bind.pool,
		.kib = (int64_t)req->bind.kib,
	};
}

/* ---- and back ---- */

static bool take_helper(struct exact *x, const struct item *it, int node)
{
	struct take_list *takes = &x->st->takes[it->i];
	int best = -1;
	array_for_each (k, &x->s->solver->domains[SCOPE_NODE][node])
		if (is_of_use(x->s, *k) && x->st->room.cores[*k] > 0 && best < 0)
			best = *k;
	if (best < 0)
		return false;
	room_give(&x->st->room, takes);
	*array_push(takes) = (struct take){ .cell = best, .n_cores = 1, .is_helper = true };
	room_take(&x->st->room, takes);
	return true;
}

/* From the cells of the node so many cores. */
static void take_cores(struct exact *x, struct take_list *takes, int node, int cores)
{
	array_for_each (k, &x->s->solver->domains[SCOPE_NODE][node]) {
		int here = is_of_use(x->s, *k) ? x->st->room.cores[*k] : 0;
		here = here < cores ? here : cores;
		if (here)
			*array_push(takes) = (struct take){ .cell = *k, .n_cores = here };
		cores -= here;
	}
}

static bool put_spanning(struct exact *x, const struct item *it)
{
	const struct room *room = &x->st->room;
	struct take_list *takes = &x->st->takes[it->i];
	int left[NODES_MAX] = { 0 }, cores[NODES_MAX], node = -1;
	int64_t kib[NODES_MAX];
	for (int n = 0; n < x->n_nodes; n++) {
		kib[n] = room->memory_kib[it->pool * (size_t)x->n_nodes + (size_t)n];
		array_for_each (k, &x->s->solver->domains[SCOPE_NODE][n])
			left[n] += is_of_use(x->s, *k) ? room->cores[*k] : 0;
	}
	if (!exact_spread(x, it, left, kib, cores))
		return false;
	for (int n = 0; n < x->n_nodes; n++) {
		take_cores(x, takes, n, cores[n]);
		node = left[n] > 0 ? n : node;
	}
	if (!room_bind(x->s->solver, room, &x->s->requests[it->i], takes))
		return false;
	takes->is_found = true;
	room_take(&x->st->room, takes);
	x->st->weight += it->weight;
	return !it->helper || (node >= 0 && take_helper(x, it, node));
}

static bool put(struct exact *x, const struct item *it, int at)
{
	struct request req = x->s->requests[it->i];
	struct take_list *takes = &x->st->takes[it->i];
	int domain = req.scope == SCOPE_L3 ? x->bins[at].l3 : at;
	req.needs_helper = false;
	if (!spot_in(x->s->solver, &x->st->room, &req, req.scope, domain, FIT_TIGHT, takes))
		return false;
	takes->is_found = true;
	room_take(&x->st->room, takes);
	x->st->weight += it->weight;
	return true;
}

/* L3s first, then what may lie anywhere in a node, in the end what spans them. */
static bool realise(struct exact *x)
{
	for (enum scope scope = SCOPE_L3; scope <= SCOPE_NODE; scope++)
		for (size_t k = 0; k < x->n; k++)
			if (x->best[k] != REFUSED && x->items[k].scope == scope &&
				!put(x, &x->items[k], x->best[k]))
				return false;
	for (size_t k = 0; k < x->n; k++) {
		const struct item *it = &x->items[k];
		if (x->best[k] == REFUSED || it->scope > SCOPE_NODE || !it->helper)
			continue;
		int node = it->scope == SCOPE_L3 ? x->bins[x->best[k]].node : x->best[k];
		if (!take_helper(x, it, node))
			return false;
	}
	for (size_t k = 0; k < x->n; k++)
		if (x->best[k] != REFUSED && x->items[k].scope > SCOPE_NODE &&
			!put_spanning(x, &x->items[k]))
			return false;
	return true;
}

static void take_out(struct exact *x, size_t i, struct take_list *old)
{
	struct take_list *takes = &x->st->takes[i];
	if (takes->is_found) {
		room_give(&x->st->room, takes);
		x->st->weight -= x->s->weight[i];
	}
	*old = *takes;
	*takes = (struct take_list){ 0 };
}

static void finish(struct exact *x, struct take_list *old, bool is_better)
{
	for (size_t k = 0; k < x->n; k++) {
		struct take_list *takes = &x->st->takes[x->items[k].i];
		struct take_list *gone = is_better ? &old[x->items[k].i] : takes;
		if (!is_better && takes->is_found) {
			room_give(&x->st->room, takes);
			x->st->weight -= x->s->weight[x->items[k].i];
		}
		free(gone->v);
		if (is_better)
			continue;
		*takes = old[x->items[k].i];
		if (takes->is_found) {
			room_take(&x->st->room, takes);
			x->st->weight += x->s->weight[x->items[k].i];
		}
	}
}

/* All of its cores are in L3s that are chosen. */
static bool is_inside(const struct exact *x, size_t i, const bool *is_chosen)
{
	const struct take_list *takes = &x->st->takes[i];
	bool is_in = true;
	if (!is_chosen)
		return true;
	if (x->s->requests[i].scope > SCOPE_NODE)
		return false;
	array_for_each (t, takes)
		is_in &= t->is_helper || is_chosen[x->s->solver->cells[t->cell].l3];
	return is_in;
}

enum exact_end exact_improve(
	struct search *s, struct state *st, const bool *is_chosen, size_t from, long steps)
{
	size_t n_pools = s->solver->inv->n_pools, n_nodes = s->solver->inv->s->n_nodes;
	AUTO_FREE struct take_list *old = xcalloc(s->n + 1, sizeof *old);
	AUTO_FREE int64_t *kib = xcalloc((n_nodes + 1) * (n_pools + 1), sizeof *kib);
	AUTO_FREE struct exact *x = xcalloc(1, sizeof *x);
	*x = (struct exact){ .s = s, .st = st, .n_nodes = (int)n_nodes, .n_pools = (int)n_pools };
	x->kib = kib;
	x->kib_all = kib + n_nodes * n_pools;
	x->steps = steps;
	long weight = st->weight;
	bool is_all = true;
	for (int is_found = 1; is_found >= 0; is_found--) /* the refused come last */
		for (size_t k = 0; k < s->n; k++) {
			size_t i = from + k < s->n ? from + k : from + k - s->n;
			if (st->takes[i].is_found != is_found || !is_inside(x, i, is_chosen))
				continue;
			is_all &= x->n < ITEMS_MAX;
			if (x->n < ITEMS_MAX)
				add_item(x, i);
		}
	for (size_t k = 0; k < x->n; k++)
		take_out(x, x->items[k].i, &old[x->items[k].i]);
	add_bins(x, is_chosen);
	is_all &= x->n_bins < BINS_MAX;
	add_nodes(x);
	sort_items(x);
	x->target = (int)(weight - st->weight) + 1;
	long before = x->steps;
	exact_descend(x, 0);
	s->work += (before - x->steps) * 6 + (long)s->n + (long)x->n * 8 + (long)s->solver->n_cells;
	bool is_better = x->is_found && realise(x);
	finish(x, old, is_better);
	if (x->steps >= 0 && !is_chosen && is_all && (is_better || !x->is_found))
		return EXACT_PROVEN;
	return is_better ? EXACT_BETTER : EXACT_NONE;
}
