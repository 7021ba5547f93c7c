/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing the machine: all or nothing, and back.
 *
 * Running a list of changes writes each, reads it back, and in the end reads everything again.
 * Apply, undo, rollback and recovery differ in the list only.
 *
 * Signals that ask for an end break off an apply between two changes, and all is taken back; an
 * undo and a recovery are finished. changes->signal tells in both cases.
 */
#pragma once

#include "apply/changes.h"

/* Journals the changes and makes them. On success 'next' (placements, operation; its
 * entries are filled in here) is the ledger in force. When a required change fails, or the ledger
 * cannot be written in the end, everything is taken back: -ECANCELED, and *ret_back (NULL for undo,
 * which never gives up) tells how that went. -ENOTRECOVERABLE: that failed as well (for undo: only
 * the ledger did), the journal is still there for the next command. Else nothing was changed. */
int transaction_run(struct host *h, struct changes *c, struct ledger *next,
	struct changes **ret_back, struct err *e) MUST_CHECK;

/* Ends or takes back an unfinished transaction. *ret is NULL when there was none. */
int transaction_recover(struct host *h, struct changes **ret, struct err *e) MUST_CHECK;
