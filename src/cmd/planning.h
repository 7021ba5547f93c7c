/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What plan, apply and status have in common: from the host and the policy to a list of changes,
 * and how that is shown. */
#pragma once

#include "apply/transaction.h"
#include "cmd/cmd.h"
#include "model/snapshot.h"
#include "plan/plan.h"
#include "plan/settings.h"
#include "policy/policy.h"
#include "vm/vm.h"

struct planning {
	struct snapshot *snapshot;
	struct vms *vms;
	struct policy *policy;
	struct ledger *ledger;         /* in force */
	struct placements *placements; /* new ones, and refusals */
	ARRAY(struct placement) all;   /* in force and new */
	size_t n_kept;                 /* of these: in force before */
	struct settings *settings;
	struct changes *changes;
};

/* Plans as the command's options and the policy say. Returns 0 or an exit code. */
int planning_make(struct context *c, struct planning *p, struct err *e) MUST_CHECK;
void planning_done(struct planning *p);
#define AUTO_PLANNING CLEANUP(planning_done)

/* Adds plan's payload and its text to the report. */
void planning_report(const struct planning *p, struct report *r);
/* changes[] and how they are shown; with results when they were made. */
void changes_report(const struct changes *changes, bool is_made, struct report *r);

/* Is this its id or name? */
bool placement_is_called(const struct placement *p, const char *word);
/* True when the placed process still is the same. */
bool placement_is_alive(struct host *h, const struct placement *p);
