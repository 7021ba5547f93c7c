/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/reconcile.h"

#include <errno.h>
#include <string.h>

#include "apply/drift.h"
#include "apply/start-dropin.h"
#include "base/str.h"
#include "host/host.h"
#include "session/apply.h"
#include "session/planning.h"
#include "session/policy-files.h"
#include "session/recall.h"
#include "session/recovery.h"
#include "session/starts.h"

struct step {
	struct host *h;
	const struct planning *p;
	struct recall *recall;
	struct reconciled *ret;
	struct drifts *drifts; /* NULL: nobody has asked yet */
	uint64_t now_ns;
	bool has_work, has_given_up;
	ARRAY(size_t) repaired; /* indexes of changes */
	ARRAY(size_t) needed;
};

static void step_done(struct step *s)
{
	drifts_freep(&s->drifts);
	free(s->repaired.v);
	free(s->needed.v);
}

static void tell(struct step *s, struct event event)
{
	events_add(&s->ret->events, &event);
}

/* ---- what is to be done ---- */

bool reconcile_leaves(
	struct host *h, const struct recall *recall, const struct change *c, uint64_t now_ns)
{
	AUTO_FREE char *after = value_text(c->knob, &c->after);
	const struct tried what = { c->knob->name, c->target.key, c->target.id, after, 0 };
	if (recall && recall_was_tried(recall, &what, c->knob->is_deferred ? now_ns : 0))
		return true;
	return c->knob->is_deferred && change_is_drift(c) &&
		knob_is_same(h, c->knob, &c->target, &c->after, &c->before);
}

static const char *writer_of(struct step *s, const struct change *c)
{
	if (!s->drifts)
		s->drifts = drifts_read(s->h, s->p->ledger);
	array_for_each (d, &s->drifts->v) {
		if (streq(d->entry->knob->name, c->knob->name) &&
			streq(d->entry->key, c->target.key))
			return d->suspect;
	}
	return "unknown";
}

/* The placement that the setting is of, where it is of one. */
static const struct placement *placement_of(const struct planning *p, const struct change *c)
{
	array_for_each (pl, &p->all) {
		const char *rest = pl->cgroup ? str_after(c->target.key, pl->cgroup) : NULL;
		if (rest && (!*rest || *rest == '/'))
			return pl;
		const struct vm *vm = placement_vm(pl, p->vms);
		for (size_t i = 0; vm && i < vm->n_threads; i++) {
			AUTO_FREE char *tid = xasprintf("%d", vm->threads[i].tid);
			if (streq(tid, c->target.key) && c->knob->dies_with == LIFE_THREAD)
				return pl;
		}
	}
	return NULL;
}

static void tell_change(
	struct step *s, enum event_kind what, const struct change *c, const char *why)
{
	const struct placement *pl = placement_of(s->p, c);
	AUTO_FREE char *before = value_text(c->knob, &c->before),
		       *after = value_text(c->knob, &c->after);
	tell(s,
		(struct event){ .what = what,
			.vm = pl ? pl->vm : NULL,
			.name = pl ? pl->name : NULL,
			.knob = c->knob->name,
			.key = c->target.key,
			.before = before,
			.after = after,
			.why = why });
}

/* False: it is left as somebody keeps setting it, and stays in the ledger. */
static bool may_repair(struct step *s, struct change *c)
{
	const struct repair repair = { .knob = c->knob->name,
		.key = c->target.key,
		.id = c->target.id,
		.writer = writer_of(s, c) };
	enum repair_verdict verdict = recall_repair(s->recall, &repair, s->now_ns);
	if (verdict == REPAIR_NOW)
		return true;
	s->has_given_up = true;
	c->state = CHANGE_SAME;
	if (verdict == REPAIR_GIVES_UP) {
		AUTO_FREE char *why = xasprintf(
			"changed again after %d repairs within %d s (by: %s): needs a person",
			REPAIRS_MAX, (int)(REPAIRS_NS / 1000000000), repair.writer);
		tell_change(s, EVENT_GAVE_UP, c, why);
	}
	return false;
}

static void judge(struct step *s)
{
	for (size_t i = 0; i < s->p->changes->v.n; i++) {
		struct change *c = &s->p->changes->v.v[i];
		if (!change_is_needed(c))
			continue;
		*array_push(&s->needed) = i;
		if (reconcile_leaves(s->h, s->recall, c, s->now_ns))
			continue;
		if (change_is_drift(c)) {
			if (!may_repair(s, c))
				continue;
			*array_push(&s->repaired) = i;
		}
		s->has_work = true;
	}
}

/* ---- what became of VMs ---- */

static const struct placement *same_id(const struct ledger *l, const struct placement *p)
{
	array_for_each (old, &l->placements) {
		if (streq(old->vm, p->vm))
			return old;
	}
	return NULL;
}

static bool has_news_of_vms(const struct planning *p)
{
	for (size_t i = 0; i < p->placements->n; i++)
		if (planning_is_news(p, &p->placements->v[i]))
			return true;
	array_for_each (old, &p->ledger->placements) {
		if (!placement_same_process(p->all.v, p->all.n, old))
			return true;
	}
	return false;
}

static void tell_applied(struct step *s, const struct placement *pl)
{
	const struct placement *old = same_id(s->p->ledger, pl);
	const struct vm *vm = placement_vm(pl, s->p->vms);
	struct vm_wish wish = { 0 };
	if (!planning_is_news(s->p, pl))
		return;
	if (vm)
		(void)policy_for_vm(s->p->policy, vm->id, vm->name, vm->uuid, &wish);
	AUTO_FREE char *before = old ? placement_cpus_text(old) : NULL,
		       *after = placement_cpus_text(pl),
		       *why = xasprintf("%s, pid %d, by %s%s%s", level_name(pl->level), pl->pid,
			       wish.source ? wish.source : "the policy", pl->why_less ? "; " : "",
			       pl->why_less ? pl->why_less : "");
	tell(s,
		(struct event){ .what = EVENT_APPLIED,
			.vm = pl->vm,
			.name = pl->name,
			.before = before,
			.after = after,
			.why = why });
}

static void tell_ended(struct step *s, const struct placement *old)
{
	if (placement_same_process(s->p->all.v, s->p->all.n, old))
		return;
	AUTO_FREE char *cpus = placement_cpus_text(old),
		       *why = xasprintf("pid %d has ended", old->pid);
	tell(s,
		(struct event){ .what = EVENT_ENDED,
			.vm = old->vm,
			.name = old->name,
			.before = cpus,
			.why = why });
}

static void tell_refused(struct step *s)
{
	const struct placements *all = s->p->placements;
	for (size_t i = 0; i < all->refused.n; i++) {
		const struct refusal *r = &all->refused.v[i];
		if (!r->is_starting && recall_is_news(s->recall, "refused", r->vm, r->reason))
			tell(s,
				(struct event){ .what = EVENT_REFUSED,
					.vm = r->vm,
					.name = r->name,
					.why = r->reason });
	}
	for (size_t i = 0; i < all->n; i++)
		(void)recall_is_news(s->recall, "refused", all->v[i].vm, NULL);
}

/* ---- the transaction ---- */

/* What did not come to what was wanted is not wanted again until something else is done, too. */
static void remember_tried(struct step *s)
{
	s->recall->tried.n = 0;
	array_for_each (i, &s->needed) {
		const struct change *c = &s->p->changes->v.v[*i];
		if (c->state == CHANGE_GONE || (c->state == CHANGE_DONE && !c->knob->is_deferred))
			continue;
		AUTO_FREE char *after = value_text(c->knob, &c->after);
		struct arena *a = &s->recall->arena;
		*array_push(&s->recall->tried) = (struct tried){
			.knob = arena_strdup(a, c->knob->name),
			.key = arena_strdup(a, c->target.key),
			.id = arena_strdup(a, c->target.id),
			.after = arena_strdup(a, after),
			.at_ns = s->now_ns,
		};
	}
}

static void tell_done(struct step *s)
{
	array_for_each (old, &s->p->ledger->placements)
		tell_ended(s, old);
	for (size_t i = 0; i < s->p->placements->n; i++)
		tell_applied(s, &s->p->placements->v[i]);
	array_for_each (i, &s->repaired) {
		const struct change *c = &s->p->changes->v.v[*i];
		AUTO_FREE char *why = xasprintf("changed by: %s", writer_of(s, c));
		if (c->state == CHANGE_DONE)
			tell_change(s, EVENT_REPAIRED, c, why);
	}
}

static enum outcome run_step(struct step *s, const struct recovery *begun, struct err *e)
{
	AUTO_CHANGES struct changes *back = NULL;
	judge(s);
	tell_refused(s);
	s->has_work |= has_news_of_vms(s->p);
	if (s->has_work) {
		enum outcome outcome = apply_planned(s->h, s->p, begun, 0, &back, e);
		if (outcome != OUTCOME_DONE)
			return outcome;
		s->ret->is_changed = true;
		tell_done(s);
		remember_tried(s);
	}
	recall_forget_repairs(s->recall, s->now_ns);
	return s->has_given_up ? OUTCOME_REPORT : planning_outcome(s->p);
}

static void tell_start(void *context, const char *id, const char *why)
{
	struct step *s = context;
	if (recall_is_news(s->recall, "start", id, why) && why)
		tell(s, (struct event){ .what = EVENT_REFUSED, .vm = id, .why = why });
}

static enum outcome keep(struct host *h, struct kept_policy *policy, const struct recovery *begun,
	struct recall *recall, struct reconciled *ret, struct err *e)
{
	AUTO_PLANNING struct planning p = { 0 };
	CLEANUP(step_done) struct step s = { .h = h, .p = &p, .recall = recall, .ret = ret };
	s.now_ns = host_clock_ns(h);
	enum outcome outcome = planning_keep(h, TAKE(policy->policy), &p, e);
	if (outcome == OUTCOME_DONE)
		outcome = run_step(&s, begun, e);
	bool is_whole = outcome == OUTCOME_DONE || outcome == OUTCOME_REPORT;
	if (is_whole && p.snapshot->has_systemd && starts_prepare(h, &p, tell_start, &s, e) < 0)
		return OUTCOME_UNCHANGED;
	return outcome;
}

/* ---- all of it ---- */

static void tell_once(struct recall *recall, struct reconciled *ret, enum event_kind what,
	const char *text, const char *over)
{
	if (!recall_is_news(recall, event_name(what), "", text) || (!text && !over))
		return;
	const struct event event = { .what = what, .why = text ? text : over };
	events_add(&ret->events, &event);
}

/* What was undone before the step, as a person's command would tell it. */
static void tell_recovery(const struct recovery *begun, struct reconciled *ret)
{
	if (begun->ended)
		events_add(&ret->events,
			&(struct event){ .what = EVENT_RECOVERED,
				.why = "a transaction that did not end was ended" });
	for (size_t i = 0; begun->former && i < begun->overdue.n; i++) {
		const struct overdue *o = &begun->overdue.v[i];
		events_add(&ret->events,
			&(struct event){ .what = EVENT_RECOVERED,
				.vm = o->placement->vm,
				.name = o->placement->name,
				.why = o->is_back
					? "it was not confirmed in time, and is back to what was "
					  "in "
					  "force before"
					: "it was not confirmed in time, and has been undone" });
	}
}

static bool has_sections(const struct policy *p)
{
	const char *name, *source;
	return policy_vm_section(p, 0, &name, &source);
}

/* Without a policy nothing is touched, the lock neither; but what did not end is ended. */
static bool is_idle(struct host *h, const struct kept_policy *policy)
{
	AUTO_LEDGER struct ledger *journal = NULL;
	struct err e;
	return !has_sections(policy->policy) && !policy->why_old && !policy->is_new &&
		ledger_read_journal(h, &journal, &e) == 0 && !journal && !start_dropins_exist(h);
}

static enum outcome under_lock(struct host *h, struct kept_policy *policy, struct recall *recall,
	struct reconciled *ret, struct err *e)
{
	AUTO_RECOVERY struct recovery begun = { .lock = -1 };
	struct err later = { 0 };
	enum outcome outcome = recovery_begin(h, &begun, e);
	if (begun.lock < 0)
		return outcome;
	recall_read(h, recall);
	tell_once(recall, ret, EVENT_POLICY, policy->why_old, "the policy is good again");
	tell_recovery(&begun, ret);
	if (outcome == OUTCOME_DONE && policy_keep(h, policy, e) < 0)
		outcome = OUTCOME_UNCHANGED;
	if (outcome == OUTCOME_DONE)
		outcome = has_sections(policy->policy) ? keep(h, policy, &begun, recall, ret, e)
			: starts_forget(h, e) == 0     ? OUTCOME_DONE
						       : OUTCOME_UNCHANGED;
	if (outcome == OUTCOME_DONE && policy->why_old)
		outcome = OUTCOME_REPORT;
	bool has_failed = outcome != OUTCOME_DONE && outcome != OUTCOME_REPORT;
	tell_once(recall, ret, EVENT_FAILED, has_failed ? e->text : NULL, NULL);
	if (recall_write(h, recall, &later) < 0 && !has_failed) {
		*e = later;
		outcome = OUTCOME_REPORT;
	}
	return outcome;
}

enum outcome reconcile(struct host *h, struct reconciled *ret, struct err *e)
{
	AUTO_KEPT_POLICY struct kept_policy policy = { 0 };
	AUTO_RECALL struct recall recall = { 0 };
	struct err later = { 0 };
	*ret = (struct reconciled){ 0 };
	if (policy_read_kept(h, &policy, e) < 0) {
		recall_read(h, &recall);
		tell_once(&recall, ret, EVENT_POLICY, e->text, NULL);
		if (recall_write(h, &recall, &later) < 0)
			err_ctx(e, "%s, and", later.text);
		return OUTCOME_MISUSE;
	}
	if (is_idle(h, &policy))
		return OUTCOME_DONE;
	return under_lock(h, &policy, &recall, ret, e);
}

void reconciled_done(struct reconciled *r)
{
	events_done(&r->events);
}
