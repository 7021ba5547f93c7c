/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ejection chains: a step puts a VM where it is not, takes out whom that needs, finds these and
 * some of the refused other places, and is kept when that admits no less weight, or in one epoch of
 * four, only a little less than the best. A step touches a handful of VMs and asks single
 * domains, so that many thousand of them are done in the time of one plan.
 */
#include <string.h>

#include "base/alloc.h"
#include "plan/place-search.h"

enum { REFILL_L3S = 6, REFILL_STEPS = 300, REFILL_EVERY = 4 };
enum { TOUCHED_MAX = 24, EJECTED_MAX = 7, GUESTS_MAX = 6, ASKED_MAX = 16 };

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

static size_t pick(uint64_t *rng, size_t n)
{
	return next_random(rng) % n;
}

void search_insert(struct search *s, struct state *st, const size_t *order, size_t n, enum fit fit)
{
	AUTO_FREE bool *is_full = xcalloc(s->n + 1, sizeof *is_full); /* by shape */
	for (size_t k = 0; k < n; k++) {
		size_t i = order[k];
		const struct request *req = &s->requests[i];
		struct take_list *takes = &st->takes[i];
		s->work++;
		takes->is_found = !is_full[s->shape[i]] &&
			spot_find(s->solver, &st->room, req, req->scope, fit, takes, &s->work);
		is_full[s->shape[i]] = !takes->is_found;
		if (!takes->is_found)
			continue;
		room_take(&st->room, takes);
		st->weight += s->weight[i];
	}
}

/* One step: whom it has touched, and what they had. */
struct step {
	size_t v[TOUCHED_MAX], n;
	struct take_list old[TOUCHED_MAX];
	struct take_list spare[TOUCHED_MAX]; /* their memory is used again */
	int left[ASKED_MAX], n_left;         /* cells where room was made */
	enum fit fit;
	struct take_list tried;
	uint64_t *rng;
};

/* The VM has no place; in what it had there is room. False: too many are touched. */
static bool take_out(struct search *s, struct state *st, struct step *step, size_t i)
{
	struct take_list *takes = &st->takes[i];
	if (step->n == TOUCHED_MAX)
		return false;
	for (size_t k = 0; k < step->n; k++)
		if (step->v[k] == i)
			return !takes->is_found;
	if (takes->is_found) {
		room_give(&st->room, takes);
		st->weight -= s->weight[i];
		if (takes->n && step->n_left < ASKED_MAX)
			step->left[step->n_left++] = takes->v[0].cell;
	}
	step->old[step->n] = *takes;
	*takes = step->spare[step->n];
	takes->n = 0;
	takes->is_found = false;
	step->v[step->n++] = i;
	return true;
}

static void put_in(struct search *s, struct state *st, size_t i)
{
	st->takes[i].is_found = true;
	room_take(&st->room, &st->takes[i]);
	st->weight += s->weight[i];
}

static void finish(struct state *st, struct step *step, bool is_kept)
{
	for (size_t k = step->n; k-- > 0;) {
		struct take_list *takes = &st->takes[step->v[k]];
		if (is_kept) {
			step->spare[k] = step->old[k];
			continue;
		}
		if (takes->is_found)
			room_give(&st->room, takes);
		step->spare[k] = *takes;
		*takes = step->old[k];
		if (takes->is_found)
			room_take(&st->room, takes);
	}
}

static int domain_of(const struct solver *s, enum scope scope, int cell)
{
	const struct cell *c = &s->cells[cell];
	return scope == SCOPE_L3 ? c->l3 : scope == SCOPE_NODE ? c->node : 0;
}

static int random_domain(const struct solver *s, enum scope scope, uint64_t *rng)
{
	int n = solver_n_domains(s->inv, scope);
	return n ? (int)pick(rng, (size_t)n) : -1;
}

/* Somebody with a core in the domain, or in its node; s->n: nobody is. */
static size_t pick_guest(
	const struct search *s, const struct state *st, enum scope scope, int domain, uint64_t *rng)
{
	size_t from = pick(rng, s->n);
	for (size_t k = 0; k < s->n; k++) {
		size_t i = from + k < s->n ? from + k : from + k - s->n;
		const struct take_list *takes = &st->takes[i];
		if (takes->is_found && takes->n &&
			domain_of(s->solver, scope, takes->v[0].cell) == domain)
			return i;
	}
	return s->n;
}

/* Puts it there, and takes out one after the other of those that are in its way. */
static bool force_in(struct search *s, struct state *st, struct step *step, size_t i)
{
	const struct request *req = &s->requests[i];
	const struct solver *solver = s->solver;
	enum scope scope = req->scope;
	int domain = random_domain(solver, scope, step->rng);
	if (domain < 0 || !take_out(s, st, step, i))
		return false;
	for (int k = 0; k <= EJECTED_MAX; k++) {
		s->work += 6;
		if (spot_in(solver, &st->room, req, scope, domain, step->fit, &st->takes[i])) {
			put_in(s, st, i);
			return true;
		}
		/* Memory, and a core for helpers, are the node's. */
		bool is_full = room_count(solver, &st->room, req, scope, domain) < s->weight[i];
		enum scope wide = is_full || scope != SCOPE_L3 ? scope : SCOPE_NODE;
		int where = wide == scope ? domain : solver->inv->s->l3s[domain].node;
		size_t other = pick_guest(s, st, wide, where, step->rng);
		if (other == s->n || !take_out(s, st, step, other))
			return false;
	}
	return false;
}

/* The domains where room was made, then any. */
static int next_domain(
	const struct search *s, const struct step *step, enum scope scope, int n_domains, int k)
{
	if (n_domains <= ASKED_MAX)
		return k;
	return k < step->n_left ? domain_of(s->solver, scope, step->left[k])
				: random_domain(s->solver, scope, step->rng);
}

/* Where it fits best of the domains that are asked. */
static bool find_in(struct search *s, struct state *st, struct step *step, size_t i)
{
	const struct request *req = &s->requests[i];
	struct take_list *takes = &st->takes[i];
	int n_domains = solver_n_domains(s->solver->inv, req->scope);
	int64_t best = 0;
	bool is_found = false;
	for (int k = 0; k < n_domains && k < ASKED_MAX; k++) {
		int domain = next_domain(s, step, req->scope, n_domains, k);
		s->work++;
		if (domain < 0 ||
			room_count(s->solver, &st->room, req, req->scope, domain) < s->least[i])
			continue;
		s->work += 5;
		if (!spot_in(
			    s->solver, &st->room, req, req->scope, domain, step->fit, &step->tried))
			continue;
		struct spot_cost c = spot_cost(
			s->solver, &st->room, req, req->scope, domain, &step->tried, step->fit);
		if (is_found && c.cores + c.room >= best)
			continue;
		is_found = true;
		best = c.cores + c.room;
		struct take_list old = *takes;
		*takes = step->tried;
		step->tried = old;
	}
	return is_found;
}

/* Large ones first, more or less; or in any order. */
static void shuffle(const struct search *s, size_t *v, size_t n, uint64_t *rng)
{
	static const uint64_t noise[] = { 2, 4, 16, 0 };
	bool is_by_density = pick(rng, 2);
	uint64_t most = noise[pick(rng, 4)], keys[TOUCHED_MAX];
	for (size_t k = 0; k < n; k++) {
		size_t i = v[k], at = k;
		uint64_t weight = (uint64_t)s->weight[i];
		if (is_by_density && s->requests[i].bind.kib)
			weight = (weight << 32) / (s->requests[i].bind.kib + 1);
		uint64_t key = most ? weight * 64 + pick(rng, (weight + 1) * 64 / most + 1)
				    : next_random(rng);
		for (; at > 0 && keys[at - 1] < key; at--) {
			keys[at] = keys[at - 1];
			v[at] = v[at - 1];
		}
		keys[at] = key;
		v[at] = i;
	}
}

static bool is_possible(const struct search *s, const struct state *st)
{
	for (size_t k = 0; s->has_open && k < s->solver->n_cells; k++)
		if (st->room.open[k] < 0) /* whose core it was has gone */
			return false;
	return true;
}

/* Some of the refused, from a random one on. */
static void invite(struct search *s, struct state *st, struct step *step)
{
	size_t from = pick(step->rng, s->n), n = 0;
	for (size_t k = 0; k < s->n && n < GUESTS_MAX; k++) {
		size_t i = from + k < s->n ? from + k : from + k - s->n;
		if (st->takes[i].is_found)
			continue;
		n++;
		if (!take_out(s, st, step, i))
			return;
	}
}

/* One of the refused, mostly; else any that may move. */
static size_t pick_first(const struct search *s, const struct state *st, uint64_t *rng)
{
	bool is_any = pick(rng, 3) == 0;
	size_t from = pick(rng, s->n);
	for (size_t k = 0; k < s->n; k++) {
		size_t i = from + k < s->n ? from + k : from + k - s->n;
		if (st->takes[i].is_found ? is_any : !is_any)
			return i;
	}
	return from;
}

/* floor: what must be admitted for the step to be kept. */
static void take_step(struct search *s, struct state *st, struct step *step, long floor)
{
	long weight = st->weight;
	step->n = 0;
	step->n_left = 0;
	step->fit = FIT_TIGHT + (enum fit)pick(step->rng, FIT_EVEN - FIT_TIGHT + 1);
	s->work += 8 + (long)s->n / 16;
	bool is_in = force_in(s, st, step, pick_first(s, st, step->rng));
	if (is_in)
		invite(s, st, step);
	size_t order[TOUCHED_MAX];
	memcpy(order, step->v, step->n * sizeof *order);
	shuffle(s, order, step->n, step->rng);
	for (size_t k = 0; is_in && k < step->n; k++)
		if (!st->takes[order[k]].is_found && find_in(s, st, step, order[k]))
			put_in(s, st, order[k]);
	bool is_kept =
		is_in && st->weight >= (floor < weight ? floor : weight) && is_possible(s, st);
	finish(st, step, is_kept);
	if (!is_kept)
		st->weight = weight;
}

/* best becomes a copy of st. */
static void remember(const struct search *s, const struct state *st, struct state *best)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct take_list *from = &st->takes[i];
		struct take_list *to = &best->takes[i];
		to->n = 0;
		array_for_each (t, from)
			*array_push(to) = *t;
		to->is_found = from->is_found;
	}
	room_set(s->solver, &best->room, &st->room);
	best->weight = st->weight;
}

/* A few L3s, or all of a few nodes, are filled anew. */
static void refill(struct search *s, struct state *st, uint64_t *rng)
{
	const struct snapshot *host = s->solver->inv->s;
	AUTO_FREE bool *is_chosen = xcalloc(host->n_l3s + 1, sizeof *is_chosen);
	bool is_by_node = pick(rng, 2);
	for (size_t n = 1 + pick(rng, is_by_node ? 2 : REFILL_L3S); n; n--) {
		size_t l3 = pick(rng, host->n_l3s);
		for (size_t i = 0; i < host->n_l3s; i++)
			is_chosen[i] |=
				i == l3 || (is_by_node && host->l3s[i].node == host->l3s[l3].node);
	}
	(void)exact_improve(s, st, is_chosen, pick(rng, s->n), REFILL_STEPS);
}

/* Work is left, or whoever waits has time; asked once in a while. */
static bool goes_on(const struct search *s, long k, long work, long cores, long most)
{
	enum { ASKED_EVERY = 64 };
	const struct plan_options *o = s->solver->options;
	const struct plan_progress progress = { cores, most };
	if (s->work < work)
		return true;
	return o && o->goes_on && (k % ASKED_EVERY || o->goes_on(o->context, &progress));
}

void search_improve(struct search *s, struct state *st, long bound, long work)
{
	enum { EPOCH = 256 };
	uint64_t rng = 0x9e3779b97f4a7c15u;
	struct step step = { .rng = &rng };
	struct state best = { .takes = xcalloc(s->n + 1, sizeof *best.takes) };
	best.room = room_copy(s->solver, &st->room);
	remember(s, st, &best);
	work += s->work;
	for (long k = 0; best.weight < bound && goes_on(s, k, work, best.weight, bound); k++) {
		long slack =
			k / EPOCH % 4 == 3 ? 1 + (long)pick(&rng, 1 + (size_t)best.weight / 32) : 0;
		take_step(s, st, &step, best.weight - slack);
		if (s->is_plain && k % REFILL_EVERY == 0)
			refill(s, st, &rng);
		if (st->weight > best.weight)
			remember(s, st, &best);
	}
	remember(s, &best, st);
	for (size_t i = 0; i < s->n; i++)
		free(best.takes[i].v);
	free(best.takes);
	room_done(&best.room);
	free(step.tried.v);
	for (size_t k = 0; k < TOUCHED_MAX; k++)
		free(step.spare[k].v);
}
