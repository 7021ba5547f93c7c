/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cmd.h"
#include "daemon/daemon.h"
#include "session/reconcile.h"
#include "view/events.h"

static int run_once(struct context *c, struct err *e)
{
	AUTO_RECONCILED struct reconciled done = { 0 };
	struct err later = { 0 };
	enum outcome outcome = reconcile(c->h, &done, e);
	c->done = done.is_changed ? "applied" : NULL;
	events_report(&done.events, c->report);
	if (!done.is_changed && outcome == OUTCOME_DONE)
		report_text(c->report, "The host is as the policy says.");
	if (daemon_tell(c->h, &done.events, &later) < 0)
		report_warning(c->report, "%s", later.text);
	return exit_code_of(outcome);
}

static int run(struct context *c, struct err *e)
{
	if (args_get(c->args, "once"))
		return run_once(c, e);
	return daemon_run(c->h, e) < 0 ? EXIT_UNCHANGED : EXIT_OK;
}

static const struct option_row options[] = {
	{ "once", NULL, "look once, do what there is to do, and end" },
};

const struct command cmd_daemon = {
	.name = "daemon",
	.args = "[--once]",
	.summary = "keep the VMs of the policy placed, from their start to their end",
	.help = "Runs until it is told to end. VMs that a section of the policy names get their "
		"CPUs when they start, and these are free again when they end; what somebody else "
		"changes of it is set again, up to three times in five minutes. Other VMs, and a "
		"host without a policy, are left alone. SIGHUP reads the policy now; a bad one is "
		"told, and the last good one stays. When it ends, what is applied stays applied: "
		"'wideberth undo --all' puts it back.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.flags = CMD_CHANGES,
	.run = run,
};
