/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a host for check: the snapshot, the VMs, and two readings of its counters an interval
 * apart. Changes nothing. */
#pragma once

#include "apply/ledger.h"
#include "check/check.h"
#include "model/reading.h"
#include "model/snapshot.h"
#include "session/outcome.h"
#include "vm/vm.h"

struct host;
struct option_values;

typedef void diagnosis_progress_fn(void *context, double done_s, double window_s);

struct diagnosis_options {
	const char *const *vms; /* words for VMs; none: all */
	size_t n_vms;
	const char *const *only; /* ids of rules; none: all */
	size_t n_only;
	double window_s;                    /* 0: no interval */
	const struct option_values *policy; /* --policy FILE; NULL: the host's own */
	diagnosis_progress_fn *progress;
	void *context;
};

struct diagnosis {
	struct snapshot *snapshot;
	struct vms *vms;
	struct ledger *ledger;
	struct intruders *intruders;
	struct reading reading;
	struct rates *rates; /* NULL: there was no interval */
	struct check *check;
	struct limits limits; /* that it was held against */
	struct arena arena;
	struct reading_list list;
	ARRAY(struct reading_thread) threads;
	ARRAY(const char *) groups;
};

/* OUTCOME_DONE, _MISUSE (of the policy) or _UNCHANGED, both with e. To be freed with
 * diagnosis_done() in any case. */
enum outcome diagnosis_make(struct host *h, const struct diagnosis_options *o,
	struct diagnosis *ret, struct err *e) MUST_CHECK;
void diagnosis_done(struct diagnosis *d);
#define AUTO_DIAGNOSIS CLEANUP(diagnosis_done)
