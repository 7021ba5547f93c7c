/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/changes.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/host.h"
#include "kernel/task-stat.h"

struct changes *changes_new(void)
{
	struct changes *c = xcalloc(1, sizeof *c);
	c->owed = ledger_new();
	return c;
}

void changes_free(struct changes *c)
{
	ledger_freep(&c->owed);
	free(c->v.v);
	arena_done(&c->arena);
	free(c);
}

const char *change_result_name(const struct change *c)
{
	static const char *const names[N_CHANGE_STATES] = {
		[CHANGE_PENDING] = "pending",
		[CHANGE_WRITTEN] = "done",
		[CHANGE_DONE] = "done",
		[CHANGE_SAME] = "unchanged",
		[CHANGE_UNTOUCHED] = "unchanged",
		[CHANGE_GONE] = "gone",
		[CHANGE_IMMOVABLE] = "immovable",
		[CHANGE_UNREADABLE] = "immovable",
		[CHANGE_KEPT] = "kept",
		[CHANGE_LATER] = "pending",
		[CHANGE_FAILED] = "failed",
	};
	return names[c->state];
}

bool change_is_needed(const struct change *c)
{
	return c->state == CHANGE_PENDING;
}

bool change_is_drift(const struct change *c)
{
	return c->aim != AIM_BACK && c->in_force && value_equal(c->in_force, &c->after);
}

bool change_is_one(const struct change *c)
{
	return !value_equal(&c->before, &c->after);
}

bool change_is_refused(const struct change *c)
{
	return c->state == CHANGE_IMMOVABLE || c->state == CHANGE_UNREADABLE ||
		c->state == CHANGE_FAILED;
}

/* True when there is nothing to take back: the setting was right from the start, and what it is now
 * is not our business; or what was done is done. */
static bool has_no_way_back(const struct change *c, const struct entry *ours)
{
	if (c->knob->type == KNOB_ACTION)
		return c->aim == AIM_BACK;
	return !c->knob->is_collateral && value_equal(&ours->value, &c->baseline) &&
		value_equal(&c->after, &c->baseline);
}

/* Nothing to write. Somebody else's set without the CPUs to avoid is as good as ours, but an older
 * one of ours is not: it may avoid more than is claimed by now. A value that we set may by now be
 * just what its group has: left alone, it would stay when the group gets wider. */
static bool is_right(struct host *h, const struct change *c)
{
	const struct value *now = &c->before;
	bool is_hidden = c->knob->hides_unset && c->aim == AIM_BACK && c->after.kind == VALUE_UNSET;
	if (c->knob->type == KNOB_ACTION)
		return c->in_force || c->aim == AIM_BACK;
	if (c->knob->is_deferred || is_hidden)
		return false;
	bool is_ours = c->in_force && knob_is_same(h, c->knob, &c->target, c->in_force, now);
	return knob_holds(h, c->knob, &c->target, &c->after, is_ours ? NULL : c->avoid, now);
}

/* Neither ours, nor what it is to be, nor what it was. */
static bool is_foreign(struct host *h, const struct change *c, const struct entry *ours)
{
	const struct value *now = &c->before;
	return !c->knob->is_deferred && !knob_is_same(h, c->knob, &c->target, &c->after, now) &&
		!knob_is_ours(h, c->knob, &c->target, &ours->value, ours->avoid, now) &&
		!knob_is_same(h, c->knob, &c->target, &c->baseline, now);
}

static void add(
	struct changes *list, const struct change *c, enum change_state state, const char *reason)
{
	struct change *n = array_push(&list->v);
	*n = *c;
	n->state = state;
	n->reason = reason;
}

/* The value there now is in c->before. */
static void add_read(
	struct host *h, struct changes *list, const struct change *c, const struct entry *ours)
{
	if (ours && has_no_way_back(c, ours))
		add(list, c, CHANGE_UNTOUCHED, NULL);
	else if (is_right(h, c))
		add(list, c, CHANGE_SAME, NULL);
	else if (ours && is_foreign(h, c, ours))
		add(list, c, CHANGE_KEPT, "somebody else changed it since");
	else
		add(list, c, CHANGE_PENDING, NULL);
}

void changes_add_back(struct host *h, struct changes *list, struct change *c,
	const struct entry *ours, bool in_doubt)
{
	int r = knob_read(h, c->knob, &c->target, &list->arena, &c->before);
	if (r == KNOB_GONE)
		add(list, c, CHANGE_GONE, NULL);
	else if (r < 0) /* owed: not written without knowing what is there */
		add(list, c, CHANGE_FAILED, knob_explain(c->knob, r));
	else if (in_doubt && c->knob->is_remembered)
		add(list, c, CHANGE_PENDING, NULL);
	else
		add_read(h, list, c, ours);
}

const struct value *change_keep(struct arena *a, const struct value *v)
{
	struct value copy = value_copy(a, v);
	return arena_dup(a, &copy, 1, sizeof copy);
}

struct change change_of(struct arena *a, const struct entry *e)
{
	return (struct change){
		.knob = e->knob,
		.target = { .key = arena_strdup(a, e->key), .id = arena_strdup(a, e->id) },
		.baseline = value_copy(a, &e->baseline),
		.in_force = change_keep(a, &e->value),
		.aim = e->is_optional ? AIM_OPTIONAL : AIM_REQUIRED,
	};
}

static bool is_wanted(const struct settings *s, const struct entry *e)
{
	const struct target t = { e->key, e->id };
	for (size_t i = 0; i < s->n; i++) {
		const struct setting *x = &s->v[i];
		const struct target wanted = { x->key, x->id };
		if (target_is_same(x->knob, &wanted, e->knob, &t))
			return true;
	}
	return false;
}

/* Backwards through what was applied and is no longer wanted. */
static void plan_release(struct host *h, const struct ledger *l, const struct settings *settings,
	struct changes *list)
{
	for (size_t i = l->entries.n; i-- > 0;) {
		const struct entry *entry = &l->entries.v[i];
		if (is_wanted(settings, entry))
			continue;
		struct change c = change_of(&list->arena, entry);
		c.after = c.baseline;
		c.aim = AIM_BACK;
		c.why = "put back";
		changes_add_back(h, list, &c, entry, false);
	}
}

/* What was born since has the value of what made it, which is ours. */
static bool is_heir(struct host *h, const struct ledger *l, const struct change *c)
{
	if (!ledger_is_newborn(l, c->target.id))
		return false;
	struct arena a = { 0 };
	const char *parent = knob_parent(h, c->knob, &c->target, &a);
	bool has_ours = false;
	array_for_each (entry, &l->entries)
		has_ours |= parent && streq(entry->key, parent) && !entry->knob->is_collateral &&
			knob_is_same_thing(entry->knob, c->knob);
	arena_done(&a);
	return has_ours;
}

/* The entry of ours that gave the setting the value that it has, or NULL. */
static const struct entry *giver_of(
	const struct ledger *l, const struct setting *s, const struct value *now)
{
	if (!s->by_other)
		return NULL;
	const struct target t = { s->by_other->key, s->by_other->id };
	const struct entry *giver = ledger_find(l, s->by_other->knob, &t);
	return giver && value_equal(&giver->value, now) ? giver : NULL;
}

/* A thread that has what its group gives to everybody. */
static bool is_as_group(const struct setting *s, const struct change *c)
{
	return s->group_cpus && c->before.kind == VALUE_SET &&
		cpuset_equal(c->before.cpus, s->group_cpus);
}

/* What it is now, and what to come back to. Returns as knob_read(). */
static int read_before(struct host *h, const struct ledger *l, const struct setting *s,
	const struct entry *ours, struct change *c, struct arena *a)
{
	int r = knob_read(h, c->knob, &c->target, a, &c->before);
	const struct entry *giver = r == 0 && !ours ? giver_of(l, s, &c->before) : NULL;
	if (giver) {
		c->baseline = value_copy(a, &giver->baseline);
	} else if (ours) {
		c->in_force = change_keep(a, &ours->value);
		c->baseline = value_copy(a, &ours->baseline);
	} else if (r == 0 && l->entries.n && !(s->needs_own && is_as_group(s, c)) &&
		is_heir(h, l, c)) {
		c->in_force = change_keep(a, &c->before);
		c->baseline = VALUE_IS_UNSET;
	} else if (r == 0 && s->group_cpus && c->before.kind == VALUE_SET) {
		c->baseline = is_as_group(s, c) ? VALUE_IS_UNSET : c->before;
	} else if (r == 0) {
		c->baseline = knob_baseline(h, c->knob, &c->target, &c->before);
	}
	return r;
}

/* What another setting was before any change of ours. Returns as knob_read(). */
static int other_baseline(struct host *h, const struct ledger *l, const struct setting_name *name,
	struct changes *list, struct value *ret)
{
	const struct entry other = { .knob = name->knob, .key = name->key, .id = name->id };
	const struct target t = { name->key, name->id };
	const struct change *planned = changes_find(list, &other);
	const struct entry *ours = ledger_find(l, name->knob, &t);
	if (planned || ours) {
		*ret = planned ? planned->baseline : ours->baseline;
		return 0;
	}
	int r = knob_read(h, name->knob, &t, &list->arena, ret);
	if (r == 0)
		*ret = knob_baseline(h, name->knob, &t, ret);
	return r;
}

/* True when something else sees to it: a fence, or the kernel. */
static bool is_seen_to(struct host *h, const struct ledger *l, const struct setting *s,
	const struct change *c, struct changes *list)
{
	struct value other;
	return (s->needs_own && c->baseline.kind == VALUE_UNSET) ||
		(s->follows && other_baseline(h, l, s->follows, list, &other) == 0 &&
			value_equal(&other, &c->baseline));
}

/* What the value is derived from: the baseline, and no more than what it is to be within. */
static struct value base_of(struct host *h, const struct ledger *l, const struct setting *s,
	const struct change *c, struct changes *list)
{
	struct value limit;
	if (!s->within || other_baseline(h, l, s->within, list, &limit) != 0 ||
		limit.kind != VALUE_SET)
		return c->baseline;
	if (c->baseline.kind != VALUE_SET)
		return limit;
	struct cpuset both = cpuset_and(c->baseline.cpus, limit.cpus);
	return value_cpus(cpuset_keep(&list->arena, &both));
}

/* Nothing is set there; what is ours goes. */
static void leave_alone(struct host *h, struct change *c, struct changes *list)
{
	c->after = c->baseline;
	c->aim = AIM_BACK;
	if (c->in_force)
		add_read(h, list, c, NULL);
}

static int plan_setting(struct host *h, const struct ledger *l, const struct settings *settings,
	const struct setting *s, struct changes *list)
{
	struct arena *a = &list->arena;
	struct change c = {
		.knob = s->knob,
		.target = { .key = arena_strdup(a, s->key), .id = arena_strdup(a, s->id) },
		.aim = s->is_optional ? AIM_OPTIONAL : AIM_REQUIRED,
		.why = arena_strdup(a, s->why),
		.avoid = s->avoid ? cpuset_keep(a, s->avoid) : NULL,
	};
	const struct entry *ours = ledger_find(l, c.knob, &c.target);
	int r = read_before(h, l, s, ours, &c, a);
	if (r == KNOB_GONE) { /* ended since the snapshot, or not there at all */
		if (ours)
			add(list, &c, CHANGE_GONE, NULL);
	} else if (r < 0 && s->is_optional) {
		if (ours)
			c.after = *c.in_force;
		add(list, &c, ours ? CHANGE_IMMOVABLE : CHANGE_UNREADABLE, knob_explain(c.knob, r));
	} else if (r < 0) {
		return r;
	} else if (is_seen_to(h, l, s, &c, list)) {
		leave_alone(h, &c, list);
	} else {
		const struct value base = base_of(h, l, s, &c, list);
		if (s->is_in_use && c.baseline.kind == VALUE_UNSET) {
			c.stays = knob_stays(h, c.knob);
			c.left = value_cpus(cpuset_keep(a, s->all ? s->all : settings->online));
		}
		if (setting_join(settings, s, &base, a, &c.after))
			add_read(h, list, &c, NULL);
	}
	return 0;
}

int changes_plan(struct host *h, const struct ledger *l, const struct settings *settings,
	struct changes **ret, struct err *e)
{
	AUTO_CHANGES struct changes *list = changes_new();
	ledger_add_strangers(list->owed, l);
	plan_release(h, l, settings, list);
	for (size_t i = 0; i < settings->n; i++) {
		const struct setting *s = &settings->v[i];
		int r = plan_setting(h, l, settings, s, list);
		if (r < 0)
			return err_set(e, r, "read %s of '%s'", s->knob->name, s->key);
	}
	const char *first;
	list->is_unsure = host_unanswered(h, &first) > 0;
	*ret = TAKE(list);
	return 0;
}

const struct change *changes_find(const struct changes *list, const struct entry *entry)
{
	const struct target t = { entry->key, entry->id };
	array_for_each (c, &list->v) {
		if (target_is_same(c->knob, &c->target, entry->knob, &t))
			return c;
	}
	return NULL;
}

void changes_adopt(struct changes *list, const struct changes *more)
{
	struct arena *a = &list->arena;
	array_for_each (c, &more->v) {
		const struct entry same = {
			.knob = c->knob, .key = c->target.key, .id = c->target.id
		};
		if (c->state == CHANGE_SAME || changes_find(list, &same))
			continue;
		struct change *n = array_push(&list->v);
		*n = *c;
		n->target.key = arena_strdup(a, c->target.key);
		n->target.id = arena_strdup(a, c->target.id);
		n->baseline = value_copy(a, &c->baseline);
		n->before = value_copy(a, &c->before);
		n->after = value_copy(a, &c->after);
		n->left = value_copy(a, &c->left);
		n->in_force = c->in_force ? change_keep(a, c->in_force) : NULL;
		n->avoid = c->avoid ? arena_dup(a, c->avoid, 1, sizeof *c->avoid) : NULL;
		n->stays = arena_strdup(a, c->stays);
		n->why = arena_strdup(a, c->why);
		n->reason = arena_strdup(a, c->reason);
	}
}

/* Born since, with a mask of ours; or it was there, and what it had is in a record that is damaged:
 * to let it go would be a guess that is told as its old value. */
static void add_unnamed_thread(
	struct host *h, const struct ledger *l, struct changes *list, struct change *c)
{
	if (ledger_is_newborn(l, c->target.id)) {
		changes_add_back(h, list, c, NULL, false);
	} else if (knob_read(h, c->knob, &c->target, &list->arena, &c->before) == 0) {
		c->after = c->before;
		add(list, c, CHANGE_KEPT,
			"no readable record names it: a damaged one may have its old value");
	}
}

void changes_add_late_threads(struct host *h, const struct ledger *l, int pid, struct changes *list)
{
	AUTO_NAMES struct host_names threads = { 0 };
	if (host_list(h, &threads, "proc/%d/task", pid) < 0)
		return;
	for (size_t i = 0; i < threads.n; i++) {
		AUTO_FREE char *stat = NULL;
		struct task_stat t;
		if (host_read(h, &stat, NULL, "proc/%d/task/%s/stat", pid, threads.v[i]) < 0 ||
			task_stat_parse(stat, &t) < 0)
			continue;
		struct change c = {
			.knob = knob_find("thread.affinity"),
			.target.key = arena_strdup(&list->arena, threads.v[i]),
			.target.id =
				arena_printf(&list->arena, "%llu", (unsigned long long)t.start),
			.baseline = VALUE_IS_UNSET,
			.after = VALUE_IS_UNSET,
			.why = "born since, with a mask of ours",
			.aim = AIM_BACK,
		};
		const struct entry same = {
			.knob = c.knob, .key = c.target.key, .id = c.target.id
		};
		if (!ledger_find(l, c.knob, &c.target) && !changes_find(list, &same))
			add_unnamed_thread(h, l, list, &c);
	}
}
