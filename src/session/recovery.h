/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How everything that changes the host begins: alone, and on a host without unfinished business. */
#pragma once

#include "apply/changes.h"
#include "apply/ledger.h"
#include "session/outcome.h"

struct host;

struct overdue {
	const struct placement *placement; /* of the former ledger */
	bool is_back; /* to what was in force of the VM before, else nothing is */
};

struct recovery {
	int lock;              /* held until recovery_done(); -1: it was not to be had */
	struct changes *ended; /* what ended an unfinished transaction; NULL: there was none */
	struct ledger *former; /* what was in force before, where something was overdue */
	ARRAY(struct overdue) overdue; /* what nobody confirmed in time, and has been undone */
	struct changes *undone;        /* what became of its settings; NULL: nothing was overdue */
};

/* Takes the lock, ends or takes back an unfinished transaction, and undoes one that nobody
 * confirmed in time. OUTCOME_DONE: the host is ready to be changed. The recovery is to be freed
 * with recovery_done() in any case. */
enum outcome recovery_begin(struct host *h, struct recovery *ret, struct err *e) MUST_CHECK;
void recovery_done(struct recovery *r);
#define AUTO_RECOVERY CLEANUP(recovery_done)

/* What became of what it undid, see undo_outcome(); OUTCOME_DONE where that is nothing. */
enum outcome recovery_outcome(const struct recovery *r);

/* Appends what could not be put back (changes may be NULL); false when there is nothing. */
bool recovery_residue(const struct changes *back, struct strbuf *ret);
