/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "apply/knob.h"
#include "base/str.h"
#include "cmd/cmd.h"

static json_t *knob_json(const struct knob *k)
{
	return json_pack(
		"{s:s, s:s, s:s}", "id", k->name, "summary", k->summary, "source", k->source);
}

static int run(struct context *c, struct err *e)
{
	static const struct column columns[] = {
		{ .key = "id", .head = "KNOB" },
		{ .key = "summary", .head = "WHAT IT IS", .may_wrap = true },
		{ .key = "source", .head = "WHERE", .may_wrap = true },
	};
	size_t n;
	const struct knob *const *all = knobs(&n);
	json_t *rows = json_array();
	for (size_t i = 0; i < n; i++)
		if (!c->args->rest.n || streq(all[i]->name, c->args->rest.v[0]))
			json_array_append_new(rows, knob_json(all[i]));
	json_object_set_new(report_json(c->report), "knobs", rows);
	if (!json_array_size(rows)) {
		err_say(e, -ENOENT, "nothing is called '%s'; 'wideberth explain' lists all",
			c->args->rest.v[0]);
		return EXIT_USAGE;
	}
	report_table(c->report, rows, columns, N_ELEMENTS(columns));
	return EXIT_OK;
}

const struct command cmd_explain = {
	.name = "explain",
	.args = "[KNOB]",
	.max_args = 1,
	.summary = "what a knob is, and where its value lives",
	.help = "Lists the settings that wideberth changes, with the kernel file or call behind "
		"each.",
	.run = run,
};
