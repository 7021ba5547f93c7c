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
	const int *least;  /* by request: cores that it takes where they are widest, no helper's */
	bool has_open;     /* somebody has cores = thread */
	bool is_plain;     /* see exact_is_plain() */
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

/* Looks for more weight until 'bound' is reached, or work is: again and again it puts a VM where
 * it is not, takes out whom that needs, and finds these and some of the refused other places; in
 * between it may lose a little to get out of a dead end. st is the best that was found.
 * Deterministic, but where the solver's options say for how long. */
void search_improve(struct search *s, struct state *st, long bound, long work);

/* place-exact.c */

enum exact_end { EXACT_NONE, EXACT_BETTER, EXACT_PROVEN };

/* Every core that is of use to one of them is as good for all: counts are enough. */
bool exact_is_plain(struct search *s);
/* Takes those VMs out of st that are in the chosen L3s, and gives them and the refused (from the
 * 'from'-th on, as many as it can have) places there for which more weight is admitted, if it finds
 * any in so many steps of the tree. is_chosen: by L3; NULL: all of the host, and with EXACT_PROVEN
 * there is nothing better. */
enum exact_end exact_improve(
	struct search *s, struct state *st, const bool *is_chosen, size_t from, long steps);
