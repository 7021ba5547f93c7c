/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step of the daemon: the host is made to be as the policy says, where it is not.
 *
 * It looks at everything, whatever the reason to look. The VMs that run and that a section of the
 * policy names have their CPUs afterwards, what is in force of VMs that have ended goes, and what
 * somebody else changed of what is in force is as it was; a few times, and then it needs a person.
 * What is in force stays where it is. All of that is one transaction as that of apply, or none.
 */
#pragma once

#include "session/events.h"
#include "session/outcome.h"

struct change;
struct host;
struct recall;

struct reconciled {
	struct events events; /* what is to be told, which was not told before */
	bool is_changed;      /* there was a transaction */
};

/*
 * OUTCOME_DONE: the host is as the policy says. OUTCOME_REPORT: but for VMs that were refused, or
 * settings that were given up. Else e says what failed, and what was in force is, but for
 * OUTCOME_RESIDUE. To be freed with reconciled_done() in any case.
 */
enum outcome reconcile(struct host *h, struct reconciled *ret, struct err *e) MUST_CHECK;
void reconciled_done(struct reconciled *r);
#define AUTO_RECONCILED CLEANUP(reconciled_done)

/* A step leaves that change alone: the kernel would not take just that, it shows in a while, or it
 * is always written and right where it says so. recall: or NULL; now_ns: host_clock_ns(). */
bool reconcile_leaves(
	struct host *h, const struct recall *recall, const struct change *c, uint64_t now_ns);
