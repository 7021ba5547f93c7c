/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Did anything come between the VMs in force since the last look? A few numbers of each, before
 * check reads the whole host: on a calm one it need not. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"

struct host;
struct ledger;

struct calm_vm {
	uint64_t waited_ns;  /* its threads were runnable and did not run */
	uint64_t taken_ns;   /* of the vCPUs' CPUs by interrupts, softirqs and steal */
	uint64_t stalled_ns; /* some thread of its group waited for a disk */
};

/* The last look. Zero at first. */
struct calm {
	uint64_t at_ns;
	ARRAY(struct calm_vm) vms; /* in the order of the placements */
};

/*
 * True where the numbers of each placement grew by less since the last look than what check could
 * call a finding. False at the first look, when there are more or fewer placements than then, and
 * where a thread that waited has ended. 'now_ns' is any steady clock's. Keeps the numbers in *c,
 * which calm_forget() frees.
 */
bool calm_look(struct host *h, const struct ledger *l, uint64_t now_ns, struct calm *c);
void calm_forget(struct calm *c);
