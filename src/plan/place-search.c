/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large neighbourhood search ("ruin and recreate"): a step empties a few L3s that are near each
 * other or not, fills them anew, refused VMs among the candidates, and is kept when that admits no
 * less weight than the best, or in one epoch of four, only a little less. A step costs what it
 * moves and not what the host holds, so that large hosts need no more of them than small ones.
 */
#include <string.h>

#include "base/alloc.h"
#include "plan/place-search.h"

enum { MOVED_MAX = 24, GUESTS_MAX = 12 };

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

/* One step. */
struct step {
	size_t *v; /* requests: those that were taken out, then refused ones */
	size_t n, n_out;
	struct take_list *old; /* of those taken out */
	struct room room;
	uint64_t *key;   /* to sort them by */
	bool *is_ruined; /* by cell */
};

/* An L3, or where there is none, a node: as one number. */
static int domain_of(const struct solver *s, int cell)
{
	const struct cell *c = &s->cells[cell];
	return c->l3 >= 0 ? c->l3 : (int)s->inv->s->n_l3s + c->node + 1;
}

/* One to three domains: of one node, or of anywhere. */
static void pick_cells(const struct solver *s, struct step *step, uint64_t *rng)
{
	memset(step->is_ruined, 0, s->n_cells * sizeof *step->is_ruined);
	int node = s->cells[pick(rng, s->n_cells)].node;
	bool is_near = pick(rng, 2);
	for (size_t k = 1 + pick(rng, 3), tries = 0; k && tries < 16; tries++) {
		int cell = (int)pick(rng, s->n_cells), domain = domain_of(s, cell);
		if (step->is_ruined[cell] || (is_near && s->cells[cell].node != node))
			continue;
		for (size_t i = 0; i < s->n_cells; i++)
			step->is_ruined[i] |= domain_of(s, (int)i) == domain;
		k--;
	}
}

static bool is_there(const struct step *step, const struct take_list *takes)
{
	array_for_each (t, takes)
		if (step->is_ruined[t->cell])
			return true;
	return false;
}

/* Takes them out, from a random one on, and at most so many. */
static void ruin(struct search *s, struct state *st, struct step *step, uint64_t *rng)
{
	size_t from = pick(rng, s->n);
	step->n = 0;
	for (size_t k = 0; k < s->n && step->n < MOVED_MAX; k++) {
		size_t i = from + k < s->n ? from + k : from + k - s->n;
		struct take_list *takes = &st->takes[i];
		if (!takes->is_found || !is_there(step, takes))
			continue;
		room_give(&st->room, takes);
		st->weight -= s->weight[i];
		step->old[step->n] = *takes;
		*takes = (struct take_list){ 0 };
		step->v[step->n++] = i;
	}
	step->n_out = step->n;
	from = pick(rng, s->n);
	for (size_t k = 0; k < s->n && step->n < step->n_out + GUESTS_MAX; k++) {
		size_t i = from + k < s->n ? from + k : from + k - s->n;
		bool is_out = false;
		for (size_t j = 0; j < step->n_out; j++)
			is_out |= step->v[j] == i;
		if (!st->takes[i].is_found && !is_out)
			step->v[step->n++] = i;
	}
	s->work += (long)(s->n / 8 + step->n);
}

/* Large ones first, more or less; or in any order. */
static void shuffle(const struct search *s, struct step *step, uint64_t *rng)
{
	static const uint64_t noise[] = { 2, 4, 16, 0 };
	uint64_t n = noise[pick(rng, 4)];
	for (size_t k = 0; k < step->n; k++) {
		size_t i = step->v[k], at = k;
		uint64_t weight = (uint64_t)s->weight[i];
		uint64_t key =
			n ? weight * 64 + pick(rng, (weight + 1) * 64 / n + 1) : next_random(rng);
		for (; at > 0 && step->key[at - 1] < key; at--) {
			step->key[at] = step->key[at - 1];
			step->v[at] = step->v[at - 1];
		}
		step->key[at] = key;
		step->v[at] = i;
	}
}

static bool is_possible(const struct search *s, const struct state *st)
{
	for (size_t k = 0; k < s->solver->n_cells; k++)
		if (st->room.open[k] < 0) /* whose core it was has gone */
			return false;
	return true;
}

/* floor: what must be admitted for the step to be kept. */
static void take_step(
	struct search *s, struct state *st, struct step *step, long floor, uint64_t *rng)
{
	long weight = st->weight;
	size_t out[MOVED_MAX];
	pick_cells(s->solver, step, rng);
	room_set(s->solver, &step->room, &st->room);
	ruin(s, st, step, rng);
	memcpy(out, step->v, step->n_out * sizeof *out);
	shuffle(s, step, rng);
	enum fit fit = FIT_TIGHT + (enum fit)pick(rng, FIT_EVEN - FIT_TIGHT + 1);
	search_insert(s, st, step->v, step->n, fit);
	bool is_kept = st->weight >= (floor < weight ? floor : weight) && is_possible(s, st);
	for (size_t k = 0; k < step->n && !is_kept; k++) {
		free(st->takes[step->v[k]].v);
		st->takes[step->v[k]] = (struct take_list){ 0 };
	}
	for (size_t k = 0; k < step->n_out; k++) {
		if (is_kept)
			free(step->old[k].v);
		else
			st->takes[out[k]] = step->old[k];
	}
	if (is_kept)
		return;
	room_set(s->solver, &st->room, &step->room);
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

void search_improve(struct search *s, struct state *st, long bound, long work)
{
	enum { MOST = MOVED_MAX + GUESTS_MAX, EPOCH = 64 };
	uint64_t rng = 0x9e3779b97f4a7c15u, key[MOST];
	size_t v[MOST];
	struct take_list old[MOVED_MAX];
	AUTO_FREE bool *is_ruined = xcalloc(s->solver->n_cells + 1, sizeof *is_ruined);
	struct step step = { .v = v, .old = old, .key = key, .is_ruined = is_ruined };
	struct state best = { .takes = xcalloc(s->n + 1, sizeof *best.takes) };
	step.room = room_copy(s->solver, &st->room);
	best.room = room_copy(s->solver, &st->room);
	remember(s, st, &best);
	work += s->work;
	for (long k = 0; s->work < work && best.weight < bound; k++) {
		long slack = k / EPOCH % 4 == 3 ? 1 + best.weight / 16 : 0;
		take_step(s, st, &step, best.weight - slack, &rng);
		if (st->weight > best.weight)
			remember(s, st, &best);
	}
	remember(s, &best, st);
	for (size_t i = 0; i < s->n; i++)
		free(best.takes[i].v);
	free(best.takes);
	room_done(&best.room);
	room_done(&step.room);
}
