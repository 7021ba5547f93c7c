/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cmd.h"
#include "daemon/daemon.h"
#include "session/reconcile.h"
#include "session/shadow.h"
#include "session/watch.h"
#include "view/events.h"
#include "view/keys.h"

static int run_once(struct context *c, struct err *e)
{
	AUTO_RECONCILED struct reconciled done = { 0 };
	struct err later = { 0 };
	enum outcome outcome = reconcile(c->h, &done, e);
	c->done = done.is_changed ? "applied" : NULL;
	events_report(&done.events, c->report);
	if (!done.events.v.n && outcome == OUTCOME_REPORT)
		report_text(
			c->report, "What needs a person was told before: see wideberth events.");
	else if (!done.is_changed && outcome == OUTCOME_DONE)
		report_text(c->report, "The host is as the policy says.");
	if (daemon_tell(c->h, &done.events, &later) < 0)
		report_warning(c->report, "%s", later.text);
	return exit_code_of(outcome);
}

static int run_shadow(struct context *c, struct err *e)
{
	AUTO_EVENTS struct events told = { 0 };
	struct err later = { 0 };
	enum outcome outcome = shadow_step(c->h, &told, e);
	events_report(&told, c->report);
	if (!told.v.n && outcome == OUTCOME_DONE)
		report_text(c->report, "There is nothing to do that was not told before.");
	if (daemon_tell(c->h, &told, &later) < 0)
		report_warning(c->report, "%s", later.text);
	return exit_code_of(outcome);
}

enum { CHECK_S = 5 };

static int run_check(struct context *c, struct err *e)
{
	AUTO_EVENTS struct events found = { 0 };
	struct err later = { 0 };
	enum outcome outcome = watch_findings(c->h, CHECK_S, &found, e);
	events_report(&found, c->report);
	if (!found.v.n && outcome == OUTCOME_DONE)
		report_text(c->report, "Nothing is found that was not told before.");
	if (daemon_tell(c->h, &found, &later) < 0)
		report_warning(c->report, "%s", later.text);
	return outcome == OUTCOME_DONE && found.v.n ? EXIT_REPORT : exit_code_of(outcome);
}

static int run(struct context *c, struct err *e)
{
	bool is_shadow = args_get(c->args, "shadow");
	if (args_get(c->args, "once"))
		return is_shadow ? run_shadow(c, e) : run_once(c, e);
	if (args_get(c->args, "check"))
		return run_check(c, e);
	return daemon_run(c->h, is_shadow, e) < 0 ? EXIT_UNCHANGED : EXIT_OK;
}

static const char *const not_with_check[] = { "once", "shadow", NULL };

static const struct option_row options[] = {
	{ "once", NULL, "look once, do what there is to do, and end" },
	{ "shadow", NULL,
		"change nothing of the host: tell in the journal and in the events what would be "
		"done" },
	{ "check", NULL, "look once for what disturbs the VMs in force, tell what is new, and end",
		.not_with = not_with_check },
};

const struct command cmd_daemon = {
	.name = "daemon",
	.args = "[--shadow] [--once] | --check",
	.summary = "keep the VMs of the policy placed, from their start to their end",
	.help = "Runs until it is told to end. VMs that a section of the policy names get their "
		"CPUs when they start, and these are free again when they end; what somebody else "
		"changes of it is set again, up to three times in five minutes. Other VMs, and a "
		"host without a policy, are left alone. SIGHUP reads the policy now; a bad one is "
		"told, and the last good one stays. The scopes of guests of Proxmox VE that are to "
		"be "
		"isolated and do not run are prepared with a drop-in, so that they are made as "
		"they "
		"are needed. While something is in force it looks once a minute whether threads "
		"of these VMs waited, or interrupts came, and if so, or if something changed, "
		"runs check, and tells what that finds once: in the events, and in status. When it "
		"ends, what is applied "
		"stays applied: "
		"'wideberth undo --all' puts it back.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.flags = CMD_CHANGES,
	.keys = daemon_keys,
	.run = run,
};
