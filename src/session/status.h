/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was applied, against what the kernel has. Reads only. */
#pragma once

#include "apply/drift.h"
#include "apply/ledger.h"
#include "session/keeper.h"
#include "session/life.h"
#include "session/outcome.h"
#include "session/verdict.h"

struct host;

enum vm_state {
	VM_RUNNING,
	VM_ENDED,
	VM_RESTARTED, /* another process has its id now */
};

struct status_vm {
	const struct placement *placement; /* the ledger's */
	enum vm_state state;
	int pid;          /* restarted: of the process that there is now */
	struct life life; /* running: what else became of it */
};

struct status {
	struct arena arena;
	struct ledger *ledger, *journal; /* journal: NULL unless a transaction did not end */
	struct drifts *drifts;           /* of the whole host: VMs share most settings */
	ARRAY(struct status_vm) vms;     /* those asked for */
	bool is_whole;                   /* all of them run as placed, and nothing became of them */
	uint64_t now_ns;                 /* host_clock_ns(), where a VM is not confirmed; else 0 */
	struct keeper keeper;            /* who keeps it so */
	struct verdict verdict;          /* who may run on what is claimed, of the whole host */
};

/* For the VMs that are called so (none: all). OUTCOME_REPORT: something is not as applied. Else
 * than with that and OUTCOME_DONE, e says what failed. To be freed with status_done() in any case.
 */
enum outcome status_read(struct host *h, const char *const *words, size_t n_words,
	struct status *ret, struct err *e) MUST_CHECK;
void status_done(struct status *s);
#define AUTO_STATUS CLEANUP(status_done)

/* True when nobody confirmed the placement in time, and nobody has undone it yet. */
bool status_is_overdue(const struct status *s, const struct placement *p);
/* True when settings are left of VMs that were undone. */
bool status_has_residue(const struct status *s);
