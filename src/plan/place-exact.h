/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the branch and bound of place-exact.c works on; the tree is in place-exact-tree.c. */
#pragma once

#include "plan/place-search.h"

enum { ITEMS_MAX = 40, BINS_MAX = 64, NODES_MAX = 16, POOLS_MAX = 8, SUM_MAX = 63, REFUSED = -1 };

struct item {
	size_t i; /* of the requests */
	int cores, helper, weight;
	enum scope scope;
	size_t pool;
	int64_t kib;
	bool is_twin; /* of the one before */
};

struct bin {
	int l3, node, left;
};

struct exact {
	struct search *s;
	struct state *st;
	struct item items[ITEMS_MAX];
	size_t n;
	struct bin bins[BINS_MAX]; /* those of a node one after the other */
	int n_bins;
	int n_nodes, n_pools;
	/* By node: cores left, whoever they are for; how many VMs are there; the first like it. */
	int left[NODES_MAX], n_items[NODES_MAX], like[NODES_MAX];
	int64_t *kib; /* by pool and node */
	int left_all;
	int64_t *kib_all; /* by pool */
	/* What of the items from the k-th on: all of their weight, sums, whether one spans nodes.
	 */
	int rest[ITEMS_MAX + 1];
	uint64_t sums[ITEMS_MAX + 1];
	bool spans[ITEMS_MAX + 1];
	size_t dense[ITEMS_MAX]; /* most weight for its memory first */
	bool has_memory;
	int at[ITEMS_MAX], best[ITEMS_MAX]; /* a bin, a node, or REFUSED */
	int weight, target;
	long steps;
	bool is_found;
};

/* From item k on: x->best is the best that was found within x->steps. */
void exact_descend(struct exact *x, size_t k);
/* How a VM that spans nodes may lie, ret: cores by node; left, kib: by node, of its pool. */
bool exact_spread(const struct exact *x, const struct item *it, int *left, int64_t *kib, int *ret);
