/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/apply.h"

#include <string.h>

#include "base/str.h"
#include "model/snapshot.h"
#include "report/report.h"
#include "session/planning.h"
#include "session/recovery.h"
#include "view/changes.h"
#include "view/intruders.h"
#include "view/json.h"

/* Settings that the kernel refused are in immovable[] already, with its reason. */
static void report_refused(struct report *r)
{
	json_t *o;
	size_t i;
	json_array_foreach (json_object_get(report_json(r), "immovable"), i, o)
		report_note(r, "stays: %s: %s", json_string_value(json_object_get(o, "what")),
			json_string_value(json_object_get(o, "why")));
}

void cost_report(struct host_cost cost, struct report *r)
{
	json_t *o = report_json(r);
	json_object_set_new(o, "writes", json_integer((json_int_t)cost.n_writes));
	json_object_set_new(o, "writes_ns", json_integer((json_int_t)cost.writes_ns));
	json_object_set_new(o, "all_ns", json_integer((json_int_t)cost.all_ns));
}

void apply_report(const struct planning *p, struct host_cost cost,
	const struct intruders *intruders, struct report *r)
{
	size_t n_changed = 0, n_right = 0;
	array_for_each (c, &p->changes->v) {
		bool is_changed = c->state == CHANGE_DONE && change_is_one(c);
		n_changed += is_changed;
		n_right += c->state == CHANGE_SAME || (c->state == CHANGE_DONE && !is_changed);
	}
	AUTO_FREE char *changed = str_some(n_changed, "setting");
	report_text(r, "Applied: %s changed, %zu %s right already.", changed, n_right,
		n_right == 1 ? "was" : "were");
	report_text(r,
		"%llu system calls that change something took %.1f ms, all of apply %.1f ms.",
		(unsigned long long)cost.n_writes, (double)cost.writes_ns / 1e6,
		(double)cost.all_ns / 1e6);
	cost_report(cost, r);
	if (p->changes->signal)
		report_note(r, "SIG%s came when all was applied: it stays",
			sigabbrev_np(p->changes->signal));
	report_refused(r);
	intruders_report(intruders, r);
}

void apply_failed_report(const struct changes *back, struct report *r)
{
	AUTO_STRBUF struct strbuf left = { 0 };
	if (!recovery_residue(back, &left))
		return;
	report_warning(r, "not restored:%s; 'wideberth undo --all' tries again", left.s);
	json_t *rows = residue_json(back);
	json_array_extend(json_object_get(report_json(r), "failed"), rows);
	json_decref(rows);
}
