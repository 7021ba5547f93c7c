/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the solver: a batch of requests, where they are so far, and the search for better. Only
 * src/plan/place-s*.c include this. */
#pragma once

#include "plan/place.h"

struct search {
	const struct solver *solver;
	const struct request *requests;
	size_t n;
	const int *shape;  /* by request: alike ones have one number, below n */
	const int *weight; /* by request: cores */
	struct room start; /* before any of them has a spot */
	long work;         /* so far */
};

/* Where they are. */
struct state {
	struct take_list *takes; /* by request */
	struct room room;        /* beside them */
	long weight;             /* of all that are found */
};

/* Gives each of the n requests in the order a spot in what is left; what one was refused, those
 * alike are refused too, since room only gets less. */
void search_insert(struct search *s, struct state *st, const size_t *order, size_t n, enum fit fit);

/* Looks for more weight until 'bound' is reached, or work is: again and again it takes the VMs of
 * a few domains out and puts them, and some of the refused, in again in another order and by
 * another fit; in between it may lose a little to get out of a dead end. st is the best
 * that was found. Deterministic. */
void search_improve(struct search *s, struct state *st, long bound, long work);
