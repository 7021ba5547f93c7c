/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing the machine: all or nothing, and back.
 *
 * Planning reads what is there and lists the changes; running a list writes each, reads it back,
 * and in the end reads everything again. Apply, undo, rollback and recovery differ in the list
 * only.
 */
#pragma once

#include "apply/knob.h"
#include "apply/ledger.h"
#include "plan/settings.h"

enum change_result {
	CHANGE_PENDING, /* once made: goes back with the last VM, others of ours hold it */
	CHANGE_DONE,
	CHANGE_SAME,      /* was right already */
	CHANGE_GONE,      /* the object no longer exists */
	CHANGE_IMMOVABLE, /* the kernel refuses, and the plan can do without */
	CHANGE_KEPT,      /* somebody else set it since: theirs stays */
	CHANGE_FAILED,
};

struct change {
	const struct knob *knob;
	struct target target;
	const char *baseline, *before, *after, *why;
	const char *in_force; /* ours so far, or NULL */
	const char *avoid;    /* see struct entry */
	bool is_optional;
	bool is_released;  /* goes back to the baseline for good */
	bool is_again;     /* written though it seems to be there */
	bool is_untouched; /* going back: it never was another value */
	enum change_result result;
	const char *reason; /* for the last four results */
};

struct changes {
	struct arena arena;
	ARRAY(struct change) v; /* in the order of execution */
	size_t n_damaged;       /* recovery: records of the journal that could not be read */
};

void changes_free(struct changes *c);
DEFINE_CLEANUP(struct changes, changes_free)
#define AUTO_CHANGES CLEANUP(changes_freep)
const char *change_result_name(enum change_result result);
/* True when the change has something to write. */
bool change_is_needed(const struct change *c);

/* What it takes from what is there (and 'l' in force) to the settings: what the ledger has and the
 * settings do not goes back to its baseline first. Reads only. */
int transaction_plan(struct host *h, const struct ledger *l, const struct settings *settings,
	struct changes **ret, struct err *e) MUST_CHECK;

/* For undo: threads of these processes that were born since inherited a mask of ours; they get
 * all CPUs back. */
int transaction_add_late_threads(
	struct host *h, const struct ledger *l, int pid, struct changes *c) MUST_CHECK;

/* Journals the changes and makes them. On success 'next' (placements, operation, confirm_ns; its
 * entries are filled in here) is the ledger in force. When a required change fails, or the ledger
 * cannot be written in the end, everything is taken back: -ECANCELED, and *ret_back (NULL for undo,
 * which never gives up) tells how that went. -ENOTRECOVERABLE: that failed as well (for undo: only
 * the ledger did), the journal is still there for the next command. Else nothing was changed. */
int transaction_run(struct host *h, struct changes *c, struct ledger *next,
	struct changes **ret_back, struct err *e) MUST_CHECK;

/* Ends or takes back an unfinished transaction. *ret is NULL when there was none. */
int transaction_recover(struct host *h, struct changes **ret, struct err *e) MUST_CHECK;

/* One setting that is not as applied. */
struct drift {
	const struct entry *entry;
	const char *actual, *suspect;
};

struct drifts {
	struct arena arena;
	ARRAY(struct drift) v;
};

/* Compares every setting of the ledger with the kernel. */
int transaction_check(
	struct host *h, const struct ledger *l, struct drifts **ret, struct err *e) MUST_CHECK;
void drifts_free(struct drifts *d);
DEFINE_CLEANUP(struct drifts, drifts_free)
#define AUTO_DRIFTS CLEANUP(drifts_freep)
