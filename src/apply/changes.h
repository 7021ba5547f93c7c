/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it takes from what is there to what is wanted: a list of changes, in order. Making the list
 * reads only; transaction.h makes the changes.
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
int changes_plan(struct host *h, const struct ledger *l, const struct settings *settings,
	struct changes **ret, struct err *e) MUST_CHECK;

/* For undo: threads of these processes that were born since inherited a mask of ours; they get
 * all CPUs back. */
int changes_add_late_threads(
	struct host *h, const struct ledger *l, int pid, struct changes *c) MUST_CHECK;

/* The pieces that lists are made of. */

/* The change that an entry tells of, without a value to go to; its knob is NULL when there is no
 * such knob any more. */
struct change change_of(struct arena *a, const struct entry *e);
/* Adds a change; what the value is now decides whether anything is to be done. ours: the value that
 * may be there from us, NULL when whatever is there is replaced. A negative errno: it cannot be
 * read. */
int changes_add(
	struct host *h, struct changes *list, const struct change *c, const char *ours) MUST_CHECK;
/* The change of what the entry sets, or NULL. */
const struct change *changes_find(const struct changes *list, const struct entry *entry);
/* True when 'now' is as good as the value that the change goes to. */
bool change_is_same(struct host *h, const struct change *c, const char *now);
