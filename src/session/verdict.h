/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel asked: who may run on the CPUs that are claimed? What apply ends with, and what
 * status is built on. */
#pragma once

#include "base/err.h"
#include "plan/intruders.h"

struct changes;
struct host;
struct ledger;
struct snapshot;
struct vms;

struct verdict {
	struct snapshot *snapshot; /* NULL: nothing was to be asked, and nothing was read */
	struct vms *vms;
	struct intruders *intruders; /* NULL with it */
};

/* Reads the host anew for what is applied. To be freed with verdict_done() in any case. */
int verdict_of_ledger(
	struct host *h, const struct ledger *l, struct verdict *ret, struct err *e) MUST_CHECK;
/* The same for who has read the host himself (SNAPSHOT_ALL at least); NULL: nothing is applied. The
 * caller frees with intruders_free(). */
struct intruders *verdict_intruders(
	const struct snapshot *s, const struct vms *vms, const struct ledger *l) MUST_CHECK;
/* The same for claims that the changes have just put in force: these know what the kernel refused
 * to move. Where all of them are merely pinned there is nothing to ask. */
int verdict_of_changes(struct host *h, const struct changes *changes, const struct claims *claims,
	struct verdict *ret, struct err *e) MUST_CHECK;
bool verdict_has_intruders(const struct verdict *v);
void verdict_done(struct verdict *v);
#define AUTO_VERDICT CLEANUP(verdict_done)
