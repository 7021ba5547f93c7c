/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/transaction.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/host-write.h"

static void conclude(
	struct changes *list, struct change *c, enum change_result result, const char *reason)
{
	c->result = result;
	c->reason = arena_strdup(&list->arena, reason);
}

/* What is gone took its setting along; but a VM without one that it needs is not whole. */
static void conclude_gone(struct change *c)
{
	bool is_needed = !c->is_optional && !c->is_released;
	c->result = is_needed ? CHANGE_FAILED : CHANGE_GONE;
	c->reason = is_needed ? "it is gone" : NULL;
}

/* One write, and the kernel's word for it. */
static void put(struct host *h, struct changes *list, struct change *c)
{
	AUTO_FREE char *now = NULL;
	int r = c->knob->write(h, &c->target, c->after);
	if (r < 0) {
		int there = c->knob->read(h, &c->target, &now);
		if (knob_is_gone(there))
			conclude_gone(c);
		else
			conclude(list, c, c->is_optional ? CHANGE_IMMOVABLE : CHANGE_FAILED,
				knob_explain(c->knob, r));
		return;
	}
	c->result = CHANGE_DONE;
}

/* Reads back; false when the kernel has something else. */
static bool check(struct host *h, struct changes *list, struct change *c)
{
	AUTO_FREE char *now = NULL;
	int r = c->knob->read(h, &c->target, &now);
	if (knob_is_gone(r)) {
		conclude_gone(c);
		return c->result == CHANGE_GONE;
	}
	if (r == 0 && change_is_same(h, c, now)) {
		/* refused before, and here by way of another change: nothing is left to report */
		if (c->result == CHANGE_IMMOVABLE || c->result == CHANGE_FAILED)
			conclude(list, c, CHANGE_DONE, NULL);
		return true;
	}
	AUTO_FREE char *reason =
		r < 0 ? xstrdup(knob_explain(c->knob, r)) : xasprintf("the kernel has '%s'", now);
	conclude(list, c, c->is_optional ? CHANGE_IMMOVABLE : CHANGE_FAILED, reason);
	return false;
}

/* True when the kernel's word for it is still to be had. */
static bool is_open(const struct change *c)
{
	return !c->knob->is_deferred &&
		(c->result == CHANGE_DONE || (c->result == CHANGE_SAME && !c->is_untouched));
}

static bool is_refused(const struct change *c)
{
	return c->result == CHANGE_IMMOVABLE || c->result == CHANGE_FAILED;
}

/* A value may have to wait for others: a mask for its cpuset, a group for its threads. So read
 * everything again at the end, and write once more what is not exactly so: a mask that a cpuset
 * took away may keep off the claimed CPUs by chance, and still is not the thread's. */
static void settle_and_check(struct host *h, struct changes *list, bool is_back)
{
	array_for_each (c, &list->v) {
		AUTO_FREE char *now = NULL;
		bool is_tried = is_open(c) || (is_refused(c) && (is_back || c->is_released));
		if (!is_tried)
			continue;
		int r = c->knob->read(h, &c->target, &now);
		if (!knob_is_gone(r) &&
			(r < 0 || !knob_is_same(c->knob, h, &c->target, c->after, now)))
			put(h, list, c);
		else
			check(h, list, c);
		if (is_open(c))
			check(h, list, c);
	}
	/* What was held back by one that came later in the list: a list of CPUs by its controller.
	 */
	array_for_each (c, &list->v) {
		if (is_refused(c) && c->is_released) {
			c->result = CHANGE_DONE;
			check(h, list, c);
		}
	}
}

/* Executes the list. Stops at the first required change that fails when asked to; one on its way
 * back is not required: what does not go back now (a list that older kernels do not empty) may when
 * others have gone. False when a required one failed. */
static bool run(struct host *h, struct changes *list, bool stops_at_failure)
{
	int (*settle)(struct host * h) = NULL;
	array_for_each (c, &list->v) {
		if (!change_is_needed(c))
			continue;
		/* systemd must have forgotten its properties before the controller goes for good */
		if (settle && c->knob == &knob_cgroup_cpuset && !*c->target.key) {
			settle(h);
			settle = NULL;
		}
		put(h, list, c);
		if (c->is_released && c->knob->settle)
			settle = c->knob->settle;
		if (!stops_at_failure || c->is_released)
			continue;
		if (!c->is_optional && is_open(c))
			check(h, list, c);
		if (c->result == CHANGE_FAILED)
			return false;
	}
	if (settle)
		settle(h);
	settle_and_check(h, list, !stops_at_failure);
	array_for_each (c, &list->v) {
		if (c->result == CHANGE_FAILED && !c->is_released)
			return false;
	}
	return true;
}

static void fill_entries(struct ledger *next, const struct changes *list)
{
	array_for_each (c, &list->v) {
		if (c->result == CHANGE_GONE || c->result == CHANGE_KEPT || !c->baseline)
			continue;
		ledger_add_entry(next,
			&(struct entry){ .knob = c->knob->name,
				.key = c->target.key,
				.id = c->target.id,
				.baseline = c->baseline,
				.value = c->after,
				.avoid = c->avoid,
				.is_optional = c->is_optional,
				.is_released = c->is_released });
	}
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
		bool has_failed = c && (is_refused(c) || c->result == CHANGE_PENDING);
		AUTO_FREE char *now = NULL;
		if (c && c->result == CHANGE_GONE)
			continue;
		if (entry->is_released && !has_failed)
			continue;
		if (!entry->is_released && c && c->result == CHANGE_IMMOVABLE &&
			!c->knob->is_collateral && !c->in_force)
			continue;
		bool is_wanted = !entry->is_released && c && c->result == CHANGE_FAILED;
		if (has_failed && !is_wanted && c->knob->read(h, &c->target, &now) == 0)
			entry->value = arena_strdup(&next->arena, now);
		entry->is_released = false;
		next->entries.v[n++] = *entry;
	}
	next->entries.n = n;
}

/* With VMs left, what others of our settings hold back goes with the last of them. */
static void wait_for_others(const struct ledger *next, struct changes *list)
{
	array_for_each (c, &list->v) {
		if (next->placements.n && c->is_released && is_refused(c) && c->knob->is_collateral)
			c->result = CHANGE_PENDING;
	}
}

/* The journal, without what came to nothing, becomes the ledger. */
static int finish(struct host *h, struct ledger *next, struct changes *list, struct err *e)
{
	wait_for_others(next, list);
	drop_done(h, next, list);
	array_for_each (p, &next->placements) {
		if (p->confirm_ns == CONFIRM_FROM_END)
			p->confirm_ns = host_clock_ns(h) + next->confirm_wait_ns;
	}
	int r = ledger_write_journal(h, next, e);
	if (r == 0)
		r = ledger_commit(h, e);
	if (r == 0 && !next->entries.n && !next->placements.n)
		r = ledger_replace(h, next, e); /* removes it */
	return r;
}

int transaction_run(struct host *h, struct changes *list, struct ledger *next,
	struct changes **ret_back, struct err *e)
{
	struct err later = { 0 };
	fill_entries(next, list);
	int r = ledger_write_journal(h, next, e);
	if (r < 0)
		return r;
	bool is_made = run(h, list, !next->is_forward) || next->is_forward;
	r = is_made ? finish(h, next, list, e) : err_say(e, -ECANCELED, "taken back");
	if (r == 0)
		return 0;
	if (next->is_forward || transaction_recover(h, ret_back, &later) < 0) {
		err_ctx(e, "unfinished; 'wideberth undo --all' ends it%s%s",
			*later.text ? ": " : "", later.text);
		return -ENOTRECOVERABLE;
	}
	return -ECANCELED;
}

/* ---- recovery ---- */

/* Backwards: everything that the journal names goes to the value in force before, else to its
 * baseline. */
static int plan_back(
	struct host *h, const struct ledger *l, const struct ledger *journal, struct changes *list)
{
	for (size_t i = journal->entries.n; i-- > 0;) {
		const struct entry *entry = &journal->entries.v[i];
		struct change c = change_of(&list->arena, entry);
		if (!c.knob)
			continue;
		const struct entry *before = ledger_find(l, entry->knob, entry->key, entry->id);
		c.after = before ? arena_strdup(&list->arena, before->value) : c.baseline;
		c.is_released = !before;
		/* systemd may not have noticed yet that its drop-in is gone */
		c.is_again = before && c.knob == &knob_unit_cpus;
		c.why = "the transaction did not end";
		int r = changes_add(h, list, &c, entry);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What could not be taken back is kept for a later undo. */
static int keep_residue(struct host *h, struct ledger *l, const struct changes *list, struct err *e)
{
	bool has_any = false;
	array_for_each (c, &list->v) {
		AUTO_FREE char *now = NULL;
		if (!is_refused(c) || !c->is_released || c->knob->read(h, &c->target, &now) < 0)
			continue;
		ledger_add_entry(l,
			&(struct entry){ .knob = c->knob->name,
				.key = c->target.key,
				.id = c->target.id,
				.baseline = c->baseline,
				.value = now,
				.is_optional = c->is_optional });
		has_any = true;
	}
	return has_any ? ledger_replace(h, l, e) : 0;
}

/* Forwards, for an undo: released entries first, they stand in the order of execution. */
static int plan_forward(struct host *h, const struct ledger *journal, struct changes *list)
{
	array_for_each (entry, &journal->entries) {
		struct change c = change_of(&list->arena, entry);
		if (!c.knob)
			continue;
		c.after = arena_strdup(&list->arena, entry->value);
		c.is_released = entry->is_released;
		c.in_force = c.is_released ? NULL : c.after;
		c.why = "the undo did not end";
		int r = changes_add(h, list, &c, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

int transaction_recover(struct host *h, struct changes **ret, struct err *e)
{
	AUTO_LEDGER struct ledger *journal = NULL, *l = NULL;
	AUTO_CHANGES struct changes *list = xcalloc(1, sizeof *list);
	int r = ledger_read_journal(h, &journal, e);
	if (r < 0 || !journal)
		return r;
	r = ledger_read(h, &l, e);
	if (r < 0)
		return r;
	r = journal->is_forward ? plan_forward(h, journal, list) : plan_back(h, l, journal, list);
	if (r < 0)
		return err_set(e, r, "recover '%s'", journal->operation);
	run(h, list, false);
	if (journal->is_forward) {
		r = finish(h, journal, list, e);
	} else {
		r = keep_residue(h, l, list, e);
		if (r == 0)
			r = ledger_drop_journal(h, e);
	}
	list->n_damaged = journal->n_damaged + l->n_damaged;
	if (r == 0)
		*ret = TAKE(list);
	return r;
}
