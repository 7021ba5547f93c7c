/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "check/check.h"
#include "cmd/cmd.h"
#include "view/check.h"
#include "view/keys.h"
#include "view/knobs.h"

static int run(struct context *c, struct err *e)
{
	const char *name = c->args->rest.n ? c->args->rest.v[0] : NULL;
	const struct rule *rule = name ? check_rule(name) : NULL;
	if (rule) {
		check_rule_report(rule, c->report);
		return EXIT_OK;
	}
	if (knobs_report(name, c->report))
		return EXIT_OK;
	err_say(e, -ENOENT,
		"nothing is called '%s'; 'wideberth explain' and 'wideberth check --list' list all",
		name);
	return EXIT_USAGE;
}

const struct command cmd_explain = {
	.name = "explain",
	.args = "[KNOB|RULE]",
	.max_args = 1,
	.summary = "what a knob or a rule of check is",
	.help = "Lists the settings that wideberth changes, with the kernel file or call behind "
		"each; or says what a rule of check is about, why it hurts, and what to do.",
	.keys = explain_keys,
	.run = run,
};
