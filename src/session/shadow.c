/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/shadow.h"

#include "apply/state-dir.h"
#include "base/file.h"
#include "base/str.h"
#include "host/host.h"
#include "session/planning.h"
#include "session/policy-files.h"
#include "session/reconcile.h"

struct shadow {
	struct recall *recall; /* or NULL */
	struct events *events;
	ARRAY(char *) told; /* of whom, this time */
};

static void shadow_done(struct shadow *s)
{
	array_for_each (of, &s->told)
		free(*of);
	free(s->told.v);
}

static const char *text(const char *s)
{
	return s ? s : "";
}

/* Where it is news. of: what it is about, which is told once as long as it is so. */
static void tell(struct shadow *s, const char *of, struct event e)
{
	AUTO_FREE char *label = e.vm ? vm_label(e.vm, e.name) : NULL;
	AUTO_FREE char *said = xasprintf("%s%s%s%s%s", text(label), label ? ": " : "", text(e.why),
		e.after ? ": " : "", text(e.after));
	*array_push(&s->told) = xstrdup(of);
	e.what = EVENT_SHADOW;
	if (!s->recall || recall_is_news(s->recall, event_name(EVENT_SHADOW), of, said))
		events_add(s->events, &e);
}

/* What is so no more is news when it comes again. */
static void forget_others(struct shadow *s)
{
	for (size_t i = s->recall ? s->recall->told.n : 0; i-- > 0;) {
		const struct told t = s->recall->told.v[i];
		bool is_told = !streq(t.what, event_name(EVENT_SHADOW));
		array_for_each (of, &s->told)
			is_told |= streq(*of, t.of);
		if (!is_told)
			(void)recall_is_news(s->recall, t.what, t.of, NULL);
	}
}

static bool moves(const struct planning *p, const struct placement *pl)
{
	array_for_each (m, &p->placements->moves)
		if (streq(m->vm, pl->vm))
			return true;
	return false;
}

static void tell_placed(struct shadow *s, const struct planning *p, const struct placement *pl)
{
	const struct placement *old = planning_former(p, pl);
	if (!planning_is_news(p, pl))
		return;
	AUTO_FREE char *before = old ? placement_cpus_text(old) : NULL,
		       *after = placement_cpus_text(pl),
		       *why = xasprintf("would be %s, %s, pid %d",
			       moves(p, pl)  ? "moved"
				       : old ? "changed"
					     : "applied",
			       level_name(pl->level), pl->pid);
	tell(s, pl->vm,
		(struct event){ .vm = pl->vm,
			.name = pl->name,
			.before = before,
			.after = after,
			.why = why });
}

static void tell_ended(struct shadow *s, const struct planning *p)
{
	array_for_each (old, &p->ledger->placements) {
		if (placement_same_process(p->all.v, p->all.n, old))
			continue;
		AUTO_FREE char *before = placement_cpus_text(old);
		tell(s, old->vm,
			(struct event){ .vm = old->vm,
				.name = old->name,
				.before = before,
				.why = "has ended: its CPUs would be free" });
	}
}

static void tell_refused(struct shadow *s, const struct planning *p)
{
	for (size_t i = 0; i < p->placements->refused.n; i++) {
		const struct refusal *f = &p->placements->refused.v[i];
		AUTO_FREE char *why = xasprintf("would be refused: %s", f->reason);
		if (!f->is_starting)
			tell(s, f->vm, (struct event){ .vm = f->vm, .name = f->name, .why = why });
	}
}

/* Those that somebody changed since, and how many others there are. */
static void tell_settings(struct shadow *s, struct host *h, const struct planning *p)
{
	uint64_t now_ns = host_clock_ns(h);
	size_t n = 0;
	array_for_each (c, &p->changes->v) {
		if (!change_is_needed(c) || reconcile_leaves(h, s->recall, c, now_ns))
			continue;
		if (!change_is_drift(c)) {
			n++;
			continue;
		}
		AUTO_FREE char *of = xasprintf("%s %s", c->knob->name, c->target.key),
			       *before = value_text(c->knob, &c->before),
			       *after = value_text(c->knob, &c->after);
		tell(s, of,
			(struct event){ .knob = c->knob->name,
				.key = c->target.key,
				.before = before,
				.after = after,
				.why = "would be set again: somebody changed it" });
	}
	AUTO_FREE char *why =
		xasprintf("%zu setting%s of the host would be changed", n, n == 1 ? "" : "s");
	if (n)
		tell(s, "settings", (struct event){ .why = why });
}

void shadow_tell(
	struct host *h, const struct planning *p, struct recall *recall, struct events *ret)
{
	CLEANUP(shadow_done) struct shadow s = { .recall = recall, .events = ret };
	AUTO_LEDGER struct ledger *journal = NULL;
	struct err e;
	if (ledger_read_journal(h, &journal, &e) == 0 && journal)
		tell(&s, "unfinished",
			(struct event){ .why = "an unfinished transaction would be ended first" });
	tell_ended(&s, p);
	for (size_t i = 0; i < p->placements->n; i++)
		tell_placed(&s, p, &p->placements->v[i]);
	tell_refused(&s, p);
	tell_settings(&s, h, p);
	forget_others(&s);
}

/* Told when it is another than before; NULL: it is none any more. */
static void tell_once(
	struct recall *recall, struct events *ret, enum event_kind what, const char *why)
{
	const struct event event = { .what = what, .why = why };
	if (recall_is_news(recall, event_name(what), "", why) && why)
		events_add(ret, &event);
}

static enum outcome look(struct host *h, struct kept_policy *policy, struct recall *recall,
	struct events *ret, struct err *e)
{
	AUTO_PLANNING struct planning p = { 0 };
	enum outcome outcome = planning_keep(h, TAKE(policy->policy), &p, e);
	if (outcome != OUTCOME_DONE)
		return outcome;
	shadow_tell(h, &p, recall, ret);
	return planning_outcome(&p);
}

static bool names_vms(const struct policy *p)
{
	const char *name, *source;
	return policy_vm_section(p, 0, &name, &source);
}

enum outcome shadow_step(struct host *h, struct events *ret, struct err *e)
{
	AUTO_KEPT_POLICY struct kept_policy policy = { 0 };
	AUTO_RECALL struct recall recall = { 0 };
	AUTO_CLOSE int lock = -1;
	struct err later = { 0 };
	enum outcome outcome = OUTCOME_DONE;
	bool is_bad = policy_read_kept(h, &policy, e) < 0;
	if (!is_bad && !names_vms(policy.policy))
		return OUTCOME_DONE;
	if (state_lock(h, &lock, &later) < 0) {
		*e = later;
		return OUTCOME_UNCHANGED;
	}
	recall_read(h, &recall);
	tell_once(&recall, ret, EVENT_POLICY, is_bad ? e->text : policy.why_old);
	if (!is_bad)
		outcome = look(h, &policy, &recall, ret, e);
	bool has_failed = outcome != OUTCOME_DONE && outcome != OUTCOME_REPORT;
	tell_once(&recall, ret, EVENT_FAILED, has_failed ? e->text : NULL);
	if (recall_write(h, &recall, &later) < 0 && !has_failed && !is_bad) {
		*e = later;
		return OUTCOME_UNCHANGED;
	}
	return is_bad ? OUTCOME_MISUSE : outcome;
}
