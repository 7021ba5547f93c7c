/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/transaction.h"

#include <errno.h>
#include <string.h>

#include "apply/state-dir.h"
#include "base/signals.h"
#include "base/str.h"
#include "host/host-write.h"
#include "model/task.h"

static void conclude(
	struct changes *list, struct change *c, enum change_state state, const char *reason)
{
	c->state = state;
	c->reason = arena_strdup(&list->arena, reason);
}

/* What is gone took its setting along; but a VM without one that it needs is not whole, unless it
 * was killed with it half done and ended before anybody came back. */
static void conclude_gone(const struct changes *list, struct change *c)
{
	bool is_needed = c->aim == AIM_REQUIRED && !list->is_recovery;
	c->state = is_needed ? CHANGE_FAILED : CHANGE_GONE;
	c->reason = is_needed ? "it is gone" : NULL;
}

static void refuse(struct changes *list, struct change *c, const char *reason)
{
	conclude(list, c, c->aim == AIM_OPTIONAL ? CHANGE_IMMOVABLE : CHANGE_FAILED, reason);
}

/* Reads what is there now. False when that cannot be done, and then it is concluded. */
static bool read_now(
	struct host *h, struct changes *list, struct change *c, struct arena *a, struct value *ret)
{
	int r = knob_read(h, c->knob, &c->target, a, ret);
	if (r == KNOB_GONE)
		conclude_gone(list, c);
	else if (r < 0)
		refuse(list, c, knob_explain(c->knob, r));
	return r == 0;
}

/* One write, and the kernel's word for it. */
static void put(struct host *h, struct changes *list, struct change *c)
{
	int r = knob_write(h, c->knob, &c->target, &c->after);
	c->error = r < 0 ? r : 0;
	if (r >= 0) {
		c->state = r == KNOB_LATER ? CHANGE_LATER : CHANGE_WRITTEN;
		if (r == KNOB_GONE)
			conclude_gone(list, c);
		return;
	}
	struct arena a = { 0 };
	struct value now;
	int is = knob_read(h, c->knob, &c->target, &a, &now);
	/* A group of ours, which has no id, goes with that of its VM: nothing is owed to it. */
	bool is_lost = r == -ENOENT && !c->target.id && is == 0 && now.kind == VALUE_ABSENT;
	if (is == KNOB_GONE || is_lost)
		conclude_gone(list, c);
	else
		refuse(list, c, knob_explain(c->knob, r));
	arena_done(&a);
}

/* As good as the value that was written. */
static bool holds(struct host *h, const struct change *c, const struct value *now)
{
	return c->aim == AIM_BACK ? knob_is_back(h, c->knob, &c->target, &c->after, now)
				  : knob_holds(h, c->knob, &c->target, &c->after, c->avoid, now);
}

/* Reads back, and concludes. */
static void check(struct host *h, struct changes *list, struct change *c)
{
	struct arena a = { 0 };
	struct value now;
	if (!read_now(h, list, c, &a, &now)) {
		/* concluded */
	} else if (holds(h, c, &now)) {
		conclude(list, c, CHANGE_DONE, NULL);
	} else {
		AUTO_FREE char *text = value_text(c->knob, &now);
		AUTO_FREE char *seen = xasprintf("the kernel has '%s'", text);
		const char *reason = c->error ? knob_explain(c->knob, c->error) : seen;
		if (c->state == CHANGE_LATER)
			conclude(list, c, CHANGE_LATER, reason);
		else
			refuse(list, c, reason);
	}
	arena_done(&a);
}

/* True when the kernel's word for it is still to be had. */
static bool is_open(const struct change *c)
{
	return !c->knob->is_deferred &&
		(c->state == CHANGE_WRITTEN || c->state == CHANGE_DONE || c->state == CHANGE_SAME);
}

/* On its way back, and not there yet. */
static bool is_owed(const struct change *c)
{
	return c->aim == AIM_BACK && (change_is_refused(c) || c->state == CHANGE_LATER);
}

/* A mask whose CPUs a partition has, or a setting that the kernel changes along with others. */
static bool is_held_back(const struct change *c)
{
	bool is_mask = c->knob->dies_with == LIFE_THREAD && c->after.kind == VALUE_SET;
	return c->knob->is_collateral || is_mask;
}

/* It was right when it was read, nothing of ours has changed it, and it is another value now: that
 * is somebody's, or the kernel was asked while it changed it. What was there at the first write is
 * what to come back to, and is in the journal before that. */
static bool keep_new_baseline(struct host *h, struct changes *list, struct change *c,
	const struct value *now, struct ledger *next)
{
	struct err e = { 0 };
	bool is_first = next && c->state == CHANGE_SAME && !c->in_force && c->aim != AIM_BACK;
	if (!is_first || is_held_back(c))
		return true;
	c->before = value_copy(&list->arena, now);
	c->baseline = knob_baseline(h, c->knob, &c->target, &c->before);
	ledger_set_baseline(next, c->knob, &c->target, &c->baseline);
	if (ledger_write_journal(h, next, &e) == 0)
		return true;
	refuse(list, c, arena_strdup(&list->arena, e.text));
	return false;
}

/* What is not exactly so is written once more: a mask that a cpuset took away may keep off the
 * claimed CPUs by chance, and still is not the thread's. What was right from the start, and is as
 * it was, is right. */
static void settle(struct host *h, struct changes *list, struct change *c, struct ledger *next)
{
	struct arena a = { 0 };
	struct value now;
	bool is_right = false;
	if (read_now(h, list, c, &a, &now)) {
		is_right = knob_is_same(h, c->knob, &c->target, &c->after, &now) ||
			(c->state == CHANGE_SAME && value_equal(&now, &c->before));
		if (is_right && c->state != CHANGE_SAME)
			conclude(list, c, CHANGE_DONE, NULL);
		else if (!is_right && keep_new_baseline(h, list, c, &now, next))
			put(h, list, c);
	}
	arena_done(&a);
	if (!is_right && is_open(c))
		check(h, list, c);
}

/* A value may have to wait for others: a mask for its cpuset, a group for its threads. So read
 * everything again at the end, and write what is not so. What cannot be read is not written. */
static void settle_and_check(
	struct host *h, struct changes *list, bool is_back, struct ledger *next)
{
	array_for_each (c, &list->v) {
		bool is_second_try =
			is_back && change_is_refused(c) && c->state != CHANGE_UNREADABLE;
		if (is_open(c) || is_owed(c) || is_second_try)
			settle(h, list, c, next);
	}
	/* what was held back by one that came later: a list of CPUs by its controller */
	array_for_each (c, &list->v) {
		if (is_owed(c))
			check(h, list, c);
	}
}

/* Executes the list; next: what is in the journal, where that is to be as new as the list, or NULL.
 * Stops at the first required change that fails when asked to; one on its way
 * back is not required: what does not go back now (a list that older kernels do not empty) may when
 * others have gone. False when a required one failed. */
static bool run(struct host *h, struct changes *list, bool stops_at_failure, struct ledger *next)
{
	knob_settle_fn *waiting = NULL;
	array_for_each (c, &list->v) {
		if (!change_is_needed(c))
			continue;
		if (stops_at_failure && signals_came())
			return false;
		if (waiting && c->aim == AIM_BACK && c->knob->settles_first) {
			waiting(h);
			waiting = NULL;
		}
		put(h, list, c);
		if (c->aim == AIM_BACK && knob_settle(c->knob))
			waiting = knob_settle(c->knob);
		if (!stops_at_failure || c->aim == AIM_BACK)
			continue;
		if (c->aim == AIM_REQUIRED && is_open(c))
			check(h, list, c);
		if (c->state == CHANGE_FAILED)
			return false;
	}
	if (waiting)
		waiting(h);
	settle_and_check(h, list, !stops_at_failure, next);
	bool is_whole = true;
	array_for_each (c, &list->v) {
		if (c->state == CHANGE_WRITTEN) /* it shows later only */
			c->state = CHANGE_DONE;
		is_whole &= c->state != CHANGE_FAILED || c->aim == AIM_BACK;
	}
	return is_whole;
}

/* Nothing of these is ours to put back, or to hold. */
static bool is_nobodys(const struct change *c)
{
	return c->state == CHANGE_GONE || c->state == CHANGE_KEPT || c->state == CHANGE_UNREADABLE;
}

static struct entry entry_of(const struct change *c, const struct value *value)
{
	return (struct entry){
		.knob = c->knob,
		.key = c->target.key,
		.id = c->target.id,
		.baseline = c->baseline,
		.value = *value,
		.avoid = c->avoid,
		.is_optional = c->aim == AIM_OPTIONAL,
		.is_released = c->aim == AIM_BACK,
	};
}

static void fill_entries(struct ledger *next, const struct changes *list)
{
	ledger_add_strangers(next, list->owed);
	array_for_each (c, &list->v) {
		struct entry entry = entry_of(c, &c->after);
		if (!is_nobodys(c))
			ledger_add_entry(next, &entry);
	}
}

/* What came of a change that did not come through: what is there, or, where that cannot be read,
 * what was ours. In the arena. */
static struct value value_left(struct host *h, const struct change *c, struct arena *a)
{
	struct value now;
	int r = knob_read(h, c->knob, &c->target, a, &now);
	return r == 0 ? now : value_copy(a, c->in_force ? c->in_force : &c->after);
}

/*
 * Drops from the ledger what went back, is gone, or was refused by the kernel and never ours.
 *
 * What was refused and stays has the value that the kernel has. What did not go back: a later undo
 * may succeed. What was ours before: its baseline is still owed. And what other changes affect:
 * that has to come back from them.
 */
static void drop_done(struct host *h, struct ledger *next, const struct changes *list)
{
	size_t n = 0;
	array_for_each (entry, &next->entries) {
		const struct change *c = changes_find(list, entry);
		bool has_failed = c && (change_is_refused(c) || c->state == CHANGE_LATER);
		if (c && c->state == CHANGE_GONE)
			continue;
		if (entry->is_released && !has_failed)
			continue;
		if (!entry->is_released && c && c->state == CHANGE_IMMOVABLE &&
			!c->knob->is_collateral && !c->in_force)
			continue;
		bool is_wanted = !entry->is_released && c && c->state == CHANGE_FAILED;
		if (has_failed && !is_wanted)
			entry->value = value_left(h, c, &next->arena);
		entry->is_released = false;
		next->entries.v[n++] = *entry;
	}
	next->entries.n = n;
}

/* With VMs left in force, what others of our settings hold back goes with the last of them. */
static void wait_for_others(const struct ledger *in_force, struct changes *list)
{
	array_for_each (c, &list->v) {
		if (in_force->placements.n && is_owed(c) && is_held_back(c))
			c->state = CHANGE_LATER;
	}
}

/* What nothing in force holds back is owed now. */
static void wait_no_more(const struct ledger *in_force, struct changes *list)
{
	array_for_each (c, &list->v) {
		bool waits = in_force->placements.n && is_held_back(c);
		if (is_owed(c) && c->state == CHANGE_LATER && !waits)
			c->state = CHANGE_FAILED;
	}
}

/* The journal, without what came to nothing, becomes the ledger. */
static int finish(struct host *h, struct ledger *next, struct changes *list, struct err *e)
{
	wait_for_others(next, list);
	wait_no_more(next, list);
	drop_done(h, next, list);
	array_for_each (p, &next->placements) {
		if (p->confirm_ns == CONFIRM_FROM_END)
			p->confirm_ns = host_clock_ns(h) + next->confirm_wait_ns;
	}
	if (next->is_forward && !next->placements.n)
		next->damaged.n = 0; /* said, and nobody's any more */
	int r;
	if (ledger_is_empty(next)) {
		/* needs no room; the journal goes last, for what is in it is done over again */
		r = ledger_replace(h, next, e);
		return r < 0 ? r : ledger_drop_journal(h, e);
	}
	r = ledger_write_journal(h, next, e);
	return r < 0 ? r : ledger_commit(h, e);
}

/* An undo that touches nothing but what is in the ledger, which has all the baselines and stays
 * until it is done. What it would set for the VMs that are left is in no file yet. */
static bool needs_no_journal(const struct ledger *next, const struct changes *list)
{
	array_for_each (c, &list->v)
		if (change_is_needed(c) && c->aim != AIM_BACK && !c->in_force)
			return false;
	return next->is_forward;
}

/* What must be changed and cannot be is known before the first effect: a change that systemd makes
 * for us succeeds where our own on a read-only /sys do not, and could not be taken back there. */
static int check_writable(struct host *h, const struct changes *list, struct err *e)
{
	int r = 0;
	array_for_each (c, &list->v)
		if (r == 0 && c->aim == AIM_REQUIRED && change_is_needed(c))
			r = knob_check_writable(h, c->knob, &c->target, e);
	return r;
}

static int run_held(struct host *h, struct changes *list, struct ledger *next,
	struct changes **ret_back, struct err *e)
{
	struct err later = { 0 };
	fill_entries(next, list);
	next->ticks = task_now(h);
	int r = next->is_forward ? 0 : check_writable(h, list, e);
	if (r < 0)
		return r;
	r = ledger_write_journal(h, next, e);
	bool goes_without = state_is_full(r) && needs_no_journal(next, list);
	if (r < 0 && !goes_without)
		return r;
	bool is_made = run(h, list, !next->is_forward, next) || next->is_forward;
	r = is_made ? finish(h, next, list, e) : err_say(e, -ECANCELED, "taken back");
	if (r == 0)
		return 0;
	if (goes_without) {
		err_ctx(e,
			"undone, but that cannot be written down; 'wideberth undo' again when "
			"there is room");
		return -ENOTRECOVERABLE;
	}
	if (next->is_forward || transaction_recover(h, ret_back, &later) < 0) {
		err_ctx(e, "unfinished; 'wideberth undo --all' ends it%s%s",
			*later.text ? ": " : "", later.text);
		return -ENOTRECOVERABLE;
	}
	return -ECANCELED;
}

int transaction_run(struct host *h, struct changes *list, struct ledger *next,
	struct changes **ret_back, struct err *e)
{
	struct signals_held held;
	signals_hold(&held);
	int r = run_held(h, list, next, ret_back, e);
	list->signal = signals_release(&held);
	return r;
}

/* ---- recovery ---- */

/* What could not be taken back is kept for a later undo, and what this version does not know. */
static int keep_residue(struct host *h, struct ledger *l, const struct ledger *journal,
	const struct changes *list, struct err *e)
{
	size_t n = l->entries.n + l->strangers.n + l->damaged.n;
	ledger_add_strangers(l, journal);
	l->ticks = journal->ticks;
	array_for_each (c, &list->v) {
		if (!is_owed(c))
			continue;
		struct value left = value_left(h, c, &l->arena);
		struct entry entry = entry_of(c, &left);
		entry.is_released = false;
		ledger_add_entry(l, &entry);
	}
	bool has_more = n != l->entries.n + l->strangers.n + l->damaged.n;
	return has_more ? ledger_replace(h, l, e) : 0;
}

static int recover_held(struct host *h, struct changes **ret, struct err *e)
{
	AUTO_LEDGER struct ledger *journal = NULL, *l = NULL;
	AUTO_CHANGES struct changes *list = changes_new();
	list->is_recovery = true;
	int r = ledger_read_journal(h, &journal, e);
	if (r < 0 || !journal)
		return r;
	r = ledger_read(h, &l, e);
	if (r < 0)
		return r;
	list->n_damaged = journal->damaged.n; /* those of the ledger are in it, too */
	if (journal->is_forward)
		changes_plan_forward(h, l, journal, list);
	else
		changes_plan_back(h, l, journal, list);
	run(h, list, false, NULL);
	if (journal->is_forward) {
		r = finish(h, journal, list, e);
	} else {
		wait_for_others(l, list);
		r = keep_residue(h, l, journal, list, e);
		if (r == 0)
			r = ledger_drop_journal(h, e);
	}
	if (r == 0)
		*ret = TAKE(list);
	return r;
}

int transaction_recover(struct host *h, struct changes **ret, struct err *e)
{
	struct signals_held held;
	signals_hold(&held);
	int r = recover_held(h, ret, e);
	int came = signals_release(&held);
	if (r == 0 && *ret)
		(*ret)->signal = came;
	return r;
}
