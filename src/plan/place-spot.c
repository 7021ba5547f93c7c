/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The best spot for one request in what is left of the host.
 *
 * What is left is a count per cell (place-cells.c), so that nothing here tries cores one by one. Of
 * the domains (L3s, nodes, the host) of the scope that can hold the request the best is the one
 * with, in this order: the fewest nodes; memory that is near, and there at all; devices that are
 * near; no pins of others; no interrupts that nobody can move; the larger cache; the fewest cores
 * taken; the least loss of future capacity (place-future.c); the least room left over. When
 * packing, room left over comes right after memory. What is taken inside a domain: place-take.c.
 */
#include <limits.h>

#include "base/alloc.h"
#include "plan/place-take.h"

/* What the poorest node of the takes has of memory; -1: they are in one node. */
static int64_t poorest(const struct solver *s, const struct room *room, const struct request *req,
	const struct take_list *takes)
{
	int64_t least = INT64_MAX;
	bool is_one = true;
	array_for_each (t, takes) {
		int node = s->cells[t->cell].node;
		int64_t kib = take_memory(s, room, req, node);
		least = kib < least ? kib : least;
		is_one &= node == s->cells[takes->v[0].cell].node;
	}
	return is_one ? -1 : least;
}

/* As is best for the VM it is split; when packing it is not, for fewer gaps. */
static bool take_vcpus(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, int domain, const struct filter *f, enum fit fit, struct candidate *list,
	struct take_list *ret)
{
	bool is_split = scope == SCOPE_FEWEST && req->n_parts && fit == FIT_KIND;
	return (is_split && take_split(s, room, req, f, list, ret)) ||
		take_cores(s, room, req, scope, &s->domains[scope][domain], f, list, ret);
}

/* Memory that is bound is on all nodes of the CPUs, or these would have theirs far away. Where its
 * nodes have too little together, it is tried without the poorest of them. */
static bool try_domain(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, int domain, const struct filter *f, enum fit fit, struct candidate *list,
	struct take_list *ret)
{
	struct filter rich = *f;
	rich.floor_kib = req->bind.kib > 0;
	while (take_vcpus(s, room, req, scope, domain, &rich, fit, list, ret)) {
		if (!req->bind.kib || room_bind(s, room, req, ret))
			return take_helper(s, room, req, scope, domain, f, fit, ret);
		int64_t least = poorest(s, room, req, ret);
		if (least < 0)
			return false;
		rich.floor_kib = least + 1;
	}
	return false;
}

bool spot_in(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, int domain, enum fit fit, struct take_list *ret)
{
	static const unsigned int all =
		1 << CPU_UNIFORM | 1 << CPU_PERFORMANCE | 1 << CPU_EFFICIENCY | 1 << CPU_LOW_POWER;
	const struct filter f = { .kinds = all, .is_helper_apart = scope == SCOPE_L3 };
	struct candidate few[64], *list = few;
	if (s->domains[scope][domain].n > N_ELEMENTS(few))
		list = xcalloc(s->domains[scope][domain].n, sizeof *list);
	bool is_found = try_domain(s, room, req, scope, domain, &f, fit, list, ret);
	if (list != few)
		free(list);
	return is_found;
}

static bool find_in_scope(const struct solver *s, const struct room *room,
	const struct request *req, enum scope scope, const struct filter *f, enum fit fit,
	struct take_list *ret, long *work)
{
	struct spot_cost best = { 0 };
	bool is_found = false;
	struct candidate few[64], *list = few;
	struct take_list takes = { 0 };
	if (s->n_cells > N_ELEMENTS(few))
		list = xcalloc(s->n_cells, sizeof *list);
	for (int d = scope == SCOPE_NODE ? -1 : 0; d < solver_n_domains(s->inv, scope); d++) {
		*work += (long)s->domains[scope][d].n + 1;
		if (!try_domain(s, room, req, scope, d, f, fit, list, &takes))
			continue;
		struct spot_cost cost = spot_cost(s, room, req, scope, d, &takes, fit);
		if (is_found && !spot_is_cheaper(&cost, &best, req, fit))
			continue;
		is_found = true;
		best = cost;
		struct take_list old = *ret;
		*ret = takes;
		takes = old;
	}
	free(takes.v);
	if (list != few)
		free(list);
	return is_found;
}

/* What it costs; the hole is what is left of the L3 of the vCPUs. */
static struct spot_cost cost_beside(const struct solver *s, const struct room *room,
	const struct request *req, enum scope scope, const struct take_list *takes, enum fit fit)
{
	int domain = spot_domain(s, scope, takes), l3 = s->cells[takes->v[0].cell].l3;
	struct spot_cost c = spot_cost(s, room, req, scope, domain < 0 ? 0 : domain, takes, fit);
	array_for_each (t, takes)
		c.hole -= scope == SCOPE_L3 && s->cells[t->cell].l3 == l3 ? t->n_cores : 0;
	return c;
}

/* One with its helper among its vCPUs, or beside them: the latter where that is better else, or
 * leaves less of the L3 of the vCPUs unused. Some fits do not ask for the former in one L3. */
static bool find_beside(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, const struct filter *f, enum fit fit, struct take_list *ret, long *work)
{
	struct filter apart = *f;
	struct take_list other = { 0 };
	apart.is_helper_apart = true;
	bool is_found = (scope != SCOPE_L3 || fit < FIT_NODE) &&
		find_in_scope(s, room, req, scope, f, fit, ret, work);
	if (!find_in_scope(s, room, req, scope, &apart, fit, &other, work)) {
		free(other.v);
		return is_found;
	}
	if (is_found) {
		struct spot_cost a = cost_beside(s, room, req, scope, &other, fit),
				 b = cost_beside(s, room, req, scope, ret, fit);
		is_found = !spot_is_cheaper(&a, &b, req, fit);
	}
	free(is_found ? other.v : ret->v);
	if (!is_found)
		*ret = other;
	return true;
}

/* Stricter filters first: cores of isolcpus=, fast cores. */
static bool find_filtered(const struct solver *s, const struct room *room,
	const struct request *req, enum scope scope, enum fit fit, bool is_unpinned_only,
	struct take_list *ret, long *work)
{
	bool is_apart =
		req->needs_helper && req->n_groups && (scope == SCOPE_L3 || fit == FIT_KIND);
	static const unsigned int fast = 1 << CPU_UNIFORM | 1 << CPU_PERFORMANCE,
				  efficient = 1 << CPU_EFFICIENCY, slow = 1 << CPU_LOW_POWER;
	static const unsigned int kinds[] = { fast, fast | efficient, fast | efficient | slow };
	for (int is_any = !s->has_boot_isolated; is_any < 2; is_any++)
		for (size_t i = 0; i < N_ELEMENTS(kinds); i++) {
			const struct filter f = { .kinds = kinds[i],
				.is_boot_isolated_only = !is_any,
				.is_unpinned_only = is_unpinned_only };
			if (i && !s->has_kinds)
				break;
			if (is_apart ? find_beside(s, room, req, scope, &f, fit, ret, work)
				     : find_in_scope(s, room, req, scope, &f, fit, ret, work))
				return true;
		}
	return false;
}

/* What somebody pinned to CPUs is left there as long as others do, of whatever kind. */
static bool find_unpinned_first(const struct solver *s, const struct room *room,
	const struct request *req, const enum scope *scopes, size_t n, enum fit fit,
	struct take_list *ret, long *work)
{
	for (int is_any = !s->has_pinned; is_any < 2; is_any++)
		for (size_t i = 0; i < n; i++)
			if (find_filtered(s, room, req, scopes[i], fit, !is_any, ret, work))
				return true;
	return false;
}

bool spot_find(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, enum fit fit, struct take_list *ret, long *work)
{
	static const enum scope near[] = { SCOPE_L3, SCOPE_NODE };
	if (scope == SCOPE_ANY &&
		find_unpinned_first(s, room, req, near, N_ELEMENTS(near), fit, ret, work))
		return true;
	return scope >= SCOPE_FEWEST /* few nodes come before pins */
		? find_filtered(s, room, req, scope, fit, false, ret, work)
		: find_unpinned_first(s, room, req, &scope, 1, fit, ret, work);
}

int spot_domain(const struct solver *s, enum scope scope, const struct take_list *takes)
{
	if (scope > SCOPE_NODE || !takes->n)
		return -1;
	const struct cell *c = &s->cells[takes->v[0].cell];
	return scope == SCOPE_L3 ? c->l3 : c->node;
}
