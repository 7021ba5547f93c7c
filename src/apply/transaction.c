/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/transaction.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/host-write.h"
#include "model/task.h"

void changes_free(struct changes *c)
{
	free(c->v.v);
	arena_done(&c->arena);
	free(c);
}

void drifts_free(struct drifts *d)
{
	free(d->v.v);
	arena_done(&d->arena);
	free(d);
}

const char *change_result_name(enum change_result result)
{
	static const char *const names[] = {
		[CHANGE_PENDING] = "pending",
		[CHANGE_DONE] = "done",
		[CHANGE_SAME] = "unchanged",
		[CHANGE_GONE] = "gone",
		[CHANGE_IMMOVABLE] = "immovable",
		[CHANGE_KEPT] = "kept",
		[CHANGE_FAILED] = "failed",
	};
	return names[result];
}

bool change_is_needed(const struct change *c)
{
	return c->result == CHANGE_PENDING;
}

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ESRCH || r == -ENODEV;
}

/* True when the value is wanted, or does as well: it is a set without the CPUs to avoid. */
static bool holds(struct host *h, const struct knob *k, const struct target *t, const char *wanted,
	const char *avoid, const char *now)
{
	struct cpuset out, set;
	if (knob_is_same(k, h, t, wanted, now))
		return true;
	return avoid && cpuset_parse_list(avoid, &out) == 0 && cpuset_parse_list(now, &set) == 0 &&
		!cpuset_is_empty(&set) && !cpuset_intersects(&set, &out);
}

static bool is_same(struct host *h, const struct change *c, const char *now)
{
	return holds(h, c->knob, &c->target, c->after, c->avoid, now);
}

/* ---- planning ---- */

/* The set that a setting describes relative to its baseline. */
static const char *derive(struct host *h, struct arena *a, const struct knob *k,
	const struct setting *s, const char *baseline)
{
	struct cpuset was;
	bool is_all = (k->empty_is_all && (!*baseline || streq(baseline, KNOB_ABSENT))) ||
		streq(baseline, "all");
	AUTO_FREE char *online = NULL;
	if (is_all && knob_read_list(h, &online, "sys/devices/system/cpu/online") == 0)
		baseline = online;
	if (cpuset_parse_list(baseline, &was) < 0)
		return NULL;
	struct cpuset wanted = s->with ? cpuset_or(&was, s->with) : cpuset_minus(&was, s->without);
	if (!s->with && cpuset_equal(&wanted, &was) && is_all)
		return arena_strdup(a, baseline);
	if (cpuset_is_empty(&wanted) && s->fallback)
		wanted = *s->fallback;
	AUTO_FREE char *text = cpuset_format_list(&wanted);
	return arena_strdup(a, text);
}

/* True when the setting was right from the start: what it is now is not our business. */
static bool was_right(const struct change *c, const char *ours)
{
	return !c->knob->is_collateral && streq(ours, c->baseline) && streq(c->after, c->baseline);
}

/* True when the value has to be written though it seems to be there. A thread's mask that we set
 * may by now be just what its group has: left alone, it would stay when the group gets wider. */
static bool is_blind(const struct change *c)
{
	return c->knob->is_deferred || c->is_again || (c->is_released && streq(c->after, "all"));
}

/* Nothing to write. Somebody else's set without the CPUs to avoid is as good as ours, but an older
 * one of ours is not: it may avoid more than is claimed by now. */
static bool is_right(struct host *h, const struct change *c, const char *now)
{
	bool is_ours = c->in_force && knob_is_same(c->knob, h, &c->target, c->in_force, now);
	return is_ours ? knob_is_same(c->knob, h, &c->target, c->after, now) : is_same(h, c, now);
}

/* Adds a change to the value; what it is now decides whether anything is to be done. ours: the
 * value that may be there from us, NULL when whatever is there is replaced. */
static int add_change(
	struct host *h, struct changes *list, const struct change *c, const char *ours)
{
	AUTO_FREE char *now = NULL;
	int r = c->knob->read(h, &c->target, &now);
	if (r < 0 && !is_gone(r) && !c->is_optional)
		return r;
	struct change *n = array_push(&list->v);
	*n = *c;
	n->before = arena_strdup(&list->arena, now);
	if (r < 0) {
		n->result = is_gone(r) ? CHANGE_GONE : CHANGE_IMMOVABLE;
		n->reason = knob_explain(c->knob, r);
	} else if (ours && was_right(c, ours)) {
		n->result = CHANGE_SAME;
		n->is_untouched = true;
	} else if (is_right(h, n, now) && !is_blind(c)) {
		n->result = CHANGE_SAME;
	} else if (ours && !c->knob->is_deferred &&
		!knob_is_same(c->knob, h, &c->target, c->after, now) &&
		!knob_is_ours(c->knob, h, &c->target, ours, now) &&
		!knob_is_same(c->knob, h, &c->target, c->baseline, now)) {
		n->result = CHANGE_KEPT;
		n->reason = "somebody else changed it since";
	}
	return 0;
}

static struct change change_of(struct arena *a, const struct entry *e)
{
	return (struct change){
		.knob = knob_find(e->knob),
		.target = { .key = arena_strdup(a, e->key), .id = arena_strdup(a, e->id) },
		.baseline = arena_strdup(a, e->baseline),
		.is_optional = e->is_optional,
	};
}

static const struct setting *find_setting(const struct settings *s, const struct entry *e)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct setting *x = &s->v[i];
		bool has_same_id = x->id && e->id ? streq(x->id, e->id) : x->id == e->id;
		if (streq(x->key, e->key) && has_same_id && knob_is_same_thing(x->knob, e->knob))
			return x;
	}
	return NULL;
}

/* Backwards through what was applied and is no longer wanted. */
static int plan_release(struct host *h, const struct ledger *l, const struct settings *settings,
	struct changes *list)
{
	for (size_t i = l->entries.n; i-- > 0;) {
		const struct entry *entry = &l->entries.v[i];
		if (!knob_find(entry->knob) || find_setting(settings, entry))
			continue;
		struct change c = change_of(&list->arena, entry);
		c.after = c.baseline;
		c.is_released = true;
		c.why = "put back";
		int r = add_change(h, list, &c, entry->value);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A thread that was born since has the mask of the one that made it, which is ours. */
static bool has_inherited(
	struct host *h, const struct ledger *l, const struct knob *k, const struct target *t)
{
	if (!knob_is_same_thing(k->name, "thread.affinity"))
		return false;
	int pid = thread_process(h, t);
	array_for_each (entry, &l->entries) {
		int tid;
		if (pid > 0 && streq(entry->knob, "thread.affinity") &&
			str_to_int(entry->key, &tid) == 0 && tid == pid)
			return true;
	}
	return false;
}

static int plan_setting(
	struct host *h, const struct ledger *l, const struct setting *s, struct changes *list)
{
	const struct entry *entry = ledger_find(l, s->knob, s->key, s->id);
	struct change c = {
		.knob = knob_find(s->knob),
		.target = { .key = arena_strdup(&list->arena, s->key),
			.id = arena_strdup(&list->arena, s->id) },
		.why = arena_strdup(&list->arena, s->why),
		.is_optional = s->is_optional,
	};
	AUTO_FREE char *now = NULL;
	if (!entry) {
		int r = c.knob->read_baseline ? c.knob->read_baseline(h, &c.target, &now)
					      : c.knob->read(h, &c.target, &now);
		if (is_gone(r))
			return 0; /* ended since the snapshot, or not there at all */
		if (r < 0)
			return r;
	}
	bool is_heir = !entry && has_inherited(h, l, c.knob, &c.target);
	c.in_force = entry ? arena_strdup(&list->arena, entry->value) : NULL;
	c.baseline = arena_strdup(&list->arena, entry ? entry->baseline : is_heir ? "all" : now);
	if (thread_is_fenced(h, c.knob, &c.target, c.baseline)) {
		c.after = c.baseline;
		c.is_released = true;
		return entry || is_heir ? add_change(h, list, &c, NULL) : 0;
	}
	c.after = s->value ? arena_strdup(&list->arena, s->value)
			   : derive(h, &list->arena, c.knob, s, c.baseline);
	if (!c.after) /* not a set: nothing to derive from */
		return 0;
	if (s->without) {
		AUTO_FREE char *avoid = cpuset_format_list(s->without);
		c.avoid = arena_strdup(&list->arena, avoid);
	}
	return add_change(h, list, &c, NULL);
}

int transaction_plan(struct host *h, const struct ledger *l, const struct settings *settings,
	struct changes **ret, struct err *e)
{
	AUTO_CHANGES struct changes *list = xcalloc(1, sizeof *list);
	int r = plan_release(h, l, settings, list);
	if (r < 0)
		return err_set(e, r, "read what was applied");
	for (size_t i = 0; i < settings->n; i++) {
		const struct setting *s = &settings->v[i];
		r = plan_setting(h, l, s, list);
		if (r < 0)
			return err_set(e, r, "read %s of '%s'", s->knob, s->key);
	}
	*ret = TAKE(list);
	return 0;
}

static const struct change *find_change(const struct changes *list, const struct entry *entry)
{
	array_for_each (c, &list->v) {
		bool has_same_id = c->target.id && entry->id ? streq(c->target.id, entry->id)
							     : c->target.id == entry->id;
		if (streq(c->target.key, entry->key) && has_same_id &&
			knob_is_same_thing(c->knob->name, entry->knob))
			return c;
	}
	return NULL;
}

int transaction_add_late_threads(
	struct host *h, const struct ledger *l, int pid, struct changes *list)
{
	AUTO_NAMES struct host_names threads = { 0 };
	if (host_list(h, &threads, "proc/%d/task", pid) < 0)
		return 0;
	for (size_t i = 0; i < threads.n; i++) {
		AUTO_FREE char *stat = NULL;
		struct task t;
		if (host_read(h, &stat, NULL, "proc/%d/task/%s/stat", pid, threads.v[i]) < 0 ||
			task_parse_stat(stat, &t) < 0)
			continue;
		struct change c = {
			.knob = &knob_thread_affinity,
			.target.key = arena_strdup(&list->arena, threads.v[i]),
			.target.id =
				arena_printf(&list->arena, "%llu", (unsigned long long)t.start),
			.baseline = "all",
			.after = "all",
			.why = "born since, with a mask of ours",
			.is_optional = true,
			.is_released = true,
		};
		const struct entry same = {
			.knob = "thread.affinity", .key = c.target.key, .id = c.target.id
		};
		if (ledger_find(l, same.knob, same.key, same.id) || find_change(list, &same))
			continue;
		int r = add_change(h, list, &c, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- running ---- */

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
		if (is_gone(there))
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
	if (is_gone(r)) {
		conclude_gone(c);
		return c->result == CHANGE_GONE;
	}
	if (r == 0 && is_same(h, c, now)) {
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
		if (!is_gone(r) && (r < 0 || !knob_is_same(c->knob, h, &c->target, c->after, now)))
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
 * Drops from the ledger what went back, is gone, or was refused by the kernel: it was never ours.
 *
 * Two kinds that were refused stay, with the value that the kernel has. What did not go back: a
 * later undo may succeed. And what other changes affect: that has to come back from them.
 */
static void drop_done(struct host *h, struct ledger *next, const struct changes *list)
{
	size_t n = 0;
	array_for_each (entry, &next->entries) {
		const struct change *c = find_change(list, entry);
		bool has_failed = c && (is_refused(c) || c->result == CHANGE_PENDING);
		AUTO_FREE char *now = NULL;
		if (c && c->result == CHANGE_GONE)
			continue;
		if (entry->is_released && !has_failed)
			continue;
		if (!entry->is_released && c && c->result == CHANGE_IMMOVABLE &&
			!c->knob->is_collateral)
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
	if (next->confirm_wait_ns)
		next->confirm_ns = host_clock_ns(h) + next->confirm_wait_ns;
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
		int r = add_change(h, list, &c, entry->value);
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
		c.why = "the undo did not end";
		int r = add_change(h, list, &c, NULL);
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

/* ---- drift ---- */

/* Who usually writes here, for a hint. */
static const char *suspect_of(const char *knob)
{
	static const struct {
		const char *prefix, *suspect;
	} writers[] = {
		{ "irq.", "irqbalance, or the device's driver" },
		{ "irqbalance.", "a restart of irqbalance" },
		{ "unit.", "systemctl set-property" },
		{ "cgroup.", "systemd (daemon-reload, set-property), or CPU hotplug" },
		{ "thread.", "taskset, libvirt or tuned" },
		{ "kthread.", "tuned, or a partition made by somebody else" },
		{ "task.", "the process itself, or tuned" },
		{ "workqueue.", "tuned" },
	};
	for (size_t i = 0; i < N_ELEMENTS(writers); i++)
		if (str_after(knob, writers[i].prefix))
			return writers[i].suspect;
	return "unknown";
}

int transaction_check(struct host *h, const struct ledger *l, struct drifts **ret, struct err *e)
{
	AUTO_DRIFTS struct drifts *drifts = xcalloc(1, sizeof *drifts);
	array_for_each (entry, &l->entries) {
		const struct knob *k = knob_find(entry->knob);
		struct target t = { .key = entry->key, .id = entry->id };
		AUTO_FREE char *now = NULL;
		if (!k)
			continue;
		int r = k->read(h, &t, &now);
		if (r < 0 && !is_gone(r))
			return err_set(e, r, "read %s of '%s'", entry->knob, entry->key);
		if (r == 0 && holds(h, k, &t, entry->value, entry->avoid, now))
			continue;
		/* a thread, a group or a unit that ended took its settings along */
		if (r < 0 && (entry->id || str_after(entry->knob, "unit.")))
			continue;
		*array_push(&drifts->v) = (struct drift){
			.entry = entry,
			.actual = r < 0 ? "gone" : arena_strdup(&drifts->arena, now),
			.suspect = suspect_of(entry->knob),
		};
	}
	*ret = TAKE(drifts);
	return 0;
}
