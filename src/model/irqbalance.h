/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What irqbalance keeps interrupts off: as it says itself, and as it was configured. */
#pragma once

#include <stdbool.h>

#include "base/cpuset.h"

struct host;
struct snapshot;

struct irqbalance {
	bool is_told;                  /* it answered on its socket */
	bool has_list;                 /* it was configured with a list */
	struct cpuset banned_cpus;     /* what it said; else what it bans as it was configured */
	struct cpuset configured_cpus; /* after its next start: its list, else what it bans by
					* itself, isolcpus= and nohz_full= */
	const char *file;              /* where its list is or would be, below the root */
};

/* An absent or unreadable file is none. The snapshot needs SNAPSHOT_TUNABLES. */
void irqbalance_read(struct host *h, const struct snapshot *s, struct irqbalance *ret);

/*
 * The banned CPUs of its environment, false where it names none: irqbalance(1).
 *	IRQBALANCE_BANNED_CPULIST="2-7"
 * The older IRQBALANCE_BANNED_CPUS, a mask, goes before it.
 */
bool irqbalance_banned_in(const char *text, struct cpuset *ret);
