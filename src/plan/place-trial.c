/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/place-trial.h"

#include "base/alloc.h"

struct trial trial_of(struct planner *p, const struct mover *movers, size_t n,
	const struct request *guest, const struct take_list *takes)
{
	struct arena *a = &p->scratch;
	struct trial t = { .requests = arena_alloc(a, (n + 1) * sizeof *t.requests) };
	t.owner = arena_alloc(a, (n + 1) * sizeof *t.owner);
	t.takes = arena_alloc(a, (n + 1) * sizeof *t.takes);
	t.made = arena_alloc(a, (n + 1) * sizeof *t.made);
	for (size_t i = 0; i < n; i++) {
		if (!movers[i].is_moved)
			continue;
		t.owner[t.n] = place_self(p, movers[i].req->vm);
		t.requests[t.n] = *movers[i].req;
		t.takes[t.n++] = movers[i].to;
	}
	t.owner[t.n] = guest->self;
	t.requests[t.n] = *guest;
	t.takes[t.n++] = *takes;
	return t;
}

/* What is claimed when it is done. */
static struct cpuset claimed_after(const struct planner *p, const struct trial *t)
{
	struct cpuset claimed = CPUSET_EMPTY;
	for (size_t o = 0; o < p->owners.n; o++) {
		bool is_moved = false;
		for (size_t i = 0; i < t->n; i++)
			is_moved |= t->owner[i] == (int)o;
		if (!is_moved)
			cpuset_add_all(&claimed, &p->owners.v[o].placement->claim_cpus);
	}
	for (size_t i = 0; i < t->n; i++)
		cpuset_add_all(&claimed, &t->made[i].claim_cpus);
	return claimed;
}

static bool leaves_cpus(const struct planner *p, const struct trial *t)
{
	struct cpuset claimed = claimed_after(p, t);
	for (size_t i = 0; i < t->n; i++)
		if (!place_leaves_a_cpu(p, &t->requests[i], &t->made[i], &claimed))
			return false;
	return true;
}

static void release(struct planner *p, int owner)
{
	for (size_t k = 0; k < p->inv.n_cores; k++)
		if (owner != NOBODY && p->inv.cores[k].owner == owner)
			p->inv.cores[k].owner = NOBODY;
}

/* In what is free now, and what it has itself. */
static bool has_cores_for(const struct planner *p, const struct trial *t, size_t i)
{
	array_for_each (take, &t->takes[i]) {
		int n = 0;
		for (size_t k = 0; k < p->inv.n_cores; k++) {
			int owner = p->inv.cores[k].owner;
			n += p->solver->cell_of_core[k] == take->cell &&
				(owner == NOBODY || owner == t->owner[i]);
		}
		array_for_each (other, &t->takes[i])
			n -= other->cell == take->cell ? other->n_cores : 0;
		if (n < 0)
			return false;
	}
	return true;
}

static void deal_one(
	struct planner *p, struct trial *t, size_t i, struct cpuset *opened, struct spot *spot)
{
	int id = t->owner[i] == NOBODY ? (int)p->owners.n : t->owner[i];
	release(p, t->owner[i]);
	place_deal(p, &t->requests[i], 1, &t->takes[i], false, opened, spot);
	for (size_t k = 0; k < spot->n_cores; k++)
		p->inv.cores[spot->cores[k].core].owner = id;
	if (spot->helper.core >= 0)
		p->inv.cores[spot->helper.core].owner = id;
}

/* One after the other, into what is free by then, so that no partition takes another's CPUs. False:
 * not all can. */
static bool deal_in_order(struct planner *p, struct trial *t, struct spot *spots)
{
	AUTO_FREE bool *is_done = xcalloc(t->n + 1, sizeof *is_done);
	AUTO_FREE int *open = xcalloc(p->solver->n_cells + 1, sizeof *open);
	AUTO_FREE struct cpuset *opened = xcalloc(p->solver->n_cells + 1, sizeof *opened);
	place_opened(p, open, opened);
	for (size_t i = 0; i < t->n; i++)
		if (t->owner[i] >= (int)p->n_in_force)
			release(p, t->owner[i]); /* it holds nothing yet */
	for (size_t n = 0, i; n < t->n; n++) {
		for (i = 0; i < t->n && (is_done[i] || !has_cores_for(p, t, i)); i++)
			;
		if (i == t->n)
			return false;
		deal_one(p, t, i, opened, &spots[i]);
		is_done[i] = true;
	}
	return true;
}

static void deal_at_once(struct planner *p, struct trial *t, struct spot *spots)
{
	AUTO_FREE int *open = xcalloc(p->solver->n_cells + 1, sizeof *open);
	AUTO_FREE struct cpuset *opened = xcalloc(p->solver->n_cells + 1, sizeof *opened);
	for (size_t i = 0; i < t->n; i++)
		release(p, t->owner[i]);
	place_opened(p, open, opened);
	place_deal(p, t->requests, t->n, t->takes, false, opened, spots);
}

static void set_owners(struct planner *p, const int *owner)
{
	for (size_t k = 0; k < p->inv.n_cores; k++)
		p->inv.cores[k].owner = owner[k];
}

bool trial_fits(struct planner *p, struct trial *t)
{
	AUTO_FREE int *owner = xcalloc(p->inv.n_cores + 1, sizeof *owner);
	AUTO_FREE struct spot *spots = xcalloc(t->n + 1, sizeof *spots);
	for (size_t k = 0; k < p->inv.n_cores; k++)
		owner[k] = p->inv.cores[k].owner;
	if (!deal_in_order(p, t, spots)) {
		set_owners(p, owner);
		deal_at_once(p, t, spots);
	}
	set_owners(p, owner);
	for (size_t i = 0; i < t->n; i++)
		t->made[i] = place_fill(p, &t->requests[i], &spots[i]);
	return leaves_cpus(p, t);
}
