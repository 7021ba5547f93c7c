/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fewest moves that let a VM in: a search in depth, with one move allowed, then two, and so on.
 *
 * Who waits goes, in turn, to every domain that holds it once a least set of VMs is taken out of
 * there (perhaps none); these wait then, too, each once at most. Domains that are alike are tried
 * once. That finds the least number where a VM lies in one L3; where work runs out first, a few of
 * the best ways of each VM are tried with more moves. Where that finds nothing either, and there
 * are few, all are planned anew with the guest, and one after the other stays after all.
 */
#include <string.h>

#include "base/alloc.h"
#include "plan/place-repack.h"

/* Ways tried when work is short; VMs that one way takes out; ways of one VM in a domain. */
enum { NARROW = 2, SET_MAX = 8, WAYS_MAX = 64, ANEW_MAX = 12 };

struct way {
	int domain;
	size_t out[SET_MAX], n_out;
	int n_moves; /* of these, such as cost one */
	int n_slow;  /* cores that are not fast */
	int weight;  /* of all that are taken out */
	size_t ways_max;
	struct spot_cost cost;
};

struct way_list {
	struct way *v;
	size_t n, room;
};

struct repacking {
	const struct solver *s;
	struct room room;
	struct mover *movers; /* and one more: the guest */
	size_t n;
	int *weight, *shape;
	bool *is_out;
	struct take_list *to; /* of those that are out and have a place again */
	size_t *waiting, n_waiting, width;
	LIST(size_t) * domains[SCOPE_ANY + 1]; /* who is there, by scope and domain from -1 on */
	uint64_t *cell_class;
	struct arena arena;
	const struct repack_judge *judge; /* or NULL */
	long work;
};

void movers_done(struct mover *movers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(movers[i].at.v);
		free(movers[i].to.v);
	}
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2))) * 0xbf58476d1ce4e5b9u;
	return x ^ x >> 29;
}

/* ---- what never changes ---- */

static bool is_in(const struct cell *c, enum scope scope, int domain)
{
	return scope == SCOPE_L3 ? c->l3 == domain : scope == SCOPE_NODE ? c->node == domain : true;
}

static int first_domain(enum scope scope)
{
	return scope == SCOPE_NODE ? -1 : 0;
}

static bool has_cores_in(
	const struct solver *s, const struct take_list *takes, enum scope scope, int domain)
{
	array_for_each (t, takes)
		if (t->n_cores && is_in(&s->cells[t->cell], scope, domain))
			return true;
	return false;
}

static void list_domains(struct repacking *m, enum scope scope)
{
	int n = solver_n_domains(m->s->inv, scope);
	m->domains[scope] = arena_alloc(&m->arena, (size_t)(n + 2) * sizeof *m->domains[scope]);
	m->domains[scope]++;
	for (int d = first_domain(scope); d < n; d++)
		for (size_t i = 0; i < m->n; i++)
			if (has_cores_in(m->s, &m->movers[i].at, scope, d))
				*list_push(&m->arena, &m->domains[scope][d]) = i;
}

/* Cells that differ in nothing but where they are. */
static void class_cells(struct repacking *m)
{
	m->cell_class = arena_alloc(&m->arena, (m->s->n_cells + 1) * sizeof *m->cell_class);
	for (size_t k = 0; k < m->s->n_cells; k++) {
		const struct cell *c = &m->s->cells[k];
		uint64_t class = mix((uint64_t)c->width, (uint64_t)c->kind);
		class = mix(
			class, (uint64_t)(c->is_boot_isolated + 2 * c->is_pinned + 4 * c->is_hot));
		class = mix(class, c->l3 < 0 ? 0 : m->s->inv->s->l3s[c->l3].size_kib);
		for (size_t v = 0; v < m->s->n_views; v++)
			class = mix(class, (uint64_t)c->usable[v]);
		m->cell_class[k] = class;
	}
}

/* What tells one VM's needs from another's. */
static bool is_alike(const struct repacking *m, const struct mover *x, const struct mover *y)
{
	if (!place_is_alike(x->req, y->req) || x->is_free != y->is_free || x->at.n != y->at.n ||
		!x->at.n)
		return false;
	for (size_t k = 0; k < x->at.n; k++)
		if (m->cell_class[x->at.v[k].cell] != m->cell_class[y->at.v[k].cell] ||
			x->at.v[k].n_cores != y->at.v[k].n_cores)
			return false;
	return true;
}

static void number_shapes(struct repacking *m)
{
	for (size_t i = 0; i <= m->n; i++) {
		m->weight[i] = solver_weight(m->s, m->movers[i].req);
		m->shape[i] = (int)i;
		for (size_t k = 0; k < i && m->shape[i] == (int)i; k++)
			if (m->shape[k] == (int)k && is_alike(m, &m->movers[i], &m->movers[k]))
				m->shape[i] = (int)k;
	}
}

/* ---- the ways in which one VM may get a place ---- */

static void take_out(struct repacking *m, size_t i)
{
	room_give(&m->room, &m->movers[i].at);
	m->is_out[i] = true;
}

static void put_back(struct repacking *m, size_t i)
{
	room_take(&m->room, &m->movers[i].at);
	m->is_out[i] = false;
}

static bool fits(struct repacking *m, const struct request *req, enum scope scope, int domain,
	struct take_list *takes)
{
	int least = req->wish.cores == CORES_THREAD ? 0 : solver_weight(m->s, req);
	m->work--;
	if (room_count(m->s, &m->room, req, scope, domain) < least - req->needs_helper)
		return false;
	m->work -= 5;
	return spot_in(m->s, &m->room, req, scope, domain, FIT_TIGHT, takes);
}

/* None of those that it takes out could stay. */
static bool is_least(struct repacking *m, const struct request *req, const struct way *w,
	struct take_list *takes)
{
	for (size_t k = 0; k < w->n_out; k++) {
		put_back(m, w->out[k]);
		bool is_needless = fits(m, req, req->scope, w->domain, takes);
		take_out(m, w->out[k]);
		if (is_needless)
			return false;
	}
	return true;
}

static void add_way(struct repacking *m, const struct request *req, struct way w,
	const struct take_list *takes, struct way_list *ret)
{
	w.cost = spot_cost(m->s, &m->room, req, req->scope, w.domain, takes, FIT_TIGHT);
	array_for_each (t, takes)
		w.n_slow += m->s->cells[t->cell].kind > CPU_PERFORMANCE ? t->n_cores : 0;
	*array_push(ret) = w;
}

/* Alike, and in the same cells. */
static bool is_beside(const struct repacking *m, size_t a, size_t b)
{
	const struct take_list *x = &m->movers[a].at, *y = &m->movers[b].at;
	bool is = m->shape[a] == m->shape[b];
	for (size_t k = 0; is && k < x->n; k++)
		is = x->v[k].cell == y->v[k].cell;
	return is;
}

/* Adds every least set of so many more VMs of the domain, from the from-th on, with which it fits.
 */
static void add_sets(struct repacking *m, const struct request *req, struct way *w, size_t from,
	size_t n_more, int left, struct take_list *takes, struct way_list *ret)
{
	const struct mover *movers = m->movers;
	if (!n_more) {
		if (fits(m, req, req->scope, w->domain, takes) && is_least(m, req, w, takes) &&
			fits(m, req, req->scope, w->domain, takes))
			add_way(m, req, *w, takes, ret);
		return;
	}
	__auto_type list = &m->domains[req->scope][w->domain];
	for (size_t k = from; k < list->n && ret->n < w->ways_max && m->work > 0; k++) {
		size_t i = list->v[k];
		bool is_known = false; /* one like it was tried in its place */
		for (size_t j = from; j < k; j++)
			is_known |= is_beside(m, list->v[j], i) && !m->is_out[list->v[j]];
		if (is_known || m->is_out[i] || movers[i].req->vm == req->vm ||
			(left < 1 && !movers[i].is_free))
			continue;
		take_out(m, i);
		w->out[w->n_out++] = i;
		w->n_moves += !movers[i].is_free;
		w->weight += m->weight[i];
		add_sets(m, req, w, k + 1, n_more - 1, left - !movers[i].is_free, takes, ret);
		w->weight -= m->weight[i];
		w->n_moves -= !movers[i].is_free;
		w->n_out--;
		put_back(m, i);
	}
}

static bool is_better_way(const struct way *a, const struct way *b, const struct request *req)
{
	if (a->n_moves != b->n_moves)
		return a->n_moves < b->n_moves;
	if (a->n_slow != b->n_slow)
		return a->n_slow < b->n_slow;
	if (spot_is_cheaper(&a->cost, &b->cost, req, FIT_TIGHT))
		return true;
	return !spot_is_cheaper(&b->cost, &a->cost, req, FIT_TIGHT) && a->weight < b->weight;
}

static void sort_ways(struct way_list *l, const struct request *req)
{
	for (size_t i = 1; i < l->n; i++) {
		struct way w = l->v[i];
		size_t at = i;
		for (; at > 0 && is_better_way(&w, &l->v[at - 1], req); at--)
			l->v[at] = l->v[at - 1];
		l->v[at] = w;
	}
}

/* Alike domains of a node have the same. */
static uint64_t signature(struct repacking *m, enum scope scope, int domain)
{
	uint64_t sum = 0;
	int node = scope == SCOPE_L3 ? m->s->inv->s->l3s[domain].node : domain;
	array_for_each (k, &m->s->domains[scope][domain])
		sum += mix(m->cell_class[*k],
			(uint64_t)m->room.cores[*k] << 32 | (unsigned int)m->room.open[*k]);
	array_for_each (i, &m->domains[scope][domain])
		sum += m->is_out[*i] ? 0 : mix(7, (uint64_t)m->shape[*i]);
	return mix(sum, (uint64_t)node);
}

static void list_ways(
	struct repacking *m, const struct request *req, int left, struct way_list *ret)
{
	struct take_list takes = { 0 };
	int n = solver_n_domains(m->s->inv, req->scope);
	AUTO_FREE uint64_t *seen = xcalloc((size_t)n + 1, sizeof *seen);
	size_t n_seen = 0;
	for (int d = first_domain(req->scope); d < n && m->work > 0; d++) {
		struct way w = { .domain = d, .ways_max = ret->n + WAYS_MAX };
		uint64_t s = signature(m, req->scope, d);
		size_t k = 0, before = ret->n;
		while (k < n_seen && seen[k] != s)
			k++;
		if (k < n_seen)
			continue;
		seen[n_seen++] = s;
		for (size_t n_out = 0; n_out <= SET_MAX && (n_out || ret->n == before); n_out++) {
			add_sets(m, req, &w, 0, n_out, left, &takes, ret);
			if (!n_out && ret->n > before)
				break;
		}
	}
	free(takes.v);
	sort_ways(ret, req);
}

/* ---- the search ---- */

static size_t pick_waiting(const struct repacking *m)
{
	size_t best = 0;
	for (size_t k = 1; k < m->n_waiting; k++)
		if (m->weight[m->waiting[k]] > m->weight[m->waiting[best]])
			best = k;
	return best;
}

static bool descend(struct repacking *m, int left);

/* Goes that way with VM i; when it leads nowhere, all is as before. */
static bool go(struct repacking *m, size_t i, const struct way *w, int left)
{
	const struct request *req = m->movers[i].req;
	size_t n_waiting = m->n_waiting;
	for (size_t k = 0; k < w->n_out; k++) {
		take_out(m, w->out[k]);
		m->waiting[m->n_waiting++] = w->out[k];
	}
	bool is_found = fits(m, req, req->scope, w->domain, &m->to[i]);
	if (is_found) {
		room_take(&m->room, &m->to[i]);
		is_found = descend(m, left - w->n_moves);
		if (!is_found)
			room_give(&m->room, &m->to[i]);
	}
	if (is_found)
		return true;
	m->n_waiting = n_waiting;
	for (size_t k = w->n_out; k-- > 0;)
		put_back(m, w->out[k]);
	return false;
}

/* Who has, after all, what it had: it does not move. */
static bool is_back(const struct take_list *at, const struct take_list *to)
{
	bool is_same = at->n == to->n;
	for (size_t k = 0; is_same && k < at->n; k++)
		is_same = at->v[k].cell == to->v[k].cell && at->v[k].n_cores == to->v[k].n_cores;
	return is_same;
}

/* All have a place: is it a good one? */
static bool is_accepted(struct repacking *m)
{
	enum { WORK_OF_A_JUDGE = 2000 };
	for (size_t i = 0; i < m->n; i++) {
		struct mover *mover = &m->movers[i];
		mover->is_moved = m->is_out[i] && !is_back(&mover->at, &m->to[i]);
		mover->to = mover->is_moved ? m->to[i] : (struct take_list){ 0 };
	}
	if (!m->judge)
		return true;
	m->work -= WORK_OF_A_JUDGE;
	return m->judge->accepts(m->judge->context, m->movers, m->n, &m->to[m->n]);
}

/* Places for all who wait, with so many moves left. */
static bool descend(struct repacking *m, int left)
{
	if (!m->n_waiting)
		return is_accepted(m);
	AUTO_FREE size_t *waiting = xcalloc(m->n_waiting, sizeof *waiting);
	size_t n_waiting = m->n_waiting, at = pick_waiting(m), i = m->waiting[at];
	struct way_list ways = { 0 };
	bool is_found = false;
	memcpy(waiting, m->waiting, n_waiting * sizeof *waiting);
	m->waiting[at] = m->waiting[--m->n_waiting];
	list_ways(m, m->movers[i].req, left, &ways);
	for (size_t k = 0; k < ways.n && k < m->width && !is_found && m->work > 0; k++)
		is_found = go(m, i, &ways.v[k], left);
	free(ways.v);
	if (!is_found) {
		memcpy(m->waiting, waiting, n_waiting * sizeof *waiting);
		m->n_waiting = n_waiting;
	}
	return is_found;
}

static bool try_moves(struct repacking *m, int n_moves)
{
	m->waiting[0] = m->n;
	m->n_waiting = 1;
	return descend(m, n_moves);
}

/* Moves make no cores: where all are of one width, there must be enough for the guest at all. */
static bool is_hopeless(const struct repacking *m)
{
	const struct request *guest = m->movers[m->n].req;
	int n = 0;
	for (size_t k = 0; k < m->s->n_cells; k++) {
		const struct cell *c = &m->s->cells[k];
		bool is_of_use = false;
		for (size_t v = 0; v < m->s->n_views; v++)
			is_of_use |= c->usable[v] > 0;
		n += is_of_use ? m->room.cores[k] : 0;
		if (is_of_use && c->width != m->s->widest)
			return false;
	}
	return guest->wish.cores != CORES_THREAD && n < m->weight[m->n];
}

/* All ways first; then, with as much work again, a few of them. */
static int find(struct repacking *m, int most)
{
	long work = m->work / 2;
	m->work -= work;
	m->width = SIZE_MAX;
	if (is_hopeless(m))
		return -1;
	int n = 0;
	for (; n <= most && m->work > 0; n++)
		if (try_moves(m, n))
			return n;
	bool is_proven = n > most && m->work > 0;
	m->work = (m->work > 0 ? m->work : 0) + work;
	m->width = NARROW;
	for (; !is_proven && n <= most && m->work > 0; n++)
		if (try_moves(m, n))
			return n;
	return -1;
}

/* ---- all anew ---- */

/* All that are not kept, and the guest: is there a place for each? Then m->to has these, and they
 * are out. */
static bool plan_anew(struct repacking *m, const bool *is_kept)
{
	AUTO_FREE struct request *requests = xcalloc(m->n + 1, sizeof *requests);
	AUTO_FREE struct take_list *takes = xcalloc(m->n + 1, sizeof *takes);
	size_t n = 0;
	bool is_found = true;
	for (size_t i = 0; i <= m->n; i++) {
		if (i < m->n && is_kept[i])
			continue;
		if (i < m->n)
			take_out(m, i);
		requests[n++] = *m->movers[i].req;
	}
	solve_in(m->s, &m->room, requests, n, takes);
	for (size_t k = 0; k < n; k++)
		is_found &= takes[k].is_found;
	for (size_t i = 0, k = 0; i <= m->n; i++) {
		if (i < m->n && is_kept[i])
			continue;
		struct take_list *to = is_found ? &m->to[i] : &takes[k];
		free(to->v);
		if (is_found)
			*to = takes[k];
		else if (i < m->n)
			put_back(m, i);
		k++;
	}
	return is_found;
}

static void put_all_back(struct repacking *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->is_out[i])
			put_back(m, i);
}

static int count_moves(const struct repacking *m)
{
	int n = 0;
	for (size_t i = 0; i < m->n; i++)
		n += m->is_out[i] && !m->movers[i].is_free;
	return n;
}

/* The number of moves, -1: there is no way. Who is kept is decided in their order. */
static int find_anew(struct repacking *m, int most)
{
	AUTO_FREE bool *is_kept = xcalloc(m->n + 1, sizeof *is_kept);
	if (!plan_anew(m, is_kept))
		return -1;
	for (size_t i = 0; i < m->n; i++) {
		is_kept[i] = true;
		put_all_back(m);
		if (plan_anew(m, is_kept))
			continue;
		is_kept[i] = false;
		if (!plan_anew(m, is_kept))
			return -1;
	}
	return count_moves(m) <= most && is_accepted(m) ? count_moves(m) : -1;
}

static void begin(struct repacking *m, const struct request *guest)
{
	m->movers[m->n] = (struct mover){ .req = guest };
	m->weight = arena_alloc(&m->arena, (m->n + 1) * sizeof *m->weight);
	m->shape = arena_alloc(&m->arena, (m->n + 1) * sizeof *m->shape);
	m->is_out = arena_alloc(&m->arena, (m->n + 1) * sizeof *m->is_out);
	m->to = arena_alloc(&m->arena, (m->n + 1) * sizeof *m->to);
	m->waiting = arena_alloc(&m->arena, (m->n + 2) * sizeof *m->waiting);
	for (enum scope scope = SCOPE_L3; scope <= SCOPE_ANY; scope++)
		list_domains(m, scope);
	class_cells(m);
	number_shapes(m);
}

int repack(const struct solver *s, const struct room *room, const struct request *guest,
	struct mover *movers, size_t n, int most, const struct repack_judge *judge, long *work,
	struct take_list *ret)
{
	AUTO_FREE struct mover *all = xcalloc(n + 1, sizeof *all);
	struct repacking m = { .s = s, .movers = all, .n = n, .work = *work, .judge = judge };
	if (n)
		memcpy(all, movers, n * sizeof *all);
	m.room = room_copy(s, room);
	begin(&m, guest);
	int n_moves = find(&m, most);
	if (n_moves < 0 && n <= ANEW_MAX && (int)n <= most && !is_hopeless(&m))
		n_moves = find_anew(&m, most);
	for (size_t i = 0; i < n; i++) {
		movers[i].is_moved = n_moves >= 0 && all[i].is_moved;
		if (movers[i].is_moved)
			movers[i].to = m.to[i];
		else
			free(m.to[i].v);
		n_moves -= n_moves >= 0 && m.is_out[i] && !all[i].is_moved && !all[i].is_free;
	}
	if (n_moves >= 0)
		*ret = m.to[n];
	else
		free(m.to[n].v);
	room_done(&m.room);
	arena_done(&m.arena);
	*work = m.work;
	return n_moves;
}
