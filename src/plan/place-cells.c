/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cells, and what is left in them.
 *
 * Cores that are alike (L3, node, kind, width, and as good for every request) form a cell; what is
 * left of the host is a count per cell, and per node the memory that can still be bound there.
 */
#include <string.h>

#include "base/alloc.h"
#include "plan/place.h"

int cell_capacity(const struct cell *c, const struct request *req)
{
	return cell_capacity_in(c, req, req->view);
}

int cell_capacity_in(const struct cell *c, const struct request *req, size_t view)
{
	int usable = c->usable[view];
	if (req->wish.cores == CORES_THREAD)
		return usable;
	if (usable < c->width)
		return 0;
	return req->wish.cores == CORES_ONE_THREAD ? 1 : c->width;
}

static bool is_same_cell(
	const struct cell *c, const struct host_core *core, const int *usable, size_t n_views)
{
	return c->l3 == core->l3 && c->node == core->node && c->kind == core->kind &&
		c->width == core->n_cpus && c->is_boot_isolated == core->is_boot_isolated &&
		c->is_pinned == core->is_pinned && c->is_hot == core->is_hot &&
		memcmp(c->usable, usable, n_views * sizeof *usable) == 0;
}

static int usable_in(const struct host_core *core, const struct cpuset *blocked)
{
	int n = 0;
	cpuset_for_each (cpu, core->cpus)
		n += !cpuset_has(blocked, cpu);
	return n;
}

/* usable: to work in, by view. */
static void add_core(
	struct solver *s, struct arena *a, size_t i, const struct cpuset *views, int *usable)
{
	const struct host_core *core = &s->inv->cores[i];
	for (size_t v = 0; v < s->n_views; v++)
		usable[v] = usable_in(core, &views[v]);
	size_t k = s->n_cells; /* most are as the one before */
	while (k > 0 && !is_same_cell(&s->cells[k - 1], core, usable, s->n_views))
		k--;
	s->cell_of_core[i] = (int)(k ? k - 1 : s->n_cells);
	if (k)
		return;
	s->cells[s->n_cells++] = (struct cell){
		.l3 = core->l3,
		.node = core->node,
		.kind = core->kind,
		.width = core->n_cpus,
		.first = (int)i,
		.is_boot_isolated = core->is_boot_isolated,
		.is_pinned = core->is_pinned,
		.is_hot = core->is_hot,
		.usable = arena_dup(a, usable, s->n_views + 1, sizeof *usable),
	};
}

static bool is_in(const struct cell *c, enum scope scope, int domain)
{
	if (scope == SCOPE_L3)
		return c->l3 == domain;
	return scope == SCOPE_NODE ? c->node == domain : true;
}

int solver_n_domains(const struct inventory *inv, enum scope scope)
{
	if (scope == SCOPE_L3)
		return (int)inv->s->n_l3s;
	return scope == SCOPE_NODE ? (int)inv->s->n_nodes : 1;
}

/* Which cells are in a domain: one list per L3, per node, and one of all. */
static void add_domains(struct solver *s, struct arena *a, enum scope scope)
{
	int n = solver_n_domains(s->inv, scope), first = scope == SCOPE_NODE ? -1 : 0;
	struct cell_list *lists = arena_alloc(a, (size_t)(n + 2) * sizeof *lists);
	lists += 1; /* node -1: hosts that do not know their nodes */
	for (int domain = first; domain < n; domain++) {
		struct cell_list *list = &lists[domain];
		list->v = arena_alloc(a, (s->n_cells + 1) * sizeof *list->v);
		for (size_t k = 0; k < s->n_cells; k++)
			if (is_in(&s->cells[k], scope, domain))
				list->v[list->n++] = (int)k;
		list->v = arena_dup(a, list->v, list->n, sizeof *list->v);
	}
	s->domains[scope] = lists;
}

struct solver *solver_new(
	const struct inventory *inv, struct arena *a, const struct cpuset *views, size_t n_views)
{
	struct solver *s = arena_alloc(a, sizeof *s);
	*s = (struct solver){ .inv = inv, .n_views = n_views };
	AUTO_FREE int *usable = xcalloc(n_views + 1, sizeof *usable);
	s->cells = arena_alloc(a, (inv->n_cores + 1) * sizeof *s->cells);
	s->cell_of_core = arena_alloc(a, (inv->n_cores + 1) * sizeof *s->cell_of_core);
	for (size_t i = 0; i < inv->n_cores; i++) {
		add_core(s, a, i, views, usable);
		s->has_boot_isolated |= inv->cores[i].is_boot_isolated;
		s->has_pinned |= inv->cores[i].is_pinned;
		s->has_kinds |= inv->cores[i].kind > CPU_PERFORMANCE;
		if (inv->cores[i].n_cpus > s->widest)
			s->widest = inv->cores[i].n_cpus;
	}
	for (size_t i = 0; i < inv->s->n_l3s; i++)
		if (inv->s->l3s[i].size_kib > s->largest_l3_kib)
			s->largest_l3_kib = inv->s->l3s[i].size_kib;
	for (size_t i = 0; i < inv->n_pools * inv->s->n_nodes; i++)
		s->kib_per_core += inv->free_kib[i];
	s->kib_per_core = s->kib_per_core / (int64_t)(inv->n_cores + 1) + 1;
	for (enum scope scope = SCOPE_L3; scope <= SCOPE_ANY; scope++)
		add_domains(s, a, scope);
	return s;
}

/* ---- room ---- */

static size_t n_memory(const struct solver *s)
{
	return s->inv->n_pools * s->inv->s->n_nodes;
}

struct room room_of(const struct solver *s, const int *owner, int of)
{
	struct room r = { .cores = xcalloc(s->n_cells + 1, sizeof *r.cores) };
	r.open = xcalloc(s->n_cells + 1, sizeof *r.open);
	r.memory_kib = xcalloc(n_memory(s) + 1, sizeof *r.memory_kib);
	for (size_t i = 0; i < s->inv->n_cores; i++)
		if (!owner || owner[i] == of)
			r.cores[s->cell_of_core[i]]++;
	for (size_t i = 0; i < n_memory(s); i++)
		r.memory_kib[i] = s->inv->free_kib[i];
	return r;
}

void room_set(const struct solver *s, struct room *r, const struct room *from)
{
	memcpy(r->cores, from->cores, s->n_cells * sizeof *r->cores);
	memcpy(r->open, from->open, s->n_cells * sizeof *r->open);
	memcpy(r->memory_kib, from->memory_kib, n_memory(s) * sizeof *r->memory_kib);
}

struct room room_copy(const struct solver *s, const struct room *from)
{
	struct room r = { .cores = xmalloc((s->n_cells + 1) * sizeof *r.cores) };
	r.open = xmalloc((s->n_cells + 1) * sizeof *r.open);
	r.memory_kib = xcalloc(n_memory(s) + 1, sizeof *r.memory_kib);
	room_set(s, &r, from);
	return r;
}

void room_done(struct room *r)
{
	free(r->cores);
	free(r->open);
	free(r->memory_kib);
}

void room_take(struct room *r, const struct take_list *takes)
{
	array_for_each (t, takes) {
		r->cores[t->cell] -= t->n_cores;
		r->open[t->cell] += t->n_left - t->n_open;
		r->memory_kib[t->memory] -= t->memory_kib;
	}
}

void room_give(struct room *r, const struct take_list *takes)
{
	array_for_each (t, takes) {
		r->cores[t->cell] += t->n_cores;
		r->open[t->cell] -= t->n_left - t->n_open;
		r->memory_kib[t->memory] += t->memory_kib;
	}
}

int64_t room_memory(
	const struct solver *s, const struct room *r, const struct request *req, int node)
{
	return node < 0 ? 0 : r->memory_kib[req->bind.pool * s->inv->s->n_nodes + (size_t)node];
}

/* The share of the node goes to the first take there; at most what the node has. */
static int64_t bind_share(const struct solver *s, const struct room *r, const struct request *req,
	struct take_list *takes, size_t i, int64_t share_kib)
{
	struct take *t = &takes->v[i];
	int node = s->cells[t->cell].node;
	for (size_t k = 0; k < i; k++)
		if (s->cells[takes->v[k].cell].node == node)
			t = t > &takes->v[k] ? &takes->v[k] : t;
	int64_t left = room_memory(s, r, req, node) - t->memory_kib;
	int64_t kib = left < 0 ? 0 : left < share_kib ? left : share_kib;
	if (node >= 0)
		t->memory = req->bind.pool * s->inv->s->n_nodes + (size_t)node;
	t->memory_kib += kib;
	return kib;
}

bool room_bind(const struct solver *s, const struct room *r, const struct request *req,
	struct take_list *takes)
{
	int64_t need = (int64_t)req->bind.kib;
	int n_cores = 0;
	array_for_each (t, takes) {
		int node = s->cells[t->cell].node;
		bool is_first = true;
		for (size_t k = 0; &takes->v[k] < t; k++)
			is_first &= s->cells[takes->v[k].cell].node != node;
		if (is_first && node >= 0 && req->bind.there_kib)
			need -= (int64_t)req->bind.there_kib[node];
		n_cores += t->n_cores;
	}
	if (need <= 0 || !n_cores)
		return true;
	int64_t left = need;
	for (size_t i = 0; i < takes->n; i++)
		left -= bind_share(s, r, req, takes, i, need * takes->v[i].n_cores / n_cores);
	for (size_t i = 0; i < takes->n && left > 0; i++)
		left -= bind_share(s, r, req, takes, i, left);
	return left <= 0;
}

int room_count(const struct solver *s, const struct room *r, const struct request *req,
	enum scope scope, int domain)
{
	int n = 0;
	array_for_each (k, &s->domains[scope][domain])
		n += cell_capacity(&s->cells[*k], req) ? r->cores[*k] : 0;
	return n;
}

int solver_widest(const struct solver *s, const struct request *req)
{
	return req->wish.cores == CORES_ONE_THREAD || !s->widest ? 1 : s->widest;
}

int place_cores_needed(const struct request *req, int width)
{
	int n = req->needs_helper;
	for (size_t i = 0; i < req->n_groups; i++)
		n += ((int)req->groups[i].n + width - 1) / width;
	return n;
}

int solver_weight(const struct solver *s, const struct request *req)
{
	return place_cores_needed(req, solver_widest(s, req));
}
