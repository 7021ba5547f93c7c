/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/planning.h"
#include "cmd/recovery.h"

/* What this program costs is no fact of the host: not asked through it. */
static uint64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* "apply db01 db02": what the ledger remembers of this transaction. */
static const char *operation_name(struct arena *a, const struct planning *p)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "apply");
	for (size_t i = 0; i < p->placements->n; i++)
		strbuf_printf(&b, " %s", p->placements->v[i].vm);
	return arena_strdup(a, b.s);
}

/* What failed first is the error; what could not be put back is said one by one. */
static int failed(
	struct context *c, const struct planning *p, const struct changes *back, struct err *e)
{
	AUTO_STRBUF struct strbuf left = { 0 };
	array_for_each (change, &p->changes->v) {
		if (change->result == CHANGE_FAILED) {
			err_say(e, -ECANCELED, "%s of %s to '%s': %s", change->knob->name,
				*change->target.key ? change->target.key : "/", change->after,
				change->reason ? change->reason : "failed");
			break;
		}
	}
	if (!recovery_residue(back, &left)) {
		err_ctx(e, "everything is as it was, because");
		return EXIT_UNCHANGED;
	}
	report_warning(c->report, "not restored:%s; 'wideberth undo --all' tries again", left.s);
	json_object_set_new(report_json(c->report), "failed", recovery_residue_json(back));
	err_ctx(e, "taken back but for what is listed above, because");
	return EXIT_RESIDUE;
}

static int parse_seconds(struct context *c, uint64_t *ret_ns, struct err *e)
{
	const char *text = args_get(c->args, "confirm");
	int seconds = 0;
	if (text && (str_to_int(text, &seconds) < 0 || seconds < 1 || seconds > 86400))
		return err_say(e, -EINVAL, "--confirm wants seconds, 1 to 86400, not '%s'", text);
	if (text && !host_is_live(c->h))
		return err_say(
			e, -EINVAL, "--confirm needs a running machine: no time passes here");
	*ret_ns = (uint64_t)seconds * 1000000000;
	return 0;
}

static int apply(
	struct context *c, struct planning *p, uint64_t confirm_ns, int lock, struct err *e)
{
	AUTO_LEDGER struct ledger *next = ledger_new();
	AUTO_CHANGES struct changes *back = NULL;
	next->boot_id = p->ledger->boot_id;
	next->operation = operation_name(&next->arena, p);
	next->confirm_wait_ns = confirm_ns;
	array_for_each (placement, &p->all)
		ledger_add_placement(next, placement);
	int r = transaction_run(c->h, p->changes, next, &back, e);
	if (r == -ECANCELED)
		return failed(c, p, back, e);
	if (r < 0)
		return r == -ENOTRECOVERABLE ? EXIT_RESIDUE : EXIT_UNCHANGED;
	if (confirm_ns)
		return confirm_watch(c, next, lock, e);
	return EXIT_OK;
}

/* Per-CPU kernel threads and the like: they stay, and it is said why. */
static void report_immovable(const struct planning *p, struct report *r)
{
	json_t *immovable = json_object_get(report_json(r), "immovable");
	struct cpuset claimed = CPUSET_EMPTY;
	size_t n = 0;
	array_for_each (v, &p->all)
		claimed = cpuset_or(&claimed, &v->claim_cpus);
	for (size_t i = 0; i < p->snapshot->n_tasks; i++) {
		const struct task *t = &p->snapshot->tasks[i];
		if (!task_is_immovable(t) || !t->allowed ||
			!cpuset_intersects(t->allowed, &claimed))
			continue;
		AUTO_FREE char *what = xasprintf("%s (%d)", t->comm, t->tid);
		json_array_append_new(immovable,
			json_pack("{s:s, s:s}", "what", what, "why",
				"the kernel binds this thread to its CPU"));
		n++;
	}
	if (n)
		report_note(r, "%zu kernel threads stay: the kernel binds them to their CPUs", n);
	json_t *o;
	size_t i;
	json_array_foreach (immovable, i, o) {
		if (i < json_array_size(immovable) - n)
			report_note(r, "stays: %s: %s",
				json_string_value(json_object_get(o, "what")),
				json_string_value(json_object_get(o, "why")));
	}
}

static void report_done(struct context *c, const struct planning *p, uint64_t began_ns)
{
	struct report *r = c->report;
	struct host_cost cost = host_write_cost(c->h);
	uint64_t all_ns = clock_ns() - began_ns;
	size_t n[CHANGE_FAILED + 1] = { 0 };
	array_for_each (change, &p->changes->v)
		n[change->result]++;
	report_text(r, "Applied: %zu settings changed, %zu were right already.", n[CHANGE_DONE],
		n[CHANGE_SAME]);
	report_text(r,
		"%llu system calls that change something took %.1f ms, all of apply %.1f ms.",
		(unsigned long long)cost.n_writes, (double)cost.ns / 1e6, (double)all_ns / 1e6);
	json_object_set_new(report_json(r), "writes", json_integer((json_int_t)cost.n_writes));
	json_object_set_new(report_json(r), "writes_ns", json_integer((json_int_t)cost.ns));
	json_object_set_new(report_json(r), "all_ns", json_integer((json_int_t)all_ns));
	report_immovable(p, r);
}

static int run(struct context *c, struct err *e)
{
	bool is_dry = args_get(c->args, "dry-run");
	uint64_t began_ns = clock_ns();
	uint64_t confirm_ns;
	AUTO_CLOSE int lock = -1;
	if (parse_seconds(c, &confirm_ns, e) < 0)
		return EXIT_USAGE;
	if (!is_dry) {
		int code = recovery_begin(c, &lock, e);
		if (code)
			return code;
	}
	AUTO_PLANNING struct planning p = { 0 };
	int r = planning_make(c, &p, e);
	if (r)
		return r;
	planning_report(&p, c->report);
	if (!is_dry && p.placements->n) {
		r = apply(c, &p, confirm_ns, lock, e);
		if (r)
			return r;
	}
	changes_report(p.changes, !is_dry, c->report);
	if (!is_dry && p.placements->n)
		report_done(c, &p, began_ns);
	return p.placements->n_refused ? EXIT_REPORT : EXIT_OK;
}

static const struct option_row options[] = {
	{ "dry-run", NULL, "plan only, changing nothing" },
	{ "confirm", "SECONDS", "undo by itself unless 'wideberth confirm' comes in time" },
};

const struct command cmd_apply = {
	.name = "apply",
	.args = "[--policy FILE]... [--vm VM [--KEY VALUE]...]... [--dry-run] [--confirm SECONDS]",
	.summary = "plan, then do it as one transaction",
	.help = "Gives the VMs their CPUs and keeps everything else off them. If any part fails, "
		"all of it is taken back. What cannot be moved is listed with the kernel's reason.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.flags = CMD_POLICY | CMD_CHANGES,
	.run = run,
};
