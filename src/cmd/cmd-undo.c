/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "base/str.h"
#include "cmd/planning.h"
#include "cmd/recovery.h"

/* Names to ids of what is applied; a VM need not run any more to be undone. */
static int resolve(const struct ledger *l, const struct args *a, const char **ret, struct err *e)
{
	for (size_t i = 0; i < a->rest.n; i++) {
		ret[i] = NULL;
		array_for_each (p, &l->placements) {
			if (placement_is_called(p, a->rest.v[i]))
				ret[i] = p->vm;
		}
		if (!ret[i])
			return err_say(e, -ENOENT,
				"nothing is applied for '%s'; see wideberth status", a->rest.v[i]);
	}
	return 0;
}

static json_t *row(const struct change *c)
{
	json_t *o = json_pack(
		"{s:s, s:s, s:s*}", "knob", c->knob->name, "key", c->target.key, "value", c->after);
	if (c->reason)
		json_object_set_new(o, "reason", json_string(c->reason));
	return o;
}

static void report_left(const struct change *c, struct report *r)
{
	const char *reason = c->reason ? c->reason : "failed";
	if (c->result == CHANGE_KEPT)
		report_note(r, "kept: %s of %s is '%s': %s", c->knob->name, c->target.key,
			c->before, reason);
	else
		report_warning(r, "not restored: %s of %s to '%s': %s", c->knob->name,
			c->target.key, c->after, reason);
}

static int report_undo(const struct changes *changes, struct report *r)
{
	json_t *o = report_json(r), *restored = json_array(), *gone = json_array(),
	       *failed = json_array();
	int code = EXIT_OK;
	array_for_each (c, &changes->v) {
		bool is_refused = c->result == CHANGE_FAILED ||
			(c->result == CHANGE_IMMOVABLE && c->is_released);
		bool is_left = is_refused || c->result == CHANGE_KEPT;
		bool is_waiting = c->result == CHANGE_PENDING;
		if (!is_left && (!c->is_released || c->is_untouched || is_waiting))
			continue;
		json_array_append_new(is_left              ? failed
				: c->result == CHANGE_GONE ? gone
							   : restored,
			row(c));
		if (is_left)
			report_left(c, r);
		if (is_left && code != EXIT_RESIDUE)
			code = is_refused ? EXIT_RESIDUE : EXIT_REPORT;
	}
	report_text(r, "Undone: %zu settings hold the value that they had, %zu no longer exist.",
		json_array_size(restored), json_array_size(gone));
	json_object_set_new(o, "restored", restored);
	json_object_set_new(o, "gone", gone);
	json_object_set_new(o, "failed", failed);
	return code;
}

static int run(struct context *c, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	AUTO_LEDGER struct ledger *l = NULL;
	AUTO_CHANGES struct changes *changes = NULL;
	bool is_all = args_get(c->args, "all"), is_overdue = args_get(c->args, "unconfirmed");
	if (!is_overdue && is_all == (c->args->rest.n > 0)) {
		err_say(e, -EINVAL, "name the VMs to undo, or --all");
		return EXIT_USAGE;
	}
	int code = recovery_begin(c, &lock, e);
	if (code || is_overdue)
		return code;
	if (ledger_read(c->h, &l, e) < 0)
		return EXIT_UNCHANGED;
	const char **vms = xcalloc(c->args->rest.n, sizeof *vms);
	int r = resolve(l, c->args, vms, e);
	if (r == 0)
		r = undo_vms(c, l, is_all ? NULL : vms, c->args->rest.n, &changes, e);
	free(vms);
	if (r < 0)
		return r == -ENOTRECOVERABLE ? EXIT_RESIDUE : EXIT_UNCHANGED;
	code = report_undo(changes, c->report);
	if (!l->n_damaged)
		return code;
	report_warning(c->report,
		"%zu records of the ledger are damaged: what they say was not put back",
		l->n_damaged);
	return EXIT_RESIDUE;
}

static const struct option_row options[] = {
	{ "all", NULL, "every VM" },
	{ "unconfirmed", NULL, "only what 'apply --confirm' left and nobody confirmed in time" },
};

const struct command cmd_undo = {
	.name = "undo",
	.args = "VM... | --all",
	.max_args = ARGS_ANY,
	.summary = "put every setting back to the value that it had",
	.help = "Undoes what was applied for the VMs; others stay whole. A value that somebody "
		"else set since is kept, and said. An unfinished transaction is ended first. Exit "
		"4: something could not be restored, each named.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.flags = CMD_CHANGES,
	.run = run,
};

static int run_confirm(struct context *c, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	AUTO_LEDGER struct ledger *l = NULL;
	int code = recovery_begin(c, &lock, e);
	if (code)
		return code;
	if (ledger_read(c->h, &l, e) < 0)
		return EXIT_UNCHANGED;
	if (!l->confirm_ns) {
		err_say(e, -ENOENT, "nothing waits to be confirmed");
		return EXIT_UNCHANGED;
	}
	l->confirm_ns = 0;
	if (ledger_replace(c->h, l, e) < 0)
		return EXIT_UNCHANGED;
	json_object_set_new(report_json(c->report), "confirmed", json_string(l->operation));
	report_text(c->report, "Confirmed: %s.", l->operation);
	return EXIT_OK;
}

const struct command cmd_confirm = {
	.name = "confirm",
	.args = "",
	.summary = "keep what 'apply --confirm' did",
	.help = "Ends the wait that 'wideberth apply --confirm SECONDS' began: the changes stay.",
	.flags = CMD_CHANGES,
	.run = run_confirm,
};
