/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cmd.h"
#include "session/host-can.h"
#include "session/status.h"
#include "view/host-can.h"
#include "view/keys.h"
#include "view/status.h"

static int run(struct context *c, struct err *e)
{
	AUTO_STATUS struct status s = { 0 };
	enum outcome outcome = status_read(c->h, c->args->rest.v, c->args->rest.n, &s, e);
	if (outcome != OUTCOME_DONE && outcome != OUTCOME_REPORT)
		return exit_code_of(outcome);
	status_report(&s, c->report);
	if (args_get(c->args, "host")) {
		AUTO_HOST_CAN struct host_can can = { 0 };
		if (host_can_read(c->h, &can, e) < 0)
			return EXIT_UNCHANGED;
		host_can_report(&can, c->report);
		outcome = can.is_tuned_fighting ? OUTCOME_REPORT : outcome;
	}
	return exit_code_of(outcome);
}

static const struct option_row options[] = {
	{ "host", NULL,
		"also say which levels this host can give, and who else changes what wideberth "
		"sets; as root it is tried, in a group and with an idle process of wideberth's "
		"own, for some milliseconds, and plan knows the answers until the next boot" },
};

const struct command cmd_status = {
	.name = "status",
	.args = "[VM...] [--host]",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.max_args = ARGS_ANY,
	.summary = "ask the kernel who may run on the claimed CPUs",
	.help = "Asks the kernel who may run on the claimed CPUs, and reads every setting back. "
		"Exit 1: somebody may run there who could be moved, a setting is not as applied, a "
		"VM has ended or restarted, was not confirmed in time, or a transaction did not "
		"end. With VMs only those are "
		"listed; drift is "
		"told for the whole host, because VMs share most settings.",
	.keys = status_keys,
	.run = run,
};
