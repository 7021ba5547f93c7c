/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/undo.h"

#include <string.h>

#include "report/report.h"
#include "session/confirm.h"
#include "session/recovery.h"
#include "session/undo.h"
#include "view/changes.h"
#include "view/json.h"
#include "vm/vm.h"

static json_t *change_row(const struct change *c)
{
	AUTO_FREE char *after = value_text(c->knob, &c->after);
	json_t *o = OBJECT({ "knob", text_json(c->knob->name) },
		{ "key", text_json(c->target.key) }, { "value", optional_json(after) });
	if (c->reason)
		json_object_set_new(o, "reason", text_json(c->reason));
	return o;
}

static void report_left(const struct change *c, struct report *r)
{
	const char *reason = c->reason ? c->reason : "failed";
	AUTO_FREE char *before = value_text(c->knob, &c->before),
		       *after = value_text(c->knob, &c->after);
	if (c->state == CHANGE_KEPT)
		report_note(r, "kept: %s of %s is '%s': %s", c->knob->name, c->target.key, before,
			reason);
	else
		report_warning(r, "not restored: %s of %s to '%s': %s", c->knob->name,
			c->target.key, after, reason);
}

static json_t *array_of(struct report *r, const char *key)
{
	json_t *o = report_json(r), *array = json_object_get(o, key);
	if (!array)
		json_object_set_new(o, key, array = json_array());
	return array;
}

/* Adds what became of them; changes may be NULL. */
static void put_back_report(const struct changes *changes, struct report *r)
{
	json_t *const parts[] = {
		[UNDO_RESTORED] = array_of(r, "restored"),
		[UNDO_GONE] = array_of(r, "gone"),
		[UNDO_KEPT] = array_of(r, "failed"),
		[UNDO_REFUSED] = array_of(r, "failed"),
	};
	if (!changes)
		return;
	array_for_each (c, &changes->v) {
		enum undo_part part = undo_part_of(c);
		if (part == UNDO_UNTOLD)
			continue;
		json_array_append_new(parts[part], change_row(c));
		if (part == UNDO_KEPT || part == UNDO_REFUSED)
			report_left(c, r);
	}
}

void undo_report(const struct undo *u, struct report *r)
{
	put_back_report(u->changes, r);
	if (u->changes->signal)
		report_note(r, "SIG%s came meanwhile: an undo is finished, not broken off",
			sigabbrev_np(u->changes->signal));
	size_t n_back = json_array_size(array_of(r, "restored")),
	       n_gone = json_array_size(array_of(r, "gone"));
	if (n_back + n_gone + json_array_size(array_of(r, "failed")) == 0 && !u->n_damaged)
		report_text(r, "There was nothing to undo.");
	else
		report_text(r, "Undone: %zu %s, %zu no longer exist%s.", n_back,
			n_back == 1 ? "setting holds the value that it had"
				    : "settings hold the value that they had",
			n_gone, n_gone == 1 ? "s" : "");
	json_object_set_new(report_json(r), "strangers", strangers_json(u->changes->owed));
	json_object_set_new(report_json(r), "damaged", json_integer((json_int_t)u->n_damaged));
	array_for_each (s, &u->changes->owed->strangers)
		report_warning(r,
			"kept: %s of %s: another version of wideberth set it, and has to put it "
			"back",
			s->knob, s->key);
	AUTO_FREE char *damaged = ledger_tell_damaged(u->n_damaged, "the ledger");
	if (u->n_damaged)
		report_warning(r, "%s was not put back", damaged);
}

static void report_overdue(const struct recovery *begun, struct report *r)
{
	json_t *rows = array_of(r, "overdue");
	for (size_t i = 0; begun->former && i < begun->overdue.n; i++) {
		const struct overdue *o = &begun->overdue.v[i];
		AUTO_FREE char *label = vm_label(o->placement->vm, o->placement->name);
		report_warning(r, "%s was not confirmed in time: %s", label,
			o->is_back ? "it is back to what was in force before"
				   : "it has been undone");
		json_array_append_new(rows,
			OBJECT({ "vm", text_json(o->placement->vm) },
				{ "is_back", json_boolean(o->is_back) }));
	}
}

void recovery_report(const struct recovery *begun, struct report *r)
{
	if (begun->ended)
		report_warning(r, "an unfinished transaction was found and ended first");
	if (begun->ended && begun->ended->signal)
		report_note(r, "SIG%s came meanwhile: that is finished, not broken off",
			sigabbrev_np(begun->ended->signal));
	put_back_report(begun->ended, r);
	put_back_report(begun->undone, r);
	json_object_set_new(report_json(r), "is_unfinished_ended", json_boolean(begun->ended));
	report_overdue(begun, r);
}

void confirm_report(const struct confirmed *c, struct report *r)
{
	json_t *ids = json_array();
	array_for_each (p, &c->v) {
		AUTO_FREE char *label = vm_label((*p)->vm, (*p)->name);
		report_text(r, "Confirmed: %s.", label);
		json_array_append_new(ids, text_json((*p)->vm));
	}
	json_object_set_new(report_json(r), "confirmed", ids);
}
