/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMs come one after the other to a host out of thin air until no more fit, a third of them goes,
 * and the largest of the others comes that is refused though there are cores enough for it:
 * place-repack HOST MIX SEED [LP] prints
 *
 *	CPUS VMS CORES MOVES NS
 *
 * how many VMs are there, how many cores the refused one needs, how many of them the planner moves
 * to let it in (-1: it finds no way), and in what CPU time. LP is written for a solver of its own
 * (CBC): its optimum is the least number of moves. Nothing is printed where no VM is refused so, or
 * where cores do not only need to be counted.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "instance.h"
#include "plan/place-repack.h"

enum { DEMAND = 140, MOVES_MAX = 64 };

static struct mover movers[INSTANCE_MAX];
static size_t n_movers;

static bool fits(
	const struct instance *x, const struct room *room, size_t i, struct take_list *takes)
{
	long work = 0;
	const struct request *req = &x->requests[i];
	return spot_find(x->solver, room, req, req->scope, FIT_KIND, takes, &work);
}

/* As many as fit come, and a third of them goes. Returns the cores that are free then. */
static long fill(const struct instance *x, struct room *room, bool *is_there)
{
	long left = x->n_free;
	for (size_t i = 0; i < x->n; i++) {
		struct take_list takes = { 0 };
		is_there[i] = fits(x, room, i, &takes);
		if (is_there[i])
			room_take(room, &takes);
		if (is_there[i] && instance_between(1, 3) > 1) {
			left -= x->weight[i];
			movers[n_movers++] = (struct mover){ .req = &x->requests[i], .at = takes };
			continue;
		}
		movers[INSTANCE_MAX - 1 - (i - n_movers)].at = takes; /* it goes later */
	}
	for (size_t k = 0; k < x->n - n_movers; k++) {
		struct take_list *takes = &movers[INSTANCE_MAX - 1 - k].at;
		room_give(room, takes);
		free(takes->v);
		*takes = (struct take_list){ 0 };
	}
	return left;
}

/* The largest that is refused though there are cores enough for it; x->n: there is none. */
static size_t pick_guest(
	const struct instance *x, const struct room *room, long left, const bool *is_there)
{
	size_t best = x->n;
	for (size_t i = 0; i < x->n; i++) {
		struct take_list takes = { 0 };
		if (x->weight[i] <= left && !is_there[i] &&
			(best == x->n || x->weight[i] > x->weight[best]) &&
			!fits(x, room, i, &takes))
			best = i;
		free(takes.v);
	}
	return best;
}

/* ---- the program ---- */

static int helper(const struct request *req)
{
	return req->needs_helper;
}

static int weight(const struct instance *x, const struct request *req)
{
	return solver_weight(x->solver, req);
}

/* Cores that it has in the L3 for now. */
static int has_in(const struct instance *x, const struct mover *m, int l3)
{
	int n = 0;
	array_for_each (t, &m->at)
		n += x->solver->cells[t->cell].l3 == l3 ? t->n_cores : 0;
	return n;
}

/* x: lies in that L3, node, or anywhere (0), placed anew; z: cores of an L3 for those that may lie
 * anywhere in its node; s: stays. */
static void write_domains(const struct instance *x, size_t i, const struct request *req, FILE *f)
{
	enum scope scope = req->scope > SCOPE_FEWEST ? SCOPE_FEWEST : req->scope;
	for (int d = 0; d < solver_n_domains(&x->inv, scope); d++)
		fprintf(f, " + x%zu_%d", i, d);
}

/* Cores that an item placed anew takes of the node of its domain, in any L3. */
static void write_flexible(
	const struct instance *x, size_t i, const struct request *req, int node, FILE *f)
{
	int n = req->scope == SCOPE_L3 ? helper(req) : weight(x, req);
	if (!n)
		return;
	if (req->scope >= SCOPE_FEWEST) {
		fprintf(f, " - y%zu_%d", i, node);
		return;
	}
	for (int d = 0; d < solver_n_domains(&x->inv, req->scope); d++)
		if ((req->scope == SCOPE_L3 ? x->h->s.l3s[d].node : d) == node)
			fprintf(f, " - %d x%zu_%d", n, i, d);
}

static const struct request *item(const struct instance *x, size_t i, size_t guest)
{
	return i < n_movers ? movers[i].req : &x->requests[guest];
}

static void write_rows(const struct instance *x, size_t guest, FILE *f)
{
	for (size_t i = 0; i <= n_movers; i++) {
		const struct request *req = item(x, i, guest);
		fprintf(f, " one%zu:", i);
		write_domains(x, i, req, f);
		fprintf(f, i < n_movers ? " + s%zu = 1\n" : " = 1\n", i);
		if (req->scope < SCOPE_FEWEST)
			continue;
		fprintf(f, " all%zu: - %d x%zu_0", i, weight(x, req), i);
		for (size_t n = 0; n < x->h->s.n_nodes; n++)
			fprintf(f, " + y%zu_%zu", i, n);
		fputs(" = 0\n", f);
	}
	for (int l = 0; l < (int)x->h->s.n_l3s; l++) {
		fprintf(f, " l%d: z%d", l, l);
		for (size_t i = 0; i <= n_movers; i++) {
			const struct request *req = item(x, i, guest);
			int has = i < n_movers ? has_in(x, &movers[i], l) : 0;
			if (has)
				fprintf(f, " + %d s%zu", has, i);
			if (req->scope == SCOPE_L3 && weight(x, req) > helper(req))
				fprintf(f, " + %d x%zu_%d", weight(x, req) - helper(req), i, l);
		}
		fprintf(f, " <= %d\n", counts_free(x, SCOPE_L3, l));
	}
	for (int n = 0; n < (int)x->h->s.n_nodes; n++) {
		if (!x->solver->domains[SCOPE_NODE][n].n)
			continue;
		fprintf(f, " n%d:", n);
		for (int l = 0; l < (int)x->h->s.n_l3s; l++)
			if (x->h->s.l3s[l].node == n)
				fprintf(f, " + z%d", l);
		for (size_t i = 0; i <= n_movers; i++)
			write_flexible(x, i, item(x, i, guest), n, f);
		fputs(" = 0\n", f);
	}
}

static void write_lp(const struct instance *x, size_t guest, FILE *f)
{
	fputs("Minimize\n moves:", f);
	for (size_t i = 0; i < n_movers; i++)
		write_domains(x, i, movers[i].req, f);
	fputs("\nSubject To\n", f);
	write_rows(x, guest, f);
	fputs("Generals\n", f);
	for (size_t l = 0; l < x->h->s.n_l3s; l++)
		fprintf(f, " z%zu\n", l);
	fputs("Binaries\n", f);
	for (size_t i = 0; i <= n_movers; i++) {
		const struct request *req = item(x, i, guest);
		enum scope scope = req->scope > SCOPE_FEWEST ? SCOPE_FEWEST : req->scope;
		for (int d = 0; d < solver_n_domains(&x->inv, scope); d++)
			fprintf(f, " x%zu_%d\n", i, d);
		if (i < n_movers)
			fprintf(f, " s%zu\n", i);
	}
	fputs("End\n", f);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: place-repack HOST MIX SEED [LP]\n");
		return 2;
	}
	struct instance *x = instance_new(argv[1], argv[2], 0, DEMAND, strtoull(argv[3], NULL, 10));
	if (!x)
		return 2;
	struct room room = room_copy(x->solver, &x->empty);
	static bool is_there[INSTANCE_MAX];
	bool is_counted = counts_do(x) && x->n < INSTANCE_MAX / 2;
	long left = is_counted ? fill(x, &room, is_there) : 0;
	size_t guest = is_counted ? pick_guest(x, &room, left, is_there) : x->n;
	FILE *f = argc > 4 && guest < x->n ? fopen(argv[4], "w") : NULL;
	if (f) {
		write_lp(x, guest, f);
		fclose(f);
	}
	if (guest < x->n) {
		struct take_list takes = { 0 };
		long work = REPACK_WORK;
		uint64_t began = instance_clock_ns();
		int n = repack(x->solver, &room, &x->requests[guest], movers, n_movers, MOVES_MAX,
			NULL, &work, &takes);
		printf("%zu %zu %d %d %llu\n", x->h->s.n_cpus, n_movers, x->weight[guest], n,
			(unsigned long long)(instance_clock_ns() - began));
		free(takes.v);
	}
	movers_done(movers, n_movers);
	room_done(&room);
	instance_free(x);
	return 0;
}
