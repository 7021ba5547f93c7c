/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a request takes of the cells of one domain: wide cores come first, then fast ones, in few
 * nodes and few L3s; and a core for its helpers.
 */
#include "plan/place-take.h"

#include <string.h>

#include "base/alloc.h"

/* VMs with cores = thread fill up each other's cores, where guest siblings and nodes do not forbid
 * it, and where all of the core is open to them: which of its CPUs are left is not known here. */
static bool may_share(const struct solver *s, const struct request *req, int cell)
{
	const struct cell *c = &s->cells[cell];
	return c->usable[req->view] == c->width && req->wish.cores == CORES_THREAD &&
		req->n_groups == 1 && !req->n_parts && !req->needs_helper;
}

/* CPUs of so many cores that it leaves to others of its kind. */
static int leaves(
	const struct solver *s, const struct request *req, int cell, int n_cores, int n_used)
{
	return req->wish.cores == CORES_THREAD ? n_cores * s->cells[cell].width - n_used : 0;
}

static bool is_before(const struct solver *s, const struct candidate *a, const struct candidate *b)
{
	const struct cell *x = &s->cells[a->cell], *y = &s->cells[b->cell];
	if (a->capacity != b->capacity)
		return a->capacity > b->capacity;
	if (x->is_boot_isolated != y->is_boot_isolated)
		return x->is_boot_isolated; /* who boots with isolcpus= means them for VMs */
	if (x->kind != y->kind)
		return x->kind < y->kind;
	if (x->is_pinned != y->is_pinned)
		return y->is_pinned;
	if (x->is_hot != y->is_hot)
		return y->is_hot;
	return x->first < y->first;
}

static bool is_as_good(const struct cell *a, const struct cell *b)
{
	return a->is_boot_isolated == b->is_boot_isolated && a->kind == b->kind &&
		a->is_pinned == b->is_pinned && a->is_hot == b->is_hot;
}

int64_t take_memory(
	const struct solver *s, const struct room *room, const struct request *req, int node)
{
	int64_t there = node >= 0 && req->bind.there_kib ? (int64_t)req->bind.there_kib[node] : 0;
	return there + room_memory(s, room, req, node);
}

static size_t list_candidates(const struct solver *s, const struct room *room,
	const struct request *req, const struct cell_list *cells, const struct filter *f,
	struct candidate *ret)
{
	size_t n = 0;
	array_for_each (k, cells) {
		const struct cell *c = &s->cells[*k];
		int capacity = cell_capacity(c, req);
		if (!room->cores[*k] || !capacity || !(f->kinds >> c->kind & 1) ||
			(f->is_boot_isolated_only && !c->is_boot_isolated) ||
			(f->is_unpinned_only && c->is_pinned) ||
			(f->floor_kib && take_memory(s, room, req, c->node) < f->floor_kib))
			continue;
		struct candidate x = { *k, capacity, room->cores[*k] };
		size_t at = n++;
		for (; at > 0 && is_before(s, &x, &ret[at - 1]); at--)
			ret[at] = ret[at - 1];
		ret[at] = x;
	}
	return n;
}

static void push_take(const struct solver *s, const struct request *req, int cell, int n_cores,
	int n_used, struct take_list *ret)
{
	if (ret && n_cores)
		*array_push(ret) = (struct take){ .cell = cell,
			.n_cores = n_cores,
			.n_left = leaves(s, req, cell, n_cores, n_used) };
}

/* Walks the groups over the candidates in their order; how many cores that takes, -1: more than
 * there are. ret: adds what is taken, when not NULL. */
static int pack(const struct solver *s, const struct request *req, int n_open,
	const struct candidate *list, size_t n, struct take_list *ret)
{
	size_t at = 0;
	int used = 0, taken = 0, n_cpus = 0; /* taken, n_cpus: of list[at] */
	for (size_t g = 0; g < req->n_groups; g++) {
		int left = (int)req->groups[g].n - n_open;
		while (left > 0) {
			while (at < n && taken == list[at].cores) {
				push_take(s, req, list[at].cell, taken, n_cpus, ret);
				at++;
				taken = n_cpus = 0;
			}
			if (at == n)
				return -1;
			taken++;
			used++;
			n_cpus += left < list[at].capacity ? left : list[at].capacity;
			left -= list[at].capacity;
		}
	}
	if (at < n)
		push_take(s, req, list[at].cell, taken, n_cpus, ret);
	return used;
}

static int inner_of(const struct solver *s, const struct candidate *c, enum scope inner)
{
	const struct cell *cell = &s->cells[c->cell];
	return inner == SCOPE_L3 ? cell->l3 : cell->node;
}

/* The inner domain to take cores from next: the smallest that holds the rest, else the largest; or,
 * to fill gaps, simply the smallest. */
static int pick_inner(const struct solver *s, const struct candidate *list, size_t n, int need,
	enum scope inner, bool is_gaps)
{
	int best = -1, best_n = 0;
	for (size_t i = 0; i < n; i++) {
		int domain = inner_of(s, &list[i], inner), k = 0;
		bool is_known = false;
		for (size_t j = 0; j < n; j++) {
			if (inner_of(s, &list[j], inner) != domain)
				continue;
			is_known |= j < i;
			k += list[j].cores;
		}
		if (is_known)
			continue;
		bool is_smaller_better = is_gaps || best_n >= need;
		bool is_better =
			is_smaller_better ? k < best_n && (is_gaps || k >= need) : k > best_n;
		if (!best_n || is_better) {
			best = domain;
			best_n = k;
		}
	}
	return best;
}

/* Reorders so that the first 'need' cores are in few nodes, and in few L3s. */
static void order_by_inner(const struct solver *s, struct candidate *list, size_t n, int need,
	enum scope inner, bool is_gaps)
{
	struct candidate *rest = xcalloc(n + 1, sizeof *rest);
	while (n && need > 0) {
		int domain = pick_inner(s, list, n, need, inner, is_gaps), cores = 0;
		size_t k = 0, n_rest = 0;
		for (size_t i = 0; i < n; i++) {
			if (inner_of(s, &list[i], inner) != domain) {
				rest[n_rest++] = list[i];
				continue;
			}
			cores += list[i].cores;
			list[k++] = list[i];
		}
		memcpy(list + k, rest, n_rest * sizeof *rest);
		if (inner == SCOPE_NODE)
			order_by_inner(s, list, k, cores < need ? cores : need, SCOPE_L3, false);
		list += k;
		n -= k;
		need -= cores;
	}
	free(rest);
}

/* Free threads on cores that VMs with cores = thread have opened. */
static int take_open(const struct solver *s, const struct room *room, const struct request *req,
	const struct cell_list *cells, struct take_list *ret)
{
	int need = req->n_groups ? (int)req->groups[0].n : 0, taken = 0;
	array_for_each (k, cells) {
		int n = may_share(s, req, *k) ? room->open[*k] : 0;
		n = n < need - taken ? n : need - taken;
		if (n <= 0) /* less than none: a search has taken out whose core it was */
			continue;
		*array_push(ret) = (struct take){ .cell = *k, .n_open = n };
		taken += n;
	}
	return taken;
}

static enum scope inner_scope(enum scope scope)
{
	/* An L3 may hold several nodes (sub-NUMA clusters), as a node may hold several L3s. */
	return scope == SCOPE_L3 || scope == SCOPE_FEWEST ? SCOPE_NODE : SCOPE_L3;
}

bool take_cores(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, const struct cell_list *cells, const struct filter *f,
	struct candidate *list, struct take_list *ret)
{
	ret->n = 0;
	size_t n = list_candidates(s, room, req, cells, f, list);
	int n_open = take_open(s, room, req, cells, ret);
	int used = pack(s, req, n_open, list, n, NULL);
	if (used < 0)
		return false;
	if (n > 1) {
		int helper = req->needs_helper && !f->is_helper_apart;
		order_by_inner(s, list, n, used + helper, inner_scope(scope), scope == SCOPE_ANY);
		int again = pack(s, req, n_open, list, n, NULL);
		if (again < 0 || again > used) /* several widths: the widest come first */
			n = list_candidates(s, room, req, cells, f, list);
	}
	(void)pack(s, req, n_open, list, n, ret);
	return true;
}

static int cores_left(const struct room *room, int cell, const struct take_list *takes)
{
	int left = room->cores[cell];
	array_for_each (t, takes)
		left -= t->cell == cell ? t->n_cores : 0;
	return left;
}

/* When packing: where no memory can be bound, then where the least is left. */
static bool is_tighter(const struct solver *s, int a, int a_left, int b, int b_left)
{
	const struct node *nodes = s->inv->s->nodes;
	bool is_bare_a = s->cells[a].node >= 0 && !nodes[s->cells[a].node].has_memory;
	bool is_bare_b = s->cells[b].node >= 0 && !nodes[s->cells[b].node].has_memory;
	return is_bare_a != is_bare_b ? is_bare_a : a_left < b_left;
}

/* A core for the helpers beside those taken; its kind does not matter. -1: there is none. */
static int find_helper(const struct solver *s, const struct room *room, const struct request *req,
	const struct cell_list *cells, const struct take_list *takes, const struct filter *f,
	enum fit fit)
{
	int best = -1, best_left = 0;
	array_for_each (k, cells) {
		int left = cores_left(room, *k, takes);
		size_t view = req->helper_view;
		struct candidate x = { *k, cell_capacity_in(&s->cells[*k], req, view), left },
				 old = { 0 };
		if (best >= 0)
			old = (struct candidate){ best,
				cell_capacity_in(&s->cells[best], req, view), 1 };
		if (left <= 0 || !x.capacity || (f->is_unpinned_only && s->cells[*k].is_pinned))
			continue;
		bool is_packed = x.capacity == old.capacity &&
			(fit != FIT_KIND || is_as_good(&s->cells[*k], &s->cells[best]));
		bool is_better = best < 0 ||
			(is_packed ? is_tighter(s, *k, left, best, best_left)
				   : is_before(s, &x, &old));
		best = is_better ? *k : best;
		best_left = is_better ? left : best_left;
	}
	return best;
}

bool take_helper(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, int domain, const struct filter *f, enum fit fit, struct take_list *ret)
{
	if (!req->needs_helper)
		return true;
	int node = scope == SCOPE_L3 ? s->inv->s->l3s[domain].node : domain;
	if (ret->n && scope == SCOPE_L3)
		node = s->cells[ret->v[0].cell].node;
	const struct cell_list *near = f->is_helper_apart && scope == SCOPE_L3
		? &s->domains[SCOPE_NODE][node]
		: &s->domains[scope][domain];
	int helper = find_helper(s, room, req, near, ret, f, fit);
	if (helper < 0)
		return false;
	const struct cell *c = &s->cells[helper];
	int capacity = cell_capacity_in(c, req, req->helper_view);
	*array_push(ret) = (struct take){ .cell = helper,
		.n_cores = 1,
		.n_left = leaves(s, req, helper, 1, capacity),
		.is_helper = true };
	return true;
}
