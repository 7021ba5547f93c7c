/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the parts of a request go that is split (place-split.c): each in one node. */
#include "plan/place-take.h"

#include "base/alloc.h"

struct splitter {
	const struct solver *s;
	const struct request *req;
	const struct filter *f;
	struct candidate *list; /* to work in */
	struct room left;
	bool *is_used; /* by node */
};

static struct request request_of_part(const struct request *req, size_t i)
{
	struct request part = *req;
	part.n_groups = 0;
	part.needs_helper = false;
	for (size_t g = 0; g < req->n_groups; g++) {
		if (req->groups[g].part != i)
			continue;
		part.groups = part.n_groups ? part.groups : &req->groups[g];
		part.n_groups++;
	}
	return part;
}

/* One that is not bound has a node for itself, if it can; for one that is, others do not count. */
static bool may_go(const struct splitter *x, size_t i, int node, bool is_alone)
{
	const struct cpuset *bound = &x->req->parts[i].nodes;
	return cpuset_is_empty(bound) ? x->is_used[node] != is_alone
				      : is_alone && cpuset_has(bound, node);
}

/* The best node for a part in what the others have left. */
static bool find_node(struct splitter *x, size_t i, bool is_alone, struct take_list *ret)
{
	struct request part = request_of_part(x->req, i);
	struct take_list tried = { 0 };
	struct spot_cost best = { 0 };
	int where = -1;
	for (int d = 0; part.n_groups && d < solver_n_domains(x->s->inv, SCOPE_NODE); d++) {
		if (!may_go(x, i, d, is_alone) ||
			!take_cores(x->s, &x->left, &part, SCOPE_NODE,
				&x->s->domains[SCOPE_NODE][d], x->f, x->list, &tried))
			continue;
		struct spot_cost cost =
			spot_cost(x->s, &x->left, &part, SCOPE_NODE, d, &tried, FIT_KIND);
		if (where >= 0 && !spot_is_cheaper(&cost, &best, &part, FIT_KIND))
			continue;
		where = d;
		best = cost;
		struct take_list old = *ret;
		*ret = tried;
		tried = old;
	}
	free(tried.v);
	if (where >= 0) {
		x->is_used[where] = true;
		room_take(&x->left, ret);
	}
	return where >= 0 || !part.n_groups;
}

bool take_split(const struct solver *s, const struct room *room, const struct request *req,
	const struct filter *f, struct candidate *list, struct take_list *ret)
{
	AUTO_FREE struct take_list *takes = xcalloc(req->n_parts, sizeof *takes);
	AUTO_FREE bool *is_used = xcalloc(s->inv->s->n_nodes + 1, sizeof *is_used);
	struct splitter x = { s, req, f, list, room_copy(s, room), is_used };
	bool is_found = true;
	for (int pass = 0; pass < 2; pass++) /* those that are bound first */
		for (size_t i = 0; i < req->n_parts && is_found; i++)
			if (cpuset_is_empty(&req->parts[i].nodes) == pass)
				is_found = find_node(&x, i, true, &takes[i]) ||
					find_node(&x, i, false, &takes[i]);
	ret->n = 0;
	for (size_t i = 0; i < req->n_parts; i++) {
		for (size_t k = 0; is_found && k < takes[i].n; k++)
			*array_push(ret) = takes[i].v[k];
		free(takes[i].v);
	}
	room_done(&x.left);
	return is_found;
}
