/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/planning.h"

static int run(struct context *c, struct err *e)
{
	AUTO_PLANNING struct planning p = { 0 };
	int r = planning_make(c, &p, e);
	if (r)
		return r;
	planning_report(&p, c->report);
	changes_report(p.changes, false, c->report);
	return p.placements->n_refused ? EXIT_REPORT : EXIT_OK;
}

const struct command cmd_plan = {
	.name = "plan",
	.args = "[--policy FILE]... [--vm VM [--KEY VALUE]...]...",
	.summary = "what apply would do, touching nothing",
	.help = "Places the VMs that the policy names (or --vm), and lists every setting that "
		"apply would change, as before and after. Exit 1: a VM was refused.",
	.flags = CMD_POLICY,
	.run = run,
};
