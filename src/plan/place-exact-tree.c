/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bounds and the tree of the branch and bound: see place-exact.c. */
#include <string.h>

#include "plan/place-exact.h"

/* ---- bounds ---- */

/* All nodes as full as any of the items from the k-th on can make them. */
static int most_by_sums(const struct exact *x, size_t k)
{
	int sum = 0;
	if (x->spans[k])
		return x->left_all;
	for (int n = 0; n < x->n_nodes; n++) {
		int left = x->left[n];
		sum += left > SUM_MAX
			? left
			: 63 - __builtin_clzll(x->sums[k] & (UINT64_MAX >> (SUM_MAX - left)));
	}
	return sum < x->left_all ? sum : x->left_all;
}

/* The memory of all nodes in one piece, and VMs that may be cut: is it enough for so much? */
static bool has_memory_for(const struct exact *x, size_t k, int need)
{
	double sum = 1e-6;
	int64_t left[POOLS_MAX];
	memcpy(left, x->kib_all, (size_t)x->n_pools * sizeof *left);
	for (size_t d = 0; d < x->n && sum < need; d++) {
		const struct item *it = &x->items[x->dense[d]];
		if (x->dense[d] < k)
			continue;
		if (it->kib <= left[it->pool]) {
			left[it->pool] -= it->kib;
			sum += it->weight;
		} else {
			sum += (double)it->weight * (double)left[it->pool] / (double)it->kib;
			left[it->pool] = 0;
		}
	}
	return sum >= need;
}

static bool may_reach(const struct exact *x, size_t k)
{
	int need = x->target - x->weight;
	return x->rest[k] >= need && most_by_sums(x, k) >= need &&
		(!x->has_memory || has_memory_for(x, k, need));
}

/* ---- the tree ---- */

static bool has_room(const struct exact *x, const struct item *it, int node)
{
	return x->left[node] >= it->cores + it->helper && x->left_all >= it->cores + it->helper &&
		x->kib[it->pool * (size_t)x->n_nodes + (size_t)node] >= it->kib &&
		x->kib_all[it->pool] >= it->kib;
}

/* sign: 1 takes, -1 gives back. */
static void count(struct exact *x, const struct item *it, int node, int sign)
{
	if (node >= 0) {
		x->left[node] -= sign * (it->cores + it->helper);
		x->kib[it->pool * (size_t)x->n_nodes + (size_t)node] -= sign * it->kib;
		x->n_items[node] += sign;
	}
	x->left_all -= sign * (it->cores + it->helper);
	x->kib_all[it->pool] -= sign * it->kib;
	x->weight += sign * it->weight;
}

static void go(struct exact *x, size_t k, int at, int node)
{
	x->at[k] = at;
	count(x, &x->items[k], node, 1);
	exact_descend(x, k + 1);
	count(x, &x->items[k], node, -1);
}

/* Of nodes that are alike and have nothing yet only the first counts. */
static bool is_again(const struct exact *x, int node)
{
	for (int n = 0; n < node && !x->n_items[node]; n++)
		if (x->like[n] == x->like[node] && !x->n_items[n])
			return true;
	return false;
}

/* The smallest of the options that fit, from 'left' on, and of those with just that much from
 * number 'first' on. */
static int next_option(const struct exact *x, size_t k, int from, int left, int first)
{
	const struct item *it = &x->items[k];
	bool is_l3 = it->scope == SCOPE_L3;
	int best = -1, best_left = 0;
	for (int o = from; o < (is_l3 ? x->n_bins : x->n_nodes); o++) {
		int node = is_l3 ? x->bins[o].node : o, here = is_l3 ? x->bins[o].left : x->left[o];
		if (here < it->cores || here < left || (here == left && o < first) ||
			(best >= 0 && here >= best_left) || !has_room(x, it, node) ||
			is_again(x, node))
			continue;
		bool is_same = false;
		for (int b = o - 1; is_l3 && b >= from && x->bins[b].node == node; b--)
			is_same |= x->bins[b].left == here;
		if (is_same)
			continue;
		best = o;
		best_left = here;
	}
	return best;
}

static void try_parts(struct exact *x, size_t k, int from)
{
	bool is_l3 = x->items[k].scope == SCOPE_L3;
	int left = 0, first = 0;
	for (;;) {
		int o = next_option(x, k, from, left, first);
		if (o < 0 || x->steps < 0)
			return;
		left = is_l3 ? x->bins[o].left : x->left[o];
		first = o + 1;
		if (is_l3)
			x->bins[o].left -= x->items[k].cores;
		go(x, k, o, is_l3 ? x->bins[o].node : o);
		if (is_l3)
			x->bins[o].left += x->items[k].cores;
	}
}

/* How a VM that spans nodes may lie: ret: cores by node. Memory comes from where it has cores: the
 * nodes with most of it are taken until cores and memory suffice. left, kib: of its pool, by node;
 * taken from. */
bool exact_spread(const struct exact *x, const struct item *it, int *left, int64_t *kib, int *ret)
{
	int cores = it->cores, n_in = 0, sum = 0;
	int64_t need = it->kib;
	memset(ret, 0, (size_t)x->n_nodes * sizeof *ret);
	while (sum < cores || need > 0) {
		int best = -1;
		for (int n = 0; n < x->n_nodes; n++) {
			bool is_better =
				best < 0 || (it->kib ? kib[n] > kib[best] : left[n] > left[best]);
			bool is_there = left[n] > 0 && (!it->kib || kib[n] > 0);
			best = is_there && !ret[n] && is_better ? n : best;
		}
		if (best < 0 || ++n_in > cores)
			return false;
		ret[best] = 1;
		sum += left[best];
		int64_t part = need < kib[best] ? need : kib[best];
		need -= part;
		kib[best] -= part;
	}
	for (int n = 0, more = cores - n_in; n < x->n_nodes; n++) {
		int part = !ret[n] ? 0 : more < left[n] - 1 ? more : left[n] - 1;
		ret[n] += part;
		more -= part;
		left[n] -= ret[n];
	}
	return true;
}

/* What spans nodes, of the first n, was only counted so far. */
static bool can_spread(const struct exact *x, size_t n)
{
	int left[NODES_MAX], cores[NODES_MAX];
	int64_t kib[NODES_MAX * POOLS_MAX];
	memcpy(left, x->left, sizeof left);
	memcpy(kib, x->kib, (size_t)(x->n_nodes * x->n_pools) * sizeof *kib);
	for (size_t k = 0; k < n && x->items[k].scope > SCOPE_NODE; k++)
		if (x->at[k] != REFUSED &&
			!exact_spread(x, &x->items[k], left,
				kib + x->items[k].pool * (size_t)x->n_nodes, cores))
			return false;
	return true;
}

void exact_descend(struct exact *x, size_t k)
{
	if (--x->steps < 0 || !may_reach(x, k) || (x->spans[0] && !can_spread(x, k)))
		return;
	if (k == x->n) {
		memcpy(x->best, x->at, sizeof x->at);
		x->is_found = true;
		x->target = x->weight + 1;
		return;
	}
	const struct item *it = &x->items[k];
	int from = it->is_twin ? x->at[k - 1] : 0;
	if (from != REFUSED) {
		if (it->scope <= SCOPE_NODE)
			try_parts(x, k, from);
		else if (x->left_all >= it->cores + it->helper && x->kib_all[it->pool] >= it->kib)
			go(x, k, 0, -1);
	}
	x->at[k] = REFUSED;
	exact_descend(x, k + 1);
}
