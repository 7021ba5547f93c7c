/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a spot costs; see place-spot.c for the order. */
#include <limits.h>
#include <stdlib.h>

#include "base/str.h"
#include "plan/place.h"

enum { LOCAL = 10, REMOTE = 20 }; /* as ACPI has it: SLIT */

int place_distance(const struct snapshot *s, int node, const struct cpuset *nodes)
{
	int best = INT_MAX;
	cpuset_for_each (to, nodes) {
		const int *row = node < 0 ? NULL : s->nodes[node].distances;
		int d = to == node ? LOCAL : row ? row[to] : REMOTE;
		best = d < best ? d : best;
	}
	return best == INT_MAX || best < LOCAL ? 0 : best - LOCAL;
}

int place_memory_distance(const struct inventory *inv, const struct request *req, int node)
{
	enum { NO_MEMORY = 1000, LITTLE_MEMORY = 500 };
	const struct node *n = node < 0 ? NULL : &inv->s->nodes[node];
	if (req->has_memory_nodes)
		return place_distance(inv->s, node, &req->memory_nodes);
	if (!n || n->is_memory_unknown)
		return 0;
	if (!n->has_memory)
		return NO_MEMORY;
	int64_t lacks = req->rest_kib - inv->free_kib[node];
	return lacks > 0 ? (int)(LITTLE_MEMORY * lacks / req->rest_kib) + 1 : 0;
}

static void add_cost(const struct solver *s, const struct request *req, const struct take *t,
	struct spot_cost *c)
{
	const struct cell *cell = &s->cells[t->cell];
	const struct snapshot *host = s->inv->s;
	c->far += place_memory_distance(s->inv, req, cell->node) * t->n_cores;
	c->away += place_distance(host, cell->node, &req->near_nodes) * t->n_cores;
	c->pinned += cell->is_pinned * t->n_cores;
	c->hot += cell->is_hot * t->n_cores;
	c->cores += t->n_cores;
	if (cell->l3 >= 0 && host->l3s[cell->l3].size_kib < s->largest_l3_kib)
		c->small += t->n_cores;
}

/* What is left over after the takes, in cores or what they have of memory; see enum fit. */
static int64_t room_left(const struct solver *s, const struct room *room, const struct request *req,
	const struct take_list *takes, const struct spot_cost *c, enum fit fit)
{
	int64_t hole = c->hole;
	int node = takes->n ? s->cells[takes->v[0].cell].node : -1;
	if (fit <= FIT_TIGHT || node < 0)
		return hole;
	int64_t in_node = 0;
	array_for_each (k, &s->domains[SCOPE_NODE][node])
		in_node += room->cores[*k];
	if (fit == FIT_NODE || !req->bind.kib)
		return in_node * (int64_t)s->inv->n_cores + hole;
	int64_t kib = room_memory(s, room, req, node);
	if (fit == FIT_EVEN) { /* cores and memory run out together */
		kib -= (int64_t)req->bind.kib;
		in_node -= c->cores;
		return llabs(in_node * s->kib_per_core - kib);
	}
	return fit == FIT_MEMORY ? kib + hole : kib + (in_node + hole) * s->kib_per_core;
}

struct spot_cost spot_cost(const struct solver *s, const struct room *room,
	const struct request *req, enum scope scope, int domain, const struct take_list *takes,
	enum fit fit)
{
	struct spot_cost c = { 0 };
	int seen[8], n_seen = 0;
	array_for_each (t, takes) {
		add_cost(s, req, t, &c);
		int node = s->cells[t->cell].node, i = 0;
		while (i < n_seen && seen[i] != node)
			i++;
		if (i == n_seen) {
			c.n_nodes++;
			if (n_seen < (int)N_ELEMENTS(seen))
				seen[n_seen++] = node;
		}
	}
	array_for_each (k, &s->domains[scope][domain])
		if (cell_capacity(&s->cells[*k], req)) /* what is kept from it is no room left */
			c.hole += room->cores[*k];
	if (fit == FIT_KIND)
		c.lost = future_lost(s, room, req, takes);
	c.room = room_left(s, room, req, takes, &c, fit);
	return c;
}

enum plan_term spot_compare(const struct spot_cost *a, const struct spot_cost *b,
	const struct request *req, enum fit fit, int64_t *ret_more)
{
	const struct {
		int64_t more;
		enum plan_term term;
	} order[] = {
		{ a->n_nodes - b->n_nodes, TERM_NODES },
		{ a->pinned - b->pinned, TERM_PINS },
		{ req->is_near_first ? a->away - b->away : 0, TERM_DEVICE_DISTANCE },
		{ a->far - b->far, TERM_REMOTE_MEMORY },
		{ a->away - b->away, TERM_DEVICE_DISTANCE },
		{ fit == FIT_KIND ? 0 : a->cores + a->room - b->cores - b->room, TERM_SLACK },
		{ a->hot - b->hot, TERM_INTERRUPTS },
		{ a->small - b->small, TERM_SMALL_CACHE },
		{ a->cores - b->cores, TERM_WEIGHT },
		{ a->lost - b->lost, TERM_FUTURE },
		{ a->hole - b->hole, TERM_SLACK },
	};
	for (size_t i = 0; i < N_ELEMENTS(order); i++) {
		*ret_more = order[i].more;
		if (order[i].more)
			return order[i].term;
	}
	return N_TERMS;
}

bool spot_is_cheaper(const struct spot_cost *a, const struct spot_cost *b,
	const struct request *req, enum fit fit)
{
	int64_t more;
	return spot_compare(a, b, req, fit, &more) < N_TERMS && more < 0;
}
