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

/* The whole planner for one VM beside those in force; false: refused. Its CPU time is in *ns. */
static bool place_one(const struct instance *x, const struct policy *policy, size_t i,
	struct placement *in_force, size_t *n, uint64_t *ns)
{
	static struct placements
		*all[INSTANCE_MAX]; /* as long as the program, like what is in force */
	struct err e = { 0 };
	uint64_t began = instance_clock_ns();
	if (place_vms(&x->h->s, &x->h->vms, policy, &i, 1, in_force, *n, &all[i], &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	*ns = instance_clock_ns() - began;
	if (all[i]->n)
		in_force[(*n)++] = all[i]->v[0];
	return all[i]->n;
}

/* Until the first is refused, in cores; or the time of each, whether it is refused or not. */
static long admit(const struct instance *x, bool prints_times)
{
	static struct placement in_force[INSTANCE_MAX];
	AUTO_POLICY struct policy *policy = fake_policy(x->policy);
	size_t n = 0;
	long sum = 0;
	for (size_t i = 0; i < x->n; i++) {
		uint64_t ns;
		bool is_placed = place_one(x, policy, i, in_force, &n, &ns);
		if (prints_times)
			printf("%llu %s\n", (unsigned long long)ns,
				is_placed ? "placed" : "refused");
		else if (!is_placed)
			break;
		sum += is_placed ? x->weight[i] : 0;
	}
	return sum;
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
		admit(x, true);
	} else {
		printf("%ld %ld %ld", x->n_free, instance_solve(x), admit(x, false));
		for (enum rule rule = RULE_FIRST; rule < N_RULES; rule++)
			printf(" %ld", rule_admits(x, rule, true));
		printf("\n");
	}
	instance_free(x);
	return 0;
}
