/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/cmd.h"
#include "daemon/daemon.h"
#include "session/apply.h"
#include "session/recovery.h"
#include "session/shadow.h"
#include "view/apply.h"
#include "view/changes.h"
#include "view/events.h"
#include "view/json.h"
#include "view/keys.h"
#include "view/plan.h"

static int parse_seconds(struct context *c, uint64_t *ret_ns, struct err *e)
{
	const char *text = args_get(c->args, "confirm");
	int seconds = 0;
	if (text && (str_to_int(text, &seconds) < 0 || seconds < 1 || seconds > 86400))
		return err_say(e, -EINVAL, "--confirm wants seconds, 1 to 86400, not '%s'", text);
	if (text && !host_clock_ns(c->h))
		return err_say(
			e, -EINVAL, "--confirm needs a running machine: no time passes here");
	*ret_ns = (uint64_t)seconds * 1000000000;
	return 0;
}

/* Ends with the kernel's word for who may run on the claimed CPUs. */
static bool ask(struct context *c, struct planning *p)
{
	struct err e = { 0 };
	AUTO_VERDICT struct verdict verdict = { 0 };
	bool is_known = apply_prove(c->h, p, &verdict, &e) == 0;
	changes_report(p->changes, true, c->report);
	apply_report(p, host_cost(c->h), verdict.intruders, c->report);
	json_object_set_new(
		report_json(c->report), "unproven", text_json(is_known ? NULL : e.text));
	if (!is_known)
		report_warning(c->report, "applied, but the proof failed: %s", e.text);
	return is_known && !verdict_has_intruders(&verdict);
}

/* Plans and applies; what was planned is told in either case. */
static enum outcome apply(
	struct context *c, const struct recovery *begun, uint64_t confirm_wait_ns, struct err *e)
{
	AUTO_PLANNING struct planning p = { 0 };
	AUTO_CHANGES struct changes *back = NULL;
	bool is_dry = !begun;
	enum outcome outcome = planning_make(c->h, &c->args->options, &p, e);
	if (outcome != OUTCOME_DONE)
		return outcome;
	plan_report(&p, c->report);
	bool is_made = !is_dry && p.placements->n;
	if (is_made) {
		outcome = apply_planned(c->h, &p, begun, confirm_wait_ns, &back, e);
		apply_failed_report(back, c->report);
	}
	if (outcome != OUTCOME_DONE)
		return outcome;
	if (is_made)
		c->done = "applied";
	else
		changes_report(p.changes, !is_dry, c->report);
	bool is_as_promised = !is_made || ask(c, &p);
	return is_as_promised ? planning_outcome(&p) : OUTCOME_REPORT;
}

/* Plans, and writes down what would be done. */
static enum outcome shadow(struct context *c, struct err *e)
{
	AUTO_PLANNING struct planning p = { 0 };
	AUTO_EVENTS struct events told = { 0 };
	struct err later = { 0 };
	enum outcome outcome = planning_make(c->h, &c->args->options, &p, e);
	if (outcome != OUTCOME_DONE)
		return outcome;
	shadow_tell(c->h, &p, NULL, &told);
	plan_report(&p, c->report);
	changes_report(p.changes, false, c->report);
	events_report(&told, c->report);
	if (daemon_tell(c->h, &told, &later) < 0)
		report_warning(c->report, "%s", later.text);
	return planning_outcome(&p);
}

static int run(struct context *c, struct err *e)
{
	AUTO_RECOVERY struct recovery begun = { .lock = -1 };
	uint64_t confirm_wait_ns;
	if (parse_seconds(c, &confirm_wait_ns, e) < 0)
		return EXIT_USAGE;
	if (args_get(c->args, "dry-run"))
		return exit_code_of(apply(c, NULL, 0, e));
	if (args_get(c->args, "shadow"))
		return exit_code_of(shadow(c, e));
	enum outcome outcome = begin_change(c, &begun, e);
	if (outcome == OUTCOME_DONE)
		outcome = apply(c, &begun, confirm_wait_ns, e);
	return end_change(&begun, outcome);
}

static const char *const not_with_dry_run[] = { "shadow", NULL };

static const struct option_row options[] = {
	{ "dry-run", NULL, "plan only, changing nothing", .not_with = not_with_dry_run },
	{ "shadow", NULL,
		"plan, and write into the journal and the events what would be done; nothing "
		"else is changed" },
	{ "confirm", "SECONDS",
		"go back by itself to what was before, unless 'wideberth confirm' comes in time" },
};

const struct command cmd_apply = {
	.name = "apply",
	.args = "[--policy FILE]... [--vm VM [--KEY VALUE]...]... [--migrate-memory] [--repack] "
		"[--time-limit SECONDS] [--dry-run | --shadow] [--confirm SECONDS]",
	.summary = "plan, then do it as one transaction",
	.help = "Gives the VMs their CPUs and keeps everything else off them. If any part fails, "
		"all of it is taken back. What cannot be moved is listed with the kernel's reason.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.flags = CMD_POLICY | CMD_CHANGES,
	.keys = apply_keys,
	.run = run,
};
