/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the planner: other places for VMs that have one, dealt on trial before they are offered
 * or made. */
#pragma once

#include "plan/place-repack.h"

/* Who gets a place, all at once: those that move, and last the guest. */
struct trial {
	struct request *requests;
	int *owner; /* NOBODY: it has none yet */
	struct take_list *takes;
	struct placement *made;
	size_t n;
};

/* Those of the movers that repack() moves, and the guest with what it takes. In p->scratch. */
struct trial trial_of(struct planner *p, const struct mover *movers, size_t n,
	const struct request *guest, const struct take_list *takes);
/* Deals them their CPUs, one after the other where partitions must, fills t->made, and leaves the
 * planner as it was. False: no CPU would be left for QEMU's other threads, or they wait for each
 * other's partitions. */
bool trial_fits(struct planner *p, struct trial *t);
