/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instance of the placement problem: place-instance HOST MIX TIGHTNESS SEED [LP [SECONDS]].
 *Makes a host and VMs out of thin air, has them placed, and prints
 *
 *	FREE VMS ASKED PLACED SOLVER_NS PLAN_NS FIRST BEST WORST RANDOM KUBELET NOVA
 *
 * in cores, but for VMS and the times, which are CPU time: what is free, how many VMs ask for how
 * many cores (110 %), how many the solver admits, and what simple rules do (instance.h). PLAN_NS is
 * the whole planner's for the same VMs, whose memory it is not told. LP is written for a solver of
 * its own (CBC): the optimum is what that says. With SECONDS the solver goes on for so long.
 *TIGHTNESS is what they bind of the memory, in percent.
 */
#include <stdio.h>

#include "base/str.h"
#include "instance.h"

static uint64_t plan_it(const struct instance *x)
{
	AUTO_POLICY struct policy *policy = fake_policy(x->policy);
	size_t wanted[INSTANCE_MAX];
	for (size_t i = 0; i < x->n; i++)
		wanted[i] = i;
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e = { 0 };
	uint64_t began = instance_clock_ns();
	if (place_vms(&x->h->s, &x->h->vms, policy, wanted, x->n, NULL, 0, &p, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	return instance_clock_ns() - began;
}

static bool goes_on(void *context, const struct plan_progress *progress)
{
	(void)progress;
	return instance_clock_ns() < *(uint64_t *)context;
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fprintf(stderr, "usage: place-instance HOST MIX TIGHTNESS SEED [LP [SECONDS]]\n");
		return 2;
	}
	struct instance *x =
		instance_new(argv[1], argv[2], atoi(argv[3]), 110, strtoull(argv[4], NULL, 10));
	if (!x)
		return 2;
	uint64_t began = instance_clock_ns(), end;
	const struct plan_options patience = { .goes_on = goes_on, .context = &end };
	end = began + (argc > 6 ? strtoull(argv[6], NULL, 10) : 0) * 1000000000;
	x->solver->options = argc > 6 ? &patience : NULL;
	long placed = instance_solve(x);
	uint64_t solver_ns = instance_clock_ns() - began;
	printf("%ld %zu %ld %ld %llu %llu", x->n_free, x->n, x->asked, placed,
		(unsigned long long)solver_ns, (unsigned long long)plan_it(x));
	for (enum rule rule = RULE_FIRST; rule < N_RULES; rule++)
		printf(" %ld", rule_admits(x, rule, false));
	printf("\n");
	FILE *f = argc > 5 ? fopen(argv[5], "w") : NULL;
	if (f) {
		instance_write_lp(x, f);
		fclose(f);
	}
	instance_free(x);
	return argc > 5 && !f;
}
