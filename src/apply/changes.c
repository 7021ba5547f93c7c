/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/changes.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/host.h"
#include "kernel/task-stat.h"

void changes_free(struct changes *c)
{
	free(c->v.v);
	arena_done(&c->arena);
	free(c);
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

bool change_is_same(struct host *h, const struct change *c, const char *now)
{
	return knob_holds(c->knob, h, &c->target, c->after, c->avoid, now);
}

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
	/* Nothing is left, or only CPUs that are offline: the fallback has all that are not. */
	if (s->fallback && !cpuset_intersects(&wanted, s->fallback))
		wanted = *s->fallback;
	AUTO_FREE char *text = cpuset_format_list(&wanted);
	return arena_strdup(a, text);
}

/* True when the setting was right from the start: what it is now is not our business. */
static bool was_right(const struct change *c, const struct entry *ours)
{
	return !c->knob->is_collateral && streq(ours->value, c->baseline) &&
		streq(c->after, c->baseline);
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
	return is_ours ? knob_is_same(c->knob, h, &c->target, c->after, now)
		       : change_is_same(h, c, now);
}

int changes_add(
	struct host *h, struct changes *list, const struct change *c, const struct entry *ours)
{
	AUTO_FREE char *now = NULL;
	int r = c->knob->read(h, &c->target, &now);
	if (r < 0 && !knob_is_gone(r) && !c->is_optional)
		return r;
	struct change *n = array_push(&list->v);
	*n = *c;
	n->before = arena_strdup(&list->arena, now);
	if (r < 0) {
		n->result = knob_is_gone(r) ? CHANGE_GONE : CHANGE_IMMOVABLE;
		n->reason = knob_explain(c->knob, r);
	} else if (ours && was_right(c, ours)) {
		n->result = CHANGE_SAME;
		n->is_untouched = true;
	} else if (is_right(h, n, now) && !is_blind(c)) {
		n->result = CHANGE_SAME;
	} else if (ours && !c->knob->is_deferred &&
		!knob_is_same(c->knob, h, &c->target, c->after, now) &&
		!knob_is_ours(c->knob, h, &c->target, ours->value, ours->avoid, now) &&
		!knob_is_same(c->knob, h, &c->target, c->baseline, now)) {
		n->result = CHANGE_KEPT;
		n->reason = "somebody else changed it since";
	}
	return 0;
}

struct change change_of(struct arena *a, const struct entry *e)
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
	const struct target t = { e->key, e->id };
	for (size_t i = 0; i < s->n; i++) {
		const struct setting *x = &s->v[i];
		if (target_is_same(x->knob, &(struct target){ x->key, x->id }, e->knob, &t))
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
		int r = changes_add(h, list, &c, entry);
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
		if (knob_is_gone(r))
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
		return entry || is_heir ? changes_add(h, list, &c, NULL) : 0;
	}
	c.after = s->value ? arena_strdup(&list->arena, s->value)
			   : derive(h, &list->arena, c.knob, s, c.baseline);
	if (!c.after) /* not a set: nothing to derive from */
		return 0;
	if (s->without) {
		AUTO_FREE char *avoid = cpuset_format_list(s->without);
		c.avoid = arena_strdup(&list->arena, avoid);
	}
	return changes_add(h, list, &c, NULL);
}

int changes_plan(struct host *h, const struct ledger *l, const struct settings *settings,
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

const struct change *changes_find(const struct changes *list, const struct entry *entry)
{
	const struct target t = { entry->key, entry->id };
	array_for_each (c, &list->v) {
		if (target_is_same(c->knob->name, &c->target, entry->knob, &t))
			return c;
	}
	return NULL;
}

int changes_add_late_threads(struct host *h, const struct ledger *l, int pid, struct changes *list)
{
	AUTO_NAMES struct host_names threads = { 0 };
	if (host_list(h, &threads, "proc/%d/task", pid) < 0)
		return 0;
	for (size_t i = 0; i < threads.n; i++) {
		AUTO_FREE char *stat = NULL;
		struct task_stat t;
		if (host_read(h, &stat, NULL, "proc/%d/task/%s/stat", pid, threads.v[i]) < 0 ||
			task_stat_parse(stat, &t) < 0)
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
		if (ledger_find(l, same.knob, same.key, same.id) || changes_find(list, &same))
			continue;
		int r = changes_add(h, list, &c, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}
