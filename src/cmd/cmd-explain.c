/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cmd/cmd.h"
#include "view/knobs.h"

static int run(struct context *c, struct err *e)
{
	const char *name = c->args->rest.n ? c->args->rest.v[0] : NULL;
	if (knobs_report(name, c->report))
		return EXIT_OK;
	err_say(e, -ENOENT, "nothing is called '%s'; 'wideberth explain' lists all", name);
	return EXIT_USAGE;
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
