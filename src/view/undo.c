/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/undo.h"

#include <string.h>

#include "report/report.h"
#include "session/confirm.h"
#include "session/recovery.h"
#include "session/undo.h"
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

void undo_report(const struct undo *u, struct report *r)
{
	json_t *o = report_json(r), *restored = json_array(), *gone = json_array(),
	       *failed = json_array();
	array_for_each (c, &u->changes->v) {
		enum undo_part part = undo_part_of(c);
		bool is_left = part == UNDO_KEPT || part == UNDO_REFUSED;
		if (part == UNDO_UNTOLD)
			continue;
		json_array_append_new(is_left       ? failed
				: part == UNDO_GONE ? gone
						    : restored,
			change_row(c));
		if (is_left)
			report_left(c, r);
	}
	if (u->changes->signal)
		report_note(r, "SIG%s came meanwhile: an undo is finished, not broken off",
			sigabbrev_np(u->changes->signal));
	report_text(r, "Undone: %zu settings hold the value that they had, %zu no longer exist.",
		json_array_size(restored), json_array_size(gone));
	json_object_set_new(o, "restored", restored);
	json_object_set_new(o, "gone", gone);
	json_object_set_new(o, "failed", failed);
	json_object_set_new(o, "damaged", json_integer((json_int_t)u->n_damaged));
	array_for_each (s, &u->changes->owed->strangers)
		report_warning(r,
			"kept: %s of %s: another version of wideberth set it, and has to put it "
			"back",
			s->knob, s->key);
	if (u->n_damaged)
		report_warning(r,
			"%zu records of the ledger are damaged: what they say was not put back",
			u->n_damaged);
}

void recovery_report(const struct recovery *begun, struct report *r)
{
	if (begun->ended)
		report_warning(r, "an unfinished transaction was found and ended first");
	if (begun->ended && begun->ended->signal)
		report_note(r, "SIG%s came meanwhile: that is finished, not broken off",
			sigabbrev_np(begun->ended->signal));
	if (!begun->former)
		return;
	array_for_each (o, &begun->overdue) {
		AUTO_FREE char *label = vm_label(o->placement->vm, o->placement->name);
		report_warning(r, "%s was not confirmed in time: %s", label,
			o->is_back ? "it is back to what was in force before"
				   : "it has been undone");
	}
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
