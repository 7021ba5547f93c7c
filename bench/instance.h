/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up instance of the placement problem: a host and VMs that want cores and memory. */
#pragma once

#include "../tests/machine/fake-host.h"
#include "plan/place.h"

enum { INSTANCE_MAX = 1024 };

struct instance {
	struct fake_host *h;
	struct inventory inv;
	struct cpuset kept_cpus; /* housekeeping: the first core of each node */
	struct solver *solver;
	struct room empty;
	struct planner
		planner; /* what its functions that make requests want to know: all of the above */
	struct placements notes;
	struct request requests[INSTANCE_MAX];
	int weight[INSTANCE_MAX];
	size_t n;
	long n_free, asked; /* cores */
	char *policy;       /* for place_vms() */
};

/* tightness: percent of the host's memory that the VMs ask for together; 0: they bind none. They
 * ask for 'demand' percent of the free cores. NULL, with a word on stderr: no such host or mix. */
struct instance *instance_new(
	const char *host, const char *mix, int tightness, int demand, uint64_t seed);
void instance_free(struct instance *x);
uint64_t instance_random(void);
uint64_t instance_clock_ns(void); /* CPU time */
/* What the solver admits, in cores. */
long instance_solve(const struct instance *x);
int instance_between(int low, int high);

/* The problem as a mixed integer program in CPLEX's LP format: max Σ weight of what is placed. */
void instance_write_lp(const struct instance *x, FILE *f);
/* counts.c: whether cores only need to be counted, and the program that does. */
bool counts_do(const struct instance *x);
void counts_write_lp(const struct instance *x, FILE *f);
/* Cores of an L3 or a node. */
int counts_free(const struct instance *x, enum scope scope, int domain);
/* sets.c: false: nodes hold too many VMs for that. */
bool sets_write_lp(const struct instance *x, FILE *f);

/* Where the planner has one that comes to what is there, which it takes from the room; false: it is
 * refused. */
bool instance_place(const struct instance *x, struct room *room, const struct request *req);

/* What simple rules admit, in the order in which the VMs come: the first L3 (of node) that holds
 * it, the one with the least room left over, that with the most, any; two by the published rules of
 * other programs, see rules.c; and best fit with what is larger than an L3 where the planner has
 * it: over as few L3s and nodes as it can be, in even parts. Returns the weight. */
enum rule {
	RULE_FIRST,
	RULE_BEST,
	RULE_WORST,
	RULE_RANDOM,
	RULE_KUBELET,
	RULE_NOVA,
	RULE_NEAR,
	N_RULES
};
long rule_admits(const struct instance *x, enum rule rule, bool is_until_refusal);
