/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "apply/drift.h"
#include "base/str.h"
#include "cmd/planning.h"

static void report_unfinished(const struct ledger *journal, struct report *r)
{
	json_object_set_new(report_json(r), "unfinished", json_string(journal->operation));
	report_warning(r, "'%s' did not end (the program was killed?). %s", journal->operation,
		journal->is_forward
			? "'wideberth undo --all' ends it."
			: "'wideberth undo --all' takes it back, and so does the next apply.");
}

/* A VM that nothing is applied for is a mistake; NULL ends the search well. */
static const char *unknown_vm(const struct args *a, const struct ledger *l)
{
	for (size_t i = 0; i < a->rest.n; i++) {
		bool is_known = false;
		array_for_each (p, &l->placements)
			is_known |= placement_is_called(p, a->rest.v[i]);
		if (!is_known)
			return a->rest.v[i];
	}
	return NULL;
}

static bool is_asked(const struct args *a, const struct placement *p)
{
	for (size_t i = 0; i < a->rest.n; i++)
		if (placement_is_called(p, a->rest.v[i]))
			return true;
	return !a->rest.n;
}

static void report_applied(struct context *c, const struct ledger *l, bool *ret_is_whole)
{
	json_t *applied = json_array();
	static const struct column columns[] = {
		{ .key = "vm", .head = "VM" },
		{ .key = "level", .head = "LEVEL" },
		{ .key = "claim", .head = "CPUS" },
		{ .key = "state", .head = "STATE", .may_wrap = true },
	};
	array_for_each (p, &l->placements) {
		if (!is_asked(c->args, p))
			continue;
		bool is_alive = placement_is_alive(c->h, p);
		json_t *o = placement_to_json(p);
		json_object_set_new(o, "state", json_string(is_alive ? "running" : "ended"));
		json_array_append_new(applied, o);
		*ret_is_whole &= is_alive;
		AUTO_FREE char *label = vm_label(p->vm, p->name);
		if (!is_alive)
			report_warning(c->report,
				"%s has ended; 'wideberth undo %s' frees its CPUs", label, p->vm);
	}
	json_object_set_new(report_json(c->report), "applied", applied);
	if (json_array_size(applied))
		report_table(c->report, applied, columns, N_ELEMENTS(columns));
	else
		report_text(c->report, "Nothing is applied.");
}

static size_t report_drift(const struct drifts *drifts, struct report *r)
{
	json_t *rows = json_array();
	static const struct column columns[] = {
		{ .key = "knob", .head = "KNOB" },
		{ .key = "key", .head = "OF", .may_wrap = true },
		{ .key = "expected", .head = "EXPECTED" },
		{ .key = "actual", .head = "ACTUAL" },
		{ .key = "suspect", .head = "SUSPECT", .may_wrap = true },
	};
	array_for_each (d, &drifts->v) {
		json_array_append_new(rows,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "knob", d->entry->knob, "key",
				d->entry->key, "expected", d->entry->value, "actual", d->actual,
				"suspect", d->suspect));
	}
	json_object_set_new(report_json(r), "drift", rows);
	if (json_array_size(rows)) {
		report_heading(r, "Drift: the kernel has other values than were applied");
		report_table(r, rows, columns, N_ELEMENTS(columns));
	}
	return json_array_size(rows);
}

static int run(struct context *c, struct err *e)
{
	AUTO_LEDGER struct ledger *l = NULL, *journal = NULL;
	bool is_whole = true;
	if (ledger_read_journal(c->h, &journal, e) < 0 || ledger_read(c->h, &l, e) < 0)
		return EXIT_UNCHANGED;
	AUTO_DRIFTS struct drifts *drifts = drifts_read(c->h, l);
	const char *unknown = unknown_vm(c->args, l);
	if (unknown) {
		err_say(e, -ENOENT, "nothing is applied for '%s'", unknown);
		return EXIT_UNCHANGED;
	}
	if (journal)
		report_unfinished(journal, c->report);
	report_applied(c, l, &is_whole);
	if (l->confirm_ns) {
		report_warning(c->report, "'%s' waits for 'wideberth confirm'", l->operation);
		json_object_set_new(
			report_json(c->report), "unconfirmed", json_string(l->operation));
	}
	size_t n = report_drift(drifts, c->report);
	if (!n && is_whole && l->placements.n)
		report_text(c->report, "All %zu settings are as applied.", l->entries.n);
	bool has_residue = !l->placements.n && l->entries.n;
	if (has_residue)
		report_warning(c->report,
			"%zu settings of VMs that were undone could not be put back; 'wideberth "
			"undo "
			"--all' tries again",
			l->entries.n);
	if (l->n_damaged)
		report_warning(c->report, "%zu records of the ledger are damaged", l->n_damaged);
	return n || journal || has_residue || l->n_damaged || !is_whole ? EXIT_REPORT : EXIT_OK;
}

const struct command cmd_status = {
	.name = "status",
	.args = "[VM...]",
	.max_args = ARGS_ANY,
	.summary = "compare the kernel with what was applied",
	.help = "Reads every setting back from the kernel. Exit 1: one is not as applied, a VM has "
		"ended, or a transaction did not end. With VMs only those are listed; drift is "
		"told for the whole host, because VMs share most settings.",
	.run = run,
};
