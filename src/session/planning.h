/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the host and the policy to a list of changes: what plan shows and apply does. */
#pragma once

#include "apply/changes.h"
#include "model/snapshot.h"
#include "plan/intruders.h"
#include "plan/plan.h"
#include "plan/settings.h"
#include "policy/policy.h"
#include "session/options.h"
#include "session/outcome.h"
#include "vm/expected.h"

struct planning {
	struct snapshot *snapshot;
	struct vms *vms;
	struct policy *policy;
	struct ledger *ledger;         /* in force */
	const char *tuned_profile;     /* that would fight what is planned; NULL: none does */
	bool is_repack;                /* VMs may move, see struct plan_options */
	struct placements *placements; /* new ones, and refusals */
	ARRAY(struct placement) all;   /* in force and new */
	size_t n_kept;                 /* of these: in force before */
	struct claims claims;          /* of all */
	struct intruders *displaced;   /* who may run now on what the new ones claim */
	struct settings *settings;
	struct changes *changes;
};

/* Tells the claims which threads have masks of their own, by the ledger. They are allocated in the
 * arena, and live as long as that. */
void claims_add_own_masks(struct claims *claims, const struct ledger *l, struct arena *a);

/* Plans as the options and the policy say. Anything but OUTCOME_DONE is a failure with its text in
 * e; the planning is to be freed with planning_done() in any case. */
enum outcome planning_make(struct host *h, const struct option_values *options,
	struct planning *ret, struct err *e) MUST_CHECK;
/* The same for a policy that was read, which it takes: for all running VMs that its sections name,
 * of which there may be none. What is in force of VMs that have ended goes. */
enum outcome planning_keep(
	struct host *h, struct policy *policy, struct planning *ret, struct err *e) MUST_CHECK;
/* For one VM that is about to start, beside what is in force, by the policy's files: its placement,
 * where the policy names it, or its refusal. *ret_vm lives as long as the planning. Only
 * placements, snapshot, VMs, policy and ledger are filled: nothing can be set of what is not there.
 */
enum outcome planning_expect(struct host *h, const struct vm_expectation *who, struct planning *ret,
	const struct vm **ret_vm, struct err *e) MUST_CHECK;
/* OUTCOME_REPORT where a VM was refused, or the ledger is damaged; else OUTCOME_DONE. */
enum outcome planning_outcome(const struct planning *p);
void planning_done(struct planning *p);
#define AUTO_PLANNING CLEANUP(planning_done)

/* The one of the same process, or NULL. */
const struct placement *placement_same_process(
	const struct placement *v, size_t n, const struct placement *p);
/* What was in force of it before; NULL: nothing was. */
const struct placement *planning_former(const struct planning *p, const struct placement *pl);
/* It has other CPUs than in force, or another level. */
bool planning_is_news(const struct planning *p, const struct placement *pl);
/* What it has for itself, as status says it; else where its vCPUs are. Malloc'ed. */
char *placement_cpus_text(const struct placement *p) MUST_CHECK;

/* True when the placed process still is the same. */
bool placement_is_alive(struct host *h, const struct placement *p);
