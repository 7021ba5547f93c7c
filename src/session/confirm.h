/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply --confirm: undone by itself unless somebody who still can says that it may stay.
 *
 * A deadline belongs to a placement, and stands in the ledger until the placement is confirmed or
 * undone, whatever is applied or undone meanwhile. Every command that changes things undoes first
 * what is overdue (recovery.h); a process that stays behind runs such a command in time.
 */
#pragma once

#include "apply/ledger.h"
#include "session/outcome.h"

struct host;

/* Leaves a process behind, without the lock, that undoes what is not confirmed in time. */
enum outcome confirm_watch(struct host *h, int lock, struct err *e) MUST_CHECK;

/* Waits until nothing waits any more (true), or something is overdue (false), for which it needs no
 * more than the clock: a ledger that cannot be read, or a directory that cannot be watched, do not
 * end it. dir: the state directory. deadline_ns: until the ledger tells another one. */
bool confirm_wait(struct host *h, const char *dir, uint64_t deadline_ns) MUST_CHECK;

/* The first deadline in the ledger; 0: nothing waits. */
uint64_t confirm_deadline(const struct ledger *l);

struct confirmed {
	struct ledger *ledger;             /* as it is now */
	ARRAY(const struct placement *) v; /* its placements that waited */
};

/* With the lock held: what waits may stay, of those that are called so (none: of all). To be freed
 * with confirmed_done() in any case. */
enum outcome confirm_named(struct host *h, const char *const *words, size_t n_words,
	struct confirmed *ret, struct err *e) MUST_CHECK;
void confirmed_done(struct confirmed *c);
#define AUTO_CONFIRMED CLEANUP(confirmed_done)
