/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/reconcile.h"

#include <errno.h>
#include <string.h>

#include "apply/drift.h"
#include "base/str.h"
#include "host/host.h"
#include "session/apply.h"
#include "session/planning.h"
#include "session/policy-files.h"
#include "session/recall.h"
#include "session/recovery.h"

/* How long a write that shows later only is believed, in ns: irqbalance looks every 10 s. */
#define DEFERRED_NS (30 * UINT64_C(1000000000))

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

static bool is_same_id(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

/* The kernel would not take just that, or it will show in a while. */
static bool was_tried(const struct step *s, const struct change *c, const char *after)
{
	array_for_each (t, &s->recall->tried) {
		if (streq(t->knob, c->knob->name) && streq(t->key, c->target.key) &&
			is_same_id(t->id, c->target.id) && streq(t->after, after))
			return !c->knob->is_deferred || s->now_ns < t->at_ns + DEFERRED_NS;
	}
	return false;
}

/* Ours was another's choice since: nothing else makes the setting differ. */
static bool is_drift(const struct change *c)
{
	return c->aim != AIM_BACK && c->in_force && value_equal(c->in_force, &c->after);
}

/* One that is always written is right where it says so. */
static bool is_right(const struct step *s, const struct change *c)
{
	return c->knob->is_deferred && is_drift(c) &&
		knob_is_same(s->h, c->knob, &c->target, &c->after, &c->before);
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
		AUTO_FREE char *after = value_text(c->knob, &c->after);
		if (is_right(s, c) || was_tried(s, c, after))
			continue;
		if (is_drift(c)) {
			if (!may_repair(s, c))
				continue;
			*array_push(&s->repaired) = i;
		}
		s->has_work = true;
	}
}

/* ---- what became of VMs ---- */

static const struct placement *same_process(
	const struct placement *v, size_t n, const struct placement *p)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].pid == p->pid && v[i].start == p->start)
			return &v[i];
	return NULL;
}

static bool is_as_before(const struct placement *old, const struct placement *now)
{
	return old && old->level == now->level && old->n_vcpus == now->n_vcpus &&
		cpuset_equal(&old->claim_cpus, &now->claim_cpus) &&
		cpuset_equal(&old->vcpu_cpus, &now->vcpu_cpus);
}

static const struct placement *same_id(const struct ledger *l, const struct placement *p)
{
	array_for_each (old, &l->placements) {
		if (streq(old->vm, p->vm))
			return old;
	}
	return NULL;
}

static const struct placement *former_of(const struct ledger *l, const struct placement *p)
{
	return same_process(l->placements.v, l->placements.n, p);
}

static bool has_news_of_vms(const struct planning *p)
{
	for (size_t i = 0; i < p->placements->n; i++)
		if (!is_as_before(former_of(p->ledger, &p->placements->v[i]), &p->placements->v[i]))
			return true;
	array_for_each (old, &p->ledger->placements) {
		if (!same_process(p->all.v, p->all.n, old))
			return true;
	}
	return false;
}

static void tell_applied(struct step *s, const struct placement *pl)
{
	const struct placement *old = same_id(s->p->ledger, pl);
	const struct vm *vm = placement_vm(pl, s->p->vms);
	struct vm_wish wish = { 0 };
	if (is_as_before(former_of(s->p->ledger, pl), pl))
		return;
	if (vm)
		(void)policy_for_vm(s->p->policy, vm->id, vm->name, vm->uuid, &wish);
	AUTO_FREE char *before = old ? cpuset_format_list(&old->vcpu_cpus) : NULL,
		       *after = cpuset_format_list(&pl->vcpu_cpus),
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
	if (same_process(s->p->all.v, s->p->all.n, old))
		return;
	AUTO_FREE char *cpus = cpuset_format_list(&old->vcpu_cpus),
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
	for (size_t i = 0; i < all->n_refused; i++) {
		const struct refusal *r = &all->refused[i];
		if (recall_is_news(s->recall, "refused", r->vm, r->reason))
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

static enum outcome keep(struct host *h, struct kept_policy *policy, const struct recovery *begun,
	struct recall *recall, struct reconciled *ret, struct err *e)
{
	AUTO_PLANNING struct planning p = { 0 };
	CLEANUP(step_done) struct step s = { .h = h, .p = &p, .recall = recall, .ret = ret };
	s.now_ns = host_clock_ns(h);
	enum outcome outcome = planning_keep(h, TAKE(policy->policy), &p, e);
	return outcome == OUTCOME_DONE ? run_step(&s, begun, e) : outcome;
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
		ledger_read_journal(h, &journal, &e) == 0 && !journal;
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
	if (begun.ended) {
		const struct event event = { .what = EVENT_RECOVERED,
			.why = "a transaction that did not end was ended" };
		events_add(&ret->events, &event);
	}
	if (outcome == OUTCOME_DONE && policy_keep(h, policy, e) < 0)
		outcome = OUTCOME_UNCHANGED;
	if (outcome == OUTCOME_DONE && has_sections(policy->policy))
		outcome = keep(h, policy, &begun, recall, ret, e);
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
