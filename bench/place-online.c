/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMs that come one after the other to a host out of thin air, and never move: place-online HOST
 *MIX SEED prints, in cores,
 *
 *	FREE POSSIBLE WIDEBERTH FIRST BEST WORST RANDOM KUBELET NOVA NEAR
 *
 * what is free, what of all of them could be admitted if they came at once, and what is admitted
 * until the first is refused, by the planner and by simple rules (instance.h). place-online HOST
 *MIX SEED times prints the CPU time of the whole planner for each VM beside those in force, in ns.
 */
#include <stdio.h>

#include "base/str.h"
#include "instance.h"

enum { DEMAND = 140 }; /* percent of what is free */

static long admitted(const struct instance *x)
{
	struct room room = room_copy(x->solver, &x->empty);
	long sum = 0;
	for (size_t i = 0; i < x->n && instance_place(x, &room, &x->requests[i]); i++)
		sum += x->weight[i];
	room_done(&room);
	return sum;
}

static void print_times(const struct instance *x)
{
	static struct placement in_force[INSTANCE_MAX];
	static struct placements *all[INSTANCE_MAX];
	AUTO_POLICY struct policy *policy = fake_policy(x->policy);
	size_t n = 0;
	for (size_t i = 0; i < x->n; i++) {
		struct err e = { 0 };
		uint64_t began = instance_clock_ns();
		if (place_vms(&x->h->s, &x->h->vms, policy, &i, 1, in_force, n, &all[i], &e) < 0) {
			fprintf(stderr, "%s\n", e.text);
			exit(1);
		}
		printf("%llu %s\n", (unsigned long long)(instance_clock_ns() - began),
			all[i]->n ? "placed" : "refused");
		if (all[i]->n)
			in_force[n++] = all[i]->v[0];
	}
	for (size_t i = 0; i < x->n; i++)
		placements_free(all[i]);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: place-online HOST MIX SEED [times]\n");
		return 2;
	}
	struct instance *x = instance_new(argv[1], argv[2], 0, DEMAND, strtoull(argv[3], NULL, 10));
	if (!x)
		return 2;
	if (argc > 4) {
		print_times(x);
	} else {
		printf("%ld %ld %ld", x->n_free, instance_solve(x), admitted(x));
		for (enum rule rule = RULE_FIRST; rule < N_RULES; rule++)
			printf(" %ld", rule_admits(x, rule, true));
		printf("\n");
	}
	instance_free(x);
	return 0;
}
