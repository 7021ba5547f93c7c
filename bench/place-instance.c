/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instance of the placement problem: place-instance HOST MIX SEED [LP]. Makes a host and VMs
 *out of thin air, has them placed, and prints
 *
 *	CORES VMS ASKED PLACED NS FIRST BEST WORST RANDOM
 *
 * in cores, but for VMS and NS: what is free, how many VMs ask for how many cores, how many the
 * planner places and in what time, and what simple rules place, in the order in which VMs come:
 * the first L3 that holds it, the one with the least room left, that with the most, any. LP is
 * written for a solver of its own (CBC): the optimum is what it says.
 *
 * VMs have full cores, in one L3 where they fit in one, else in one node. MIX "mixed": half have 1
 * to 4 cores, the rest up to 24; "dense": 1 to 3. So many that 110 % of what is free is asked for.
 */
#include <stdio.h>
#include <time.h>

#include "base/str.h"
#include "../tests/machine/fake-host.h"

enum { MAX = 1024, MAX_L3S = 256 };

static const struct {
	const char *name;
	struct shape shape;
} hosts[] = {
	{ "ryzen", { 1, 1, 2, 8, 2, true } },
	{ "epyc-nps1", { 1, 1, 8, 8, 2, true } },
	{ "epyc-nps4", { 1, 4, 2, 8, 2, true } },
	{ "l3-as-numa", { 1, 8, 1, 8, 2, true } },
	{ "two-sockets", { 2, 1, 8, 8, 2, true } },
	{ "one-l3-each", { 2, 1, 1, 56, 2, true } },
	{ "eight-sockets", { 8, 1, 1, 24, 2, true } },
	{ "arm", { 1, 1, 1, 128, 1, false } },
	{ "large", { 4, 1, 16, 8, 2, true } },
};

static uint64_t rng;

static uint64_t next_random(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng >> 11;
}

static int between(int low, int high)
{
	return low + (int)(next_random() % (uint64_t)(high - low + 1));
}

struct instance {
	int free[MAX_L3S], node[MAX_L3S], size[MAX_L3S]; /* by L3; size: when empty */
	int n_l3s, n_nodes, widest, node_room;
	int cores[MAX];
	int n, asked, n_free;
};

/* Housekeeping is one core per node, the first. */
static void count_room(struct instance *x, const struct snapshot *s)
{
	x->n_l3s = (int)s->n_l3s;
	x->n_nodes = (int)s->n_nodes;
	int room[MAX_L3S] = { 0 };
	for (int l = 0; l < x->n_l3s; l++)
		x->node[l] = s->l3s[l].node;
	for (size_t c = 0; c < s->n_cores; c++)
		x->free[s->cores[c].l3]++;
	for (int n = 0; n < x->n_nodes; n++)
		for (int l = 0; l < x->n_l3s; l++)
			if (x->node[l] == n) {
				x->free[l]--;
				break;
			}
	for (int l = 0; l < x->n_l3s; l++) {
		x->size[l] = x->free[l];
		x->n_free += x->free[l];
		room[x->node[l]] += x->free[l];
		x->widest = x->free[l] > x->widest ? x->free[l] : x->widest;
	}
	for (int n = 0; n < x->n_nodes; n++)
		x->node_room = room[n] > x->node_room ? room[n] : x->node_room;
}

/* ---- simple rules ---- */

enum rule { RULE_FIRST, RULE_BEST, RULE_WORST, RULE_RANDOM };

static int pick_l3(const int *room, int n, int need, enum rule rule)
{
	int best = -1, seen = 0;
	for (int l = 0; l < n; l++) {
		if (room[l] < need)
			continue;
		seen++;
		bool is_better = best < 0 ||
			(rule == RULE_BEST                    ? room[l] < room[best]
					: rule == RULE_WORST  ? room[l] > room[best]
					: rule == RULE_RANDOM ? between(1, seen) == 1
							      : false);
		best = is_better ? l : best;
	}
	return best;
}

/* Too large for an L3: a node, and there the emptiest L3s first. */
static bool take_node(const struct instance *x, int *room, int need, enum rule rule)
{
	int sums[MAX_L3S] = { 0 };
	for (int l = 0; l < x->n_l3s; l++)
		sums[x->node[l]] += room[l];
	int node = pick_l3(sums, x->n_nodes, need, rule);
	while (node >= 0 && need > 0) {
		int most = -1;
		for (int l = 0; l < x->n_l3s; l++)
			if (x->node[l] == node && (most < 0 || room[l] > room[most]))
				most = l;
		int n = room[most] < need ? room[most] : need;
		room[most] -= n;
		need -= n;
	}
	return node >= 0;
}

static int simulate(const struct instance *x, enum rule rule)
{
	int room[MAX_L3S], placed = 0;
	memcpy(room, x->free, sizeof room);
	for (int i = 0; i < x->n; i++) {
		int need = x->cores[i];
		if (need > x->widest) {
			placed += take_node(x, room, need, rule) ? need : 0;
			continue;
		}
		int l = pick_l3(room, x->n_l3s, need, rule);
		if (l < 0)
			continue;
		room[l] -= need;
		placed += need;
	}
	return placed;
}

/* ---- for a solver: max Σ cores of what is placed ---- */

static void write_lp(const struct instance *x, FILE *f)
{
	fputs("Maximize\n obj:", f);
	for (int i = 0; i < x->n; i++)
		for (int l = 0; l < (x->cores[i] > x->widest ? x->n_nodes : x->n_l3s); l++)
			fprintf(f, " + %d %c%d_%d", x->cores[i],
				x->cores[i] > x->widest ? 'y' : 'x', i, l);
	fputs("\nSubject To\n", f);
	for (int i = 0; i < x->n; i++) {
		bool is_wide = x->cores[i] > x->widest;
		fprintf(f, " v%d:", i);
		for (int l = 0; l < (is_wide ? x->n_nodes : x->n_l3s); l++)
			fprintf(f, " + %c%d_%d", is_wide ? 'y' : 'x', i, l);
		fputs(" <= 1\n", f);
		for (int n = 0; is_wide && n < x->n_nodes; n++) {
			fprintf(f, " w%d_%d:", i, n);
			for (int l = 0; l < x->n_l3s; l++)
				if (x->node[l] == n)
					fprintf(f, " + z%d_%d", i, l);
			fprintf(f, " - %d y%d_%d = 0\n", x->cores[i], i, n);
		}
	}
	for (int l = 0; l < x->n_l3s; l++) {
		fprintf(f, " l%d:", l);
		for (int i = 0; i < x->n; i++)
			if (x->cores[i] > x->widest)
				fprintf(f, " + z%d_%d", i, l);
			else
				fprintf(f, " + %d x%d_%d", x->cores[i], i, l);
		fprintf(f, " <= %d\n", x->free[l]);
	}
	fputs("General\n", f);
	for (int i = 0; i < x->n; i++)
		for (int l = 0; x->cores[i] > x->widest && l < x->n_l3s; l++)
			fprintf(f, " z%d_%d", i, l);
	fputs("\nBinary\n", f);
	for (int i = 0; i < x->n; i++)
		for (int l = 0; l < (x->cores[i] > x->widest ? x->n_nodes : x->n_l3s); l++)
			fprintf(f, " %c%d_%d", x->cores[i] > x->widest ? 'y' : 'x', i, l);
	fputs("\nEnd\n", f);
}

static uint64_t clock_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Makes the VMs; the last is one that makes the demand 110 %. */
static void make_vms(struct fake_host *h, struct instance *x, int width, bool is_dense)
{
	while (x->asked * 10 < x->n_free * 11 && x->n < MAX) {
		int cores = is_dense         ? between(1, 3)
			: between(1, 2) == 1 ? between(1, 4)
					     : between(1, 24);
		cores = cores > x->node_room ? x->node_room : cores;
		cores = cores > 32 ? 32 : cores; /* fake_vm() */
		AUTO_FREE char *id = xasprintf("%d", 100 + x->n);
		fake_vm(h, id, cores * width, width, 0);
		x->cores[x->n++] = cores;
		x->asked += cores;
	}
}

int main(int argc, char **argv)
{
	size_t k = 0;
	while (k < N_ELEMENTS(hosts) && (argc < 4 || !streq(hosts[k].name, argv[1])))
		k++;
	if (k == N_ELEMENTS(hosts)) {
		fprintf(stderr, "usage: place-instance HOST mixed|dense SEED [LP]\n");
		for (k = 0; k < N_ELEMENTS(hosts); k++)
			fprintf(stderr, "  %s\n", hosts[k].name);
		return 2;
	}
	rng = 0x9e3779b97f4a7c15u * (strtoull(argv[3], NULL, 10) + 1);
	next_random();
	struct fake_host *h = fake_host(hosts[k].shape);
	h->max_vms = MAX;
	static struct instance x;
	count_room(&x, &h->s);
	make_vms(h, &x, hosts[k].shape.threads, streq(argv[2], "dense"));
	AUTO_POLICY struct policy *policy = fake_policy("[vm *]\nplace = one-l3\n");
	size_t wanted[MAX];
	for (int i = 0; i < x.n; i++)
		wanted[i] = (size_t)i;
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e = { 0 };
	uint64_t began = clock_ns();
	if (place_vms(&h->s, &h->vms, policy, wanted, (size_t)x.n, NULL, 0, &p, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	uint64_t ns = clock_ns() - began;
	int placed = 0;
	for (size_t i = 0; i < p->n; i++)
		placed += cpuset_count(&p->v[i].claim_cpus) / hosts[k].shape.threads;
	printf("%d %d %d %d %llu", x.n_free, x.n, x.asked, placed, (unsigned long long)ns);
	for (enum rule rule = RULE_FIRST; rule <= RULE_RANDOM; rule++)
		printf(" %d", simulate(&x, rule));
	printf("\n");
	FILE *f = argc > 4 ? fopen(argv[4], "w") : NULL;
	if (f) {
		write_lp(&x, f);
		fclose(f);
	}
	fake_free(h);
	return argc > 4 && !f;
}
