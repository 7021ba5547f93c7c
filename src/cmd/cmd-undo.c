/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cmd/cmd.h"
#include "session/confirm.h"
#include "session/recovery.h"
#include "session/undo.h"
#include "view/apply.h"
#include "view/keys.h"
#include "view/undo.h"

static enum outcome undo(struct context *c, struct err *e)
{
	AUTO_UNDO struct undo u = { 0 };
	enum outcome outcome = undo_named(c->h, c->args->rest.v, c->args->rest.n, &u, e);
	if (u.changes) {
		c->done = "undone";
		undo_report(&u, c->report);
		cost_report(host_cost(c->h), c->report);
	}
	return outcome;
}

static int run(struct context *c, struct err *e)
{
	AUTO_RECOVERY struct recovery begun = { .lock = -1 };
	bool is_all = args_get(c->args, "all"), is_overdue = args_get(c->args, "unconfirmed");
	if (!is_overdue && !is_all && !c->args->rest.n) {
		err_say(e, -EINVAL, "name the VMs to undo, or --all");
		return EXIT_USAGE;
	}
	enum outcome outcome = begin_change(c, &begun, e);
	if (outcome == OUTCOME_DONE && !is_overdue)
		outcome = undo(c, e);
	if (outcome == OUTCOME_DONE && is_overdue && !begun.former)
		report_text(c->report, "Nothing is overdue.");
	return end_change(&begun, outcome);
}

static const char *const not_with_all[] = { WORDS, NULL };
static const char *const not_with_unconfirmed[] = { "all", WORDS, NULL };

static const struct option_row options[] = {
	{ "all", NULL, "every VM", .not_with = not_with_all },
	{ "unconfirmed", NULL, "only what 'apply --confirm' left and nobody confirmed in time",
		.not_with = not_with_unconfirmed },
};

const struct command cmd_undo = {
	.name = "undo",
	.args = "VM... | --all | --unconfirmed",
	.max_args = ARGS_ANY,
	.summary = "put every setting back to the value that it had",
	.help = "Undoes what was applied for the VMs; others stay whole. A value that somebody "
		"else set since is kept, and said. An unfinished transaction is ended first. Exit "
		"4: something could not be restored, each named.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.flags = CMD_CHANGES,
	.keys = undo_keys,
	.run = run,
};

static int run_confirm(struct context *c, struct err *e)
{
	AUTO_RECOVERY struct recovery begun = { .lock = -1 };
	AUTO_CONFIRMED struct confirmed confirmed = { 0 };
	enum outcome outcome = begin_change(c, &begun, e);
	if (outcome == OUTCOME_DONE)
		outcome = confirm_named(c->h, c->args->rest.v, c->args->rest.n, &confirmed, e);
	if (outcome == OUTCOME_DONE) {
		c->done = "confirmed";
		confirm_report(&confirmed, c->report);
	}
	return end_change(&begun, outcome);
}

const struct command cmd_confirm = {
	.name = "confirm",
	.args = "[VM...]",
	.max_args = ARGS_ANY,
	.summary = "keep what 'apply --confirm' did",
	.help = "Ends the wait that 'wideberth apply --confirm SECONDS' began, of these VMs or of "
		"all: "
		"the changes stay. Nothing else ends it: other VMs may be applied and undone "
		"meanwhile.",
	.flags = CMD_CHANGES,
	.keys = confirm_keys,
	.run = run_confirm,
};
