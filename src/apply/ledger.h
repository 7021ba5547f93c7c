/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was changed and for whom: the ledger, and the journal of a transaction under way.
 *
 * Both are one format: lines of "CRC32 JSON", a header, a line per placement and per
 * setting, and the header again. A transaction writes the ledger that it wants to end with as
 * "journal", whole and before its first effect; the commit is a rename(2) of journal to ledger. A
 * journal that is found later is a transaction that did not end: everything in it goes back to what
 * the ledger says, or, where that does not know it, to the baseline.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apply/knob.h"
#include "base/alloc.h"
#include "base/err.h"
#include "plan/plan.h"

struct host;

struct entry {
	const struct knob *knob;
	const char *key, *id;  /* see struct setting; id may be NULL */
	struct value baseline; /* before any change of ours since boot */
	struct value value;    /* ours */
	/* The CPUs that the value keeps out, or NULL. Another value that keeps them out too is as
	 * good: irqbalance moves interrupts among the others. */
	const struct cpuset *avoid;
	bool is_optional;
	bool is_released; /* in a journal: on its way back to the baseline */
};

#define CONFIRM_FROM_END ((uint64_t)INT64_MAX)

/* An entry that another version of this program made, of a knob that this one does not know: kept
 * as it is, and said. */
struct stranger {
	const char *knob, *key, *text; /* text: the whole record */
};

struct ledger {
	struct arena arena;
	const char *path;                /* for messages; NULL: not read from a file */
	bool is_hidden;                  /* by ledger_look(): only root may read what is in it */
	const char *boot_id, *operation; /* "apply db01" */
	bool is_forward; /* a journal that is to be ended, not taken back: an undo */
	/* When its last transaction began, in ticks since boot, as a thread's start; 0: not known.
	 */
	uint64_t ticks;
	/* Not saved: how long from the end of the transaction those wait that have this deadline:
	 * CONFIRM_FROM_END. */
	uint64_t confirm_wait_ns;
	ARRAY(struct placement) placements;
	ARRAY(struct placement) before; /* what those that wait to be confirmed go back to */
	ARRAY(struct entry) entries;    /* in the order in which they were applied */
	ARRAY(struct stranger) strangers;
	/* Lines that are unreadable: they tell nothing, and are kept until all is undone. */
	ARRAY(const char *) damaged;
};

struct ledger *ledger_new(void) MUST_CHECK;
void ledger_free(struct ledger *l);
DEFINE_CLEANUP(struct ledger, ledger_free)
#define AUTO_LEDGER CLEANUP(ledger_freep)

/* The entry for the setting, or for the same thing by another knob; or NULL. */
const struct entry *ledger_find(
	const struct ledger *l, const struct knob *knob, const struct target *target);
/* A thread that it does not name was born since the transaction: always where all of it could be
 * read, else where the thread's start says so. A damaged record may be of one that is older, or
 * whose start is not known (NULL). */
bool ledger_is_newborn(const struct ledger *l, const char *start);
/* For people, of n damaged records: "2 records of the journal are damaged: what they say", and what
 * becomes of that is the caller's to add. malloc'ed. */
char *ledger_tell_damaged(size_t n, const char *of) MUST_CHECK;
/* Of an entry that is there. */
void ledger_set_baseline(struct ledger *l, const struct knob *knob, const struct target *target,
	const struct value *baseline);
/* Adds a copy. */
void ledger_add_entry(struct ledger *l, const struct entry *e);
/* -EINVAL: it cannot be written down as it is. */
int ledger_add_placement(struct ledger *l, const struct placement *p) MUST_CHECK;
int ledger_add_before(struct ledger *l, const struct placement *p) MUST_CHECK;
/* What was in force of the VM before the placement that waits; NULL: nothing. */
const struct placement *ledger_before(const struct ledger *l, const struct placement *p);
/* Adds those that are not there yet, and the damaged lines. */
void ledger_add_strangers(struct ledger *l, const struct ledger *from);
/* True when nothing is owed to anybody. */
bool ledger_is_empty(const struct ledger *l);

/* What is applied, without released entries. An empty ledger when nothing is, or when it is of
 * another boot. */
int ledger_read(struct host *h, struct ledger **ret, struct err *e) MUST_CHECK;
/* The same for who only looks: what only root may read is an empty ledger, which is_hidden. */
int ledger_look(struct host *h, struct ledger **ret, struct err *e) MUST_CHECK;
/* The unfinished transaction; *ret is NULL when there is none. */
int ledger_read_journal(struct host *h, struct ledger **ret, struct err *e) MUST_CHECK;

/* Writes the journal, durably. */
int ledger_write_journal(struct host *h, const struct ledger *l, struct err *e) MUST_CHECK;
/* The journal becomes the ledger. */
int ledger_commit(struct host *h, struct err *e) MUST_CHECK;
/* Forgets the journal: everything in it was put back. */
int ledger_drop_journal(struct host *h, struct err *e) MUST_CHECK;
/* Replaces the ledger, for changes that touch no setting; removes it when it is empty. */
int ledger_replace(struct host *h, const struct ledger *l, struct err *e) MUST_CHECK;

/* The text of a ledger, malloc'ed, and back: for tests of damage. Damaged lines are left out and
 * kept; a text in which both headers are is -EINVAL. */
char *ledger_format(const struct ledger *l) MUST_CHECK;
int ledger_parse(const char *text, struct ledger **ret) MUST_CHECK;
