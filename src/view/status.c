/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/status.h"

#include "base/str.h"
#include "base/text.h"
#include "plan/claims.h"
#include "report/report.h"
#include "session/events.h"
#include "session/status.h"
#include "view/changes.h"
#include "view/events.h"
#include "view/intruders.h"
#include "view/json.h"
#include "view/placement.h"
#include "vm/vm.h"

static void report_unfinished(const struct ledger *journal, struct report *r)
{
	json_object_set_new(report_json(r), "unfinished", text_json(journal->operation));
	report_warning(r, "'%s' did not end (the program was killed?). %s", journal->operation,
		journal->is_forward
			? "'wideberth undo --all' ends it."
			: "'wideberth undo --all' takes it back, and so does the next apply.");
}

static const char *state_name(enum vm_state state)
{
	static const char *const names[] = {
		[VM_RUNNING] = "running",
		[VM_ENDED] = "ended",
		[VM_RESTARTED] = "restarted",
	};
	return names[state];
}

static void report_ended(const struct placement *p, const char *label, struct report *r)
{
	AUTO_FREE char *word = text_shell_word(p->vm);
	report_warning(r, "%s has ended; this frees its CPUs:", label);
	report_code(r, "wideberth undo %s", word);
}

static void report_applied(const struct status *s, struct report *r)
{
	json_t *applied = json_array();
	const struct ledger *l = s->ledger;
	struct cpuset ours = claims_sum(l->placements.v, l->placements.n);
	struct claims claims = { 0 };
	if (s->vms.n)
		claims = claims_of(s->verdict.snapshot, l->placements.v, l->placements.n, &ours);
	static const struct column columns[] = {
		{ .key = "vm", .head = "VM" },
		{ .key = "level", .head = "LEVEL" },
		{ .key = "cpus", .head = "CPUS" },
		{ .key = "state", .head = "STATE", .may_wrap = true },
	};
	array_for_each (v, &s->vms) {
		const struct placement *p = v->placement;
		json_t *o = placement_json(p, &claims, placement_vm(p, s->verdict.vms));
		json_object_set(o, "cpus", json_object_get(o, "claim")); /* the contract's word */
		json_object_set_new(o, "state", text_json(state_name(v->state)));
		json_array_append_new(applied, o);
		AUTO_FREE char *label = vm_label(p->vm, p->name);
		if (v->state == VM_RESTARTED)
			report_warning(r,
				"%s restarted as pid %d: 'wideberth apply' again gives it its CPUs",
				label, v->pid);
		json_object_set_new(o, "events", strings_json(v->life.events.v, v->life.events.n));
		array_for_each (event, &v->life.events)
			report_warning(r, "%s: %s since; 'wideberth apply' again sees to it", label,
				*event);
		if (v->state == VM_ENDED)
			report_ended(p, label, r);
	}
	json_object_set_new(report_json(r), "applied", applied);
	if (json_array_size(applied))
		report_table(r, applied, columns, N_ELEMENTS(columns));
	else
		report_text(
			r, "Nothing is applied%s.", l->damaged.n ? ", as far as can be read" : "");
}

static size_t report_drift(const struct drifts *drifts, struct report *r)
{
	json_t *rows = json_array();
	static const struct column columns[] = {
		{ .key = "knob", .head = "KNOB" },
		{ .key = "key", .head = "OF", .may_wrap = true },
		{ .key = "expected", .head = "EXPECTED" },
		{ .key = "actual", .head = "ACTUAL" },
		{ .key = "suspect", .head = "SUSPECT", .may_wrap = true },
	};
	array_for_each (d, &drifts->v) {
		json_array_append_new(rows,
			OBJECT({ "knob", text_json(d->entry->knob->name) },
				{ "key", text_json(d->entry->key) },
				{ "expected", text_json(d->expected) },
				{ "actual", text_json(d->actual) },
				{ "suspect", text_json(d->suspect) }));
	}
	json_object_set_new(report_json(r), "drift", rows);
	if (json_array_size(rows)) {
		report_heading(r, "Drift: the kernel has other values than were applied");
		report_table(r, rows, columns, N_ELEMENTS(columns));
	}
	return json_array_size(rows);
}

static void report_unconfirmed(const struct status *s, const struct placement *p, struct report *r)
{
	AUTO_FREE char *label = vm_label(p->vm, p->name);
	const char *to = ledger_before(s->ledger, p) ? "what was in force before" : "what it was";
	if (status_is_overdue(s, p))
		report_warning(r,
			"%s was not confirmed in time: 'wideberth undo --unconfirmed' takes it "
			"back to %s, and so does the next command that changes something",
			label, to);
	else if (s->now_ns)
		report_warning(r,
			"%s waits for 'wideberth confirm' for %.0f s more, and else goes back to "
			"%s",
			label, (double)(p->confirm_ns - s->now_ns) / 1e9, to);
	else
		report_warning(
			r, "%s waits for 'wideberth confirm', and else goes back to %s", label, to);
}

static void report_waiting(const struct status *s, struct report *r)
{
	json_t *ids = json_array(), *overdue = json_array();
	array_for_each (p, &s->ledger->placements) {
		if (!p->confirm_ns)
			continue;
		report_unconfirmed(s, p, r);
		json_array_append_new(ids, text_json(p->vm));
		if (status_is_overdue(s, p))
			json_array_append_new(overdue, text_json(p->vm));
	}
	json_object_set_new(report_json(r), "unconfirmed", ids);
	json_object_set_new(report_json(r), "overdue", overdue);
}

/* Settings in force that no VM has any more. */
static json_t *left_json(const struct ledger *l)
{
	json_t *rows = json_array();
	for (size_t i = 0; !l->placements.n && i < l->entries.n; i++)
		json_array_append_new(rows,
			OBJECT({ "knob", text_json(l->entries.v[i].knob->name) },
				{ "key", text_json(l->entries.v[i].key) }));
	return rows;
}

/* What is wrong beside drift. */
static void report_odds(const struct status *s, struct report *r)
{
	json_object_set_new(report_json(r), "left", left_json(s->ledger));
	json_object_set_new(report_json(r), "strangers", strangers_json(s->ledger));
	array_for_each (x, &s->ledger->strangers)
		report_warning(r, "%s of %s: another version of wideberth set it", x->knob, x->key);
	AUTO_FREE char *settings = str_some(s->ledger->entries.n, "setting"),
		       *damaged = ledger_tell_damaged(s->ledger->damaged.n, s->ledger->path);
	bool has_no_owner = !s->ledger->placements.n && s->ledger->entries.n;
	if (has_no_owner && s->ledger->damaged.n)
		report_warning(r,
			"%s %s in force, and what is damaged told of which VM: 'wideberth undo "
			"--all' puts %s back",
			settings, s->ledger->entries.n == 1 ? "is" : "are",
			s->ledger->entries.n == 1 ? "it" : "them");
	else if (has_no_owner)
		report_warning(r,
			"%s of VMs that were undone could not be put back; 'wideberth undo --all' "
			"tries again",
			settings);
	if (s->ledger->damaged.n)
		report_warning(r, "%s cannot be put back; 'wideberth undo --all' forgets %s",
			damaged, s->ledger->damaged.n == 1 ? "it" : "them");
	json_object_set_new(
		report_json(r), "damaged", json_integer((json_int_t)s->ledger->damaged.n));
}

/* What the daemon repaired lately, and what it gave up. */
static json_t *repairs_json(const struct recall *recall, struct report *r)
{
	json_t *rows = json_array();
	array_for_each (x, &recall->repairs) {
		json_array_append_new(rows,
			OBJECT({ "knob", text_json(x->knob) }, { "key", text_json(x->key) },
				{ "writer", text_json(x->writer) },
				{ "repairs", json_integer((json_int_t)x->n) },
				{ "given_up", json_boolean(x->is_given_up) }));
		if (x->is_given_up)
			report_warning(r,
				"the daemon gave up %s of %s, which is changed again and again "
				"(by: %s): when that has ended, 'wideberth apply' or 'systemctl "
				"reload wideberth'",
				x->knob, x->key, x->writer);
	}
	return rows;
}

static json_t *time_json(uint64_t time_us)
{
	AUTO_FREE char *text = time_us ? event_time(time_us) : NULL;
	return text_json(text);
}

static void report_keeper(const struct keeper *k, struct report *r)
{
	if (!k->pid)
		return;
	AUTO_FREE char *last = k->last_us ? event_time(k->last_us) : NULL;
	json_object_set_new(report_json(r), "daemon",
		OBJECT({ "running", json_boolean(k->is_running) },
			{ "shadow", json_boolean(k->is_shadow) },
			{ "pid", k->is_running ? number_json(k->pid) : json_null() },
			{ "since", time_json(k->since_us) }, { "last_look", time_json(k->last_us) },
			{ "looks", json_integer((json_int_t)k->n_looks) },
			{ "exit_code", k->last_us ? json_integer(k->code) : json_null() },
			{ "repairs", repairs_json(&k->recall, r) }));
	if (k->is_running)
		report_text(r, "The daemon runs (pid %d)%s; it looked last at %s.", k->pid,
			k->is_shadow ? " in shadow, and does nothing but tell what it would do"
				     : "",
			last ? last : "no time yet");
	else
		report_note(r, "the daemon does not run any more (it was pid %d)", k->pid);
	array_for_each (t, &k->recall.told) {
		if (streq(t->what, event_name(EVENT_SHADOW)))
			continue; /* in the events */
		if (k->is_running && !streq(t->what, event_name(EVENT_REFUSED)))
			report_warning(r, "daemon: %s: %s", t->what, t->text);
		else if (k->is_running)
			report_warning(r, "%s is not placed: %s", t->of, t->text);
	}
}

/* What is over with a thread or a group is no drift, and is not as applied. */
static void report_as_applied(const struct status *s, struct report *r)
{
	size_t n = s->ledger->entries.n - s->drifts->n_gone;
	AUTO_FREE char *gone = s->drifts->n_gone
		? xasprintf("; %zu more %s of what has ended", s->drifts->n_gone,
			  s->drifts->n_gone == 1 ? "was" : "were")
		: NULL;
	report_text(r,
		n == 1 ? "%zu setting is as applied%s." : "All %zu settings are as applied%s.", n,
		gone ? gone : "");
}

void status_report(const struct status *s, struct report *r)
{
	if (s->journal)
		report_unfinished(s->journal, r);
	report_applied(s, r);
	report_waiting(s, r);
	intruders_report(s->verdict.intruders, r);
	size_t n = report_drift(s->drifts, r);
	if (!n && s->is_whole && !verdict_has_intruders(&s->verdict) && s->ledger->placements.n)
		report_as_applied(s, r);
	report_odds(s, r);
	report_keeper(&s->keeper, r);
}
