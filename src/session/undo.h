/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting back what was applied for VMs, with the lock held. */
#pragma once

#include "apply/changes.h"
#include "session/outcome.h"

struct host;

struct undo {
	struct changes *changes; /* what became of each */
	size_t n_damaged;        /* records of the ledger that could not be read */
};

/* Undoes the VMs that the words mean, see session/lookup.h (none: all). OUTCOME_REPORT: a value
 * that somebody else set since was kept; OUTCOME_RESIDUE: something could not be put back; in both
 * cases and with OUTCOME_DONE undo->changes says what. e has a text where it failed as a whole. */
enum outcome undo_named(struct host *h, const char *const *words, size_t n_words, struct undo *ret,
	struct err *e) MUST_CHECK;
void undo_done(struct undo *u);
#define AUTO_UNDO CLEANUP(undo_done)

/* What of an undo is to be said: a change that went nowhere is not. */
enum undo_part { UNDO_UNTOLD, UNDO_RESTORED, UNDO_GONE, UNDO_KEPT, UNDO_REFUSED };
enum undo_part undo_part_of(const struct change *c);

/* OUTCOME_DONE; OUTCOME_REPORT: a value of somebody else's was kept; OUTCOME_RESIDUE: something
 * could not be put back. */
enum outcome undo_outcome(const struct changes *c);

/* What becomes of a placement: goes back is to what was in force of the VM before, if anything. */
enum undo_fate { UNDO_STAYS, UNDO_GOES, UNDO_GOES_BACK };

/* Undoes what is in force, by placement of the ledger; those of VMs that have ended go, whatever
 * their fate. Returns 0 or a negative errno, as transaction_run(). */
int undo_placements(struct host *h, const struct ledger *l, const enum undo_fate *fates,
	struct changes **ret, struct err *e) MUST_CHECK;
