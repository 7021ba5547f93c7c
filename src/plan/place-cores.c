/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From counts to cores: the solver says how many cores of which cells a request takes, and here
 * the lowest ones that are there are dealt, in the order of the requests. What the last core of a
 * VM with cores = thread leaves is dealt to others of its kind, after all have their own cores.
 */
#include <string.h>

#include "plan/place.h"

struct dealer {
	struct planner *p;
	bool *is_used;         /* by core */
	struct cpuset *opened; /* by cell: CPUs of opened cores */
	const struct request *req;
	struct spot *spot;
	size_t group; /* of the request, with cores = thread */
	int left;     /* CPUs that it still needs */
};

static bool is_there(const struct dealer *d, size_t i, bool is_alone)
{
	int owner = d->p->inv.cores[i].owner;
	return !d->is_used[i] &&
		(owner == NOBODY || (is_alone && d->req->self != NOBODY && owner == d->req->self));
}

/* The lowest of these that the group needs. */
static struct cpuset deal_cpus(struct dealer *d, const struct cpuset *cpus)
{
	struct cpuset mine = CPUSET_EMPTY;
	if (d->left == 0 && d->group + 1 < d->req->n_groups)
		d->left = (int)d->req->groups[++d->group].n;
	cpuset_for_each (cpu, cpus) {
		if (d->left == 0)
			break;
		cpuset_add(&mine, cpu);
		d->left--;
	}
	return mine;
}

static struct spot_core deal_core(struct dealer *d, const struct take *t, size_t i)
{
	const struct host_core *core = &d->p->inv.cores[i];
	d->is_used[i] = true;
	if (d->req->wish.cores != CORES_THREAD)
		return (struct spot_core){ (int)i, core->cpus };
	struct cpuset cpus = cpuset_minus(core->cpus, &d->req->blocked_cpus);
	if (!t->is_helper)
		cpus = deal_cpus(d, &cpus);
	struct cpuset rest = cpuset_minus(core->cpus, &cpus);
	cpuset_remove_all(&rest, &d->p->kept_cpus);
	cpuset_add_all(&d->opened[t->cell], &rest);
	return (struct spot_core){ (int)i, cpuset_keep(&d->p->scratch, &cpus) };
}

/* The next core of the cell: the favoured of its kind, then the lowest; -1: there is none. */
static int next_core(const struct dealer *d, const struct take *t, bool is_alone, bool is_own)
{
	const struct inventory *inv = &d->p->inv;
	int best = -1;
	for (size_t i = 0; i < inv->n_cores; i++)
		if (d->p->solver->cell_of_core[i] == t->cell && is_there(d, i, is_alone) &&
			(!is_own || inv->cores[i].owner != NOBODY) &&
			(best < 0 || inv->cores[i].rank < inv->cores[best].rank))
			best = (int)i;
	return best;
}

/* Its own cores first: it stays on them. */
static void deal_cores(struct dealer *d, const struct take *t, bool is_alone)
{
	for (int n = t->n_cores; n; n--) {
		int i = is_alone ? next_core(d, t, true, true) : -1;
		i = i < 0 ? next_core(d, t, is_alone, false) : i;
		if (i < 0)
			return;
		struct spot_core c = deal_core(d, t, (size_t)i);
		if (t->is_helper)
			d->spot->helper = c;
		else
			d->spot->cores[d->spot->n_cores++] = c;
	}
}

static void deal_opened(struct dealer *d, const struct take *t)
{
	for (int n = t->n_open; n; n--) {
		int cpu = cpuset_first(&d->opened[t->cell]);
		struct cpuset cpus = cpuset_of(cpu);
		cpuset_remove(&d->opened[t->cell], cpu);
		d->spot->cores[d->spot->n_cores++] = (struct spot_core){ d->p->core_of_cpu[cpu],
			cpuset_keep(&d->p->scratch, &cpus) };
	}
}

void place_opened(const struct planner *p, int *open, struct cpuset *opened)
{
	struct cpuset taken = inventory_taken(p);
	taken = cpuset_or(&taken, &p->kept_cpus);
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		const struct host_core *core = &p->inv.cores[i];
		if (core->owner == NOBODY ||
			p->owners.v[core->owner].placement->wish.cores != CORES_THREAD)
			continue;
		int cell = p->solver->cell_of_core[i];
		struct cpuset left = cpuset_minus(core->cpus, &taken);
		cpuset_add_all(&opened[cell], &left);
		open[cell] = cpuset_count(&opened[cell]);
	}
}

struct room place_room_left(const struct planner *p, const struct request *req)
{
	AUTO_FREE int *owner = xcalloc(p->inv.n_cores + 1, sizeof *owner);
	AUTO_FREE struct cpuset *opened = xcalloc(p->solver->n_cells + 1, sizeof *opened);
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		int o = p->inv.cores[i].owner;
		owner[i] = o == req->self ? NOBODY : o;
	}
	struct room room = room_of(p->solver, owner, NOBODY);
	place_opened(p, room.open, opened);
	return room;
}

void place_deal(struct planner *p, const struct request *requests, size_t n,
	const struct take_list *takes, bool is_alone, struct cpuset *opened, struct spot *spots)
{
	AUTO_FREE bool *is_used = xcalloc(p->inv.n_cores + 1, sizeof *is_used);
	struct dealer d = { .p = p, .is_used = is_used, .opened = opened };
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++) {
			d.req = &requests[i];
			d.spot = &spots[i];
			if (pass == 0) {
				spots[i] = (struct spot){ .helper.core = -1 };
				spots[i].cores = arena_alloc(
					&p->scratch, (d.req->n_cpus + 1) * sizeof *spots[i].cores);
				d.group = 0;
				d.left = d.req->n_groups ? (int)d.req->groups[0].n : 0;
				array_for_each (t, &takes[i])
					d.left -= t->n_open;
			}
			array_for_each (t, &takes[i]) {
				if (pass == 0)
					deal_cores(&d, t, is_alone);
				else
					deal_opened(&d, t);
			}
		}
}
