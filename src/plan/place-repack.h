/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the planner: the fewest VMs that must move so that one more fits. Counts only, as the
 * solver's: place-move.c makes CPUs of them. */
#pragma once

#include "plan/place.h"

enum { REPACK_WORK = 40000000 }; /* units of about 15 ns */

/* A VM that has its place, and may get another. */
struct mover {
	const struct request *req;
	struct take_list at; /* what it has */
	bool is_free;        /* it has moved already, and may move on at no price */
	bool is_moved;       /* of repack(): ... */
	struct take_list to; /* ... and where to; to be freed with movers_done() */
};

/* The last word on what is found: movers have is_moved and to; false: another way is looked for. */
struct repack_judge {
	bool (*accepts)(
		void *context, const struct mover *movers, size_t n, const struct take_list *guest);
	void *context;
};

void movers_done(struct mover *movers, size_t n);

/*
 * Finds the guest a place in the room, and others for as few of the movers as possible, 'most' of
 * them at most. Returns how many, or -1: none was found in so much work (see spot_find()), of which
 * what was used is taken off. ret, to free, is where the guest goes; both are only written on
 * success. judge: may be NULL. Deterministic.
 */
int repack(const struct solver *s, const struct room *room, const struct request *guest,
	struct mover *movers, size_t n, int most, const struct repack_judge *judge, long *work,
	struct take_list *ret);
