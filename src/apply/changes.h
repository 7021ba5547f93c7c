/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it takes from what is there to what is wanted: a list of changes, in order. Making the list
 * reads only; transaction.h makes the changes.
 */
#pragma once

#include "apply/knob.h"
#include "apply/ledger.h"
#include "plan/settings.h"

/*
 * Where a change is:
 *
 *	the list is made            it is written        it is read back, at once and at the end
 *
 *	PENDING ──────────────────▶ WRITTEN ───────────▶ DONE
 *	   │                           └───────────────▶ IMMOVABLE   optional, and refused
 *	   ├──────────────────────────────────────────▶ FAILED      required, or on its way back
 *	   ├──────────────────────────────────────────▶ LATER       waits for others of ours
 *	   └──────────────────────────────────────────▶ GONE
 *	SAME  it is right already ────────────────────▶ stays, or is written like PENDING
 *	UNTOUCHED, UNREADABLE, KEPT, and again GONE, FAILED: nothing is written
 */
enum change_state {
	CHANGE_PENDING,
	CHANGE_WRITTEN,
	CHANGE_DONE,
	CHANGE_SAME,
	CHANGE_UNTOUCHED,  /* going back: it never was another value; not ours to look at */
	CHANGE_GONE,       /* the object no longer exists */
	CHANGE_IMMOVABLE,  /* the kernel refuses, and the plan can do without */
	CHANGE_UNREADABLE, /* it cannot be told what to come back to: left alone */
	CHANGE_KEPT,       /* somebody else set it since: theirs stays */
	CHANGE_LATER,      /* goes back with the last VM, others of ours hold it */
	CHANGE_FAILED,
	N_CHANGE_STATES,
};

enum change_aim {
	AIM_REQUIRED,
	AIM_OPTIONAL, /* failing is reported, and no reason to give up */
	AIM_BACK,     /* to the baseline, for good: what fails is owed */
};

struct change {
	const struct knob *knob;
	struct target target;
	enum change_aim aim;
	enum change_state state;
	struct value baseline, before, after;
	const struct value *in_force; /* ours so far, or NULL */
	const struct cpuset *avoid;   /* see struct entry */
	/* Why it will not go back to the baseline in the end, and what it will be then; or NULL. */
	const char *stays;
	struct value left;
	const char *why;
	const char *reason; /* for those that came to nothing */
	int error;          /* of the last write, or 0 */
};

struct changes {
	struct arena arena;
	ARRAY(struct change) v; /* in the order of execution */
	struct ledger *owed;    /* strangers of the ledger in force, which are to be carried on */
	int signal;             /* one that came meanwhile and asked for an end, or 0 */
	bool is_recovery;       /* back to what was: what is gone meanwhile is no failure */
	size_t n_damaged;       /* recovery: records of the journal that could not be read */
	bool is_unsure; /* a recording did not answer all that was asked: there may be more */
};

struct changes *changes_new(void) MUST_CHECK;
void changes_free(struct changes *c);
DEFINE_CLEANUP(struct changes, changes_free)
#define AUTO_CHANGES CLEANUP(changes_freep)
/* What came of it, for people and in JSON. */
const char *change_result_name(const struct change *c);
/* True when the change has something to write. */
bool change_is_needed(const struct change *c);
/* Somebody else has changed what was ours since: nothing else makes the setting differ. */
bool change_is_drift(const struct change *c);
/* True when what it makes, or made, is another value than there was. Some are written all the same:
 * what shows later only, and what other changes of ours took away meanwhile. */
bool change_is_one(const struct change *c);
/* True when it should have been made, and was not: IMMOVABLE, UNREADABLE, FAILED. */
bool change_is_refused(const struct change *c);

/* What it takes from what is there (and 'l' in force) to the settings: what the ledger has and the
 * settings do not goes back to its baseline first. Reads only. */
int changes_plan(struct host *h, const struct ledger *l, const struct settings *settings,
	struct changes **ret, struct err *e) MUST_CHECK;

/* For undo: threads of these processes that were born since inherited a mask of ours; they get
 * all CPUs back. Who may be in a damaged record is KEPT: see ledger_is_newborn(). */
void changes_add_late_threads(struct host *h, const struct ledger *l, int pid, struct changes *c);

/* The pieces that lists are made of. */

/* A copy in the arena. */
const struct value *change_keep(struct arena *a, const struct value *v);
/* The change that an entry tells of, without a value to go to. */
struct change change_of(struct arena *a, const struct entry *e);
/* Adds the change back, or to the value in force before, of what 'ours' (may be NULL) set: what is
 * there now decides whether anything is to be done. In doubt it is written where the row says so.
 */
void changes_add_back(struct host *h, struct changes *list, struct change *c,
	const struct entry *ours, bool in_doubt);

/* What ends an unfinished transaction, l being the ledger before it: back to that, or, of an undo,
 * forward to the end (changes-recovery.c). */
void changes_plan_back(
	struct host *h, const struct ledger *l, const struct ledger *journal, struct changes *list);
void changes_plan_forward(
	struct host *h, const struct ledger *l, const struct ledger *journal, struct changes *list);
/* The change of what the entry sets, or NULL. */
const struct change *changes_find(const struct changes *list, const struct entry *entry);
/* Adds copies of what was done beside what is there already, by a list that ended later. */
void changes_adopt(struct changes *list, const struct changes *more);
