/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/knobs.h"

#include "base/str.h"
#include "plan/knobs.h"
#include "report/report.h"
#include "view/json.h"

static json_t *knob_json(const struct knob *k)
{
	return OBJECT({ "id", text_json(k->name) }, { "summary", text_json(k->summary) },
		{ "source", text_json(k->source) }, { "others", text_json(k->suspects) });
}

bool knobs_report(const char *name, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "id", .head = "KNOB" },
		{ .key = "summary", .head = "WHAT IT IS", .may_wrap = true },
		{ .key = "source", .head = "WHERE", .may_wrap = true },
		{ .key = "others", .head = "WHO ELSE SETS IT", .may_wrap = true },
	};
	size_t n;
	const struct knob *all = knobs(&n);
	json_t *rows = json_array();
	for (size_t i = 0; i < n; i++)
		if (!name || streq(all[i].name, name))
			json_array_append_new(rows, knob_json(&all[i]));
	json_object_set_new(report_json(r), "knobs", rows);
	if (!json_array_size(rows))
		return false;
	report_table(r, rows, columns, N_ELEMENTS(columns));
	return true;
}
