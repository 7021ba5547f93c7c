/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cmd.h"
#include "session/planning.h"
#include "view/changes.h"
#include "view/keys.h"
#include "view/plan.h"

static int run(struct context *c, struct err *e)
{
	AUTO_PLANNING struct planning p = { 0 };
	enum outcome outcome = planning_make(c->h, &c->args->options, &p, e);
	if (outcome != OUTCOME_DONE)
		return exit_code_of(outcome);
	plan_report(&p, c->report);
	changes_report(p.changes, false, c->report);
	return exit_code_of(planning_outcome(&p));
}

static const struct option_row options[] = {
	{ "explain", NULL,
		"the terms of the objective for each VM's place and for the runner-up, in the "
		"order in which they decide" },
};

const struct command cmd_plan = {
	.name = "plan",
	.args = "[--policy FILE]... [--vm VM [--KEY VALUE]...]... [--migrate-memory] [--repack] "
		"[--time-limit SECONDS] [--explain]",
	.summary = "what apply would do, touching nothing",
	.help = "Places the VMs that the policy names (or --vm), and lists every setting that "
		"apply would change, as before and after. Exit 1: a VM was refused.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.flags = CMD_POLICY,
	.keys = plan_keys,
	.run = run,
};
