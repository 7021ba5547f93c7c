/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "session/diagnosis.h"
#include "view/check-compare.h"
#include "view/check.h"
#include "view/keys.h"

enum { FAIL_NEVER = N_SEVERITIES };
static const char *const levels[] = { "info", "warning", "critical", "never", NULL };

static void show_progress(void *context, double done_s, double window_s)
{
	progress_show(context, "watching %.0f of %.0f s ", done_s, window_s);
}

static int write_svg(struct context *c, const char *path, struct err *e)
{
	AUTO_NEW_FILE struct new_file file = { 0 };
	int r = new_file_open(&file, path, e);
	if (r == 0)
		r = report_print_svg(c->report, file.f, e);
	return r < 0 ? r : new_file_keep(&file, e);
}

/* "softirq-hot,hog": the ids of rules, cut up in place. */
static int parse_only(
	char *text, struct diagnosis_options *o, const char **ids, size_t room, struct err *e)
{
	for (char *p = text; p;) {
		char *comma = strchr(p, ',');
		if (comma)
			*comma = 0;
		if (!check_rule(p))
			return err_say(e, -EINVAL,
				"no rule is called '%s'; 'wideberth check --list' lists all", p);
		if (o->n_only < room)
			ids[o->n_only++] = p;
		p = comma ? comma + 1 : NULL;
	}
	o->only = ids;
	return 0;
}

static int parse_level(const char *text, int *ret, struct err *e)
{
	for (int i = 0; levels[i]; i++)
		if (streq(levels[i], text)) {
			*ret = i;
			return 0;
		}
	return err_say(
		e, -EINVAL, "--fail-on wants info, warning, critical or never, not '%s'", text);
}

static int parse_seconds(const char *text, double *ret, struct err *e)
{
	int seconds = 5;
	if (text && (str_to_int(text, &seconds) < 0 || seconds < 0 || seconds > 86400))
		return err_say(
			e, -EINVAL, "--seconds wants 0 (no interval) to 86400, not '%s'", text);
	*ret = seconds;
	return 0;
}

/* The options that name files of a policy; its v is malloc'ed. */
static struct option_values policy_files(const struct args *a)
{
	struct option_values files = { 0 };
	array_for_each (o, &a->options)
		if (streq(o->name, "policy"))
			*array_push(&files) = *o;
	return files;
}

/* Two recordings or trees, by their paths: no VM has a name with a slash. */
static bool are_hosts(const struct args *a)
{
	return a->rest.n == 2 && strchr(a->rest.v[0], '/') && strchr(a->rest.v[1], '/');
}

static int compare(struct context *c, struct diagnosis_options *o, struct err *e)
{
	AUTO_HOST struct host *first = NULL, *second = NULL;
	AUTO_DIAGNOSIS struct diagnosis a = { 0 }, b = { 0 };
	const char *const *names = o->vms;
	o->n_vms = 0;
	if (host_open(&first, names[0], e) < 0 || host_open(&second, names[1], e) < 0)
		return EXIT_UNCHANGED;
	enum outcome outcome = diagnosis_make(first, o, &a, e);
	if (outcome == OUTCOME_DONE)
		outcome = diagnosis_make(second, o, &b, e);
	if (outcome != OUTCOME_DONE)
		return exit_code_of(outcome);
	int n = check_compare_report(
		&(struct compared){ names[0], a.check, a.snapshot, &a.reading },
		&(struct compared){ names[1], b.check, b.snapshot, &b.reading }, &a.limits,
		c->report);
	return n ? EXIT_REPORT : EXIT_OK;
}

static int run(struct context *c, struct err *e)
{
	AUTO_DIAGNOSIS struct diagnosis d = { 0 };
	AUTO_FREE char *only =
		args_get(c->args, "only") ? xstrdup(args_get(c->args, "only")) : NULL;
	const char *level = args_get(c->args, "fail-on"), *svg = args_get(c->args, "svg");
	const char *ids[128];
	int fail_on = SEVERITY_WARNING;
	struct diagnosis_options o = {
		.vms = c->args->rest.v,
		.n_vms = c->args->rest.n,
		.progress = show_progress,
		.context = c,
	};
	if (args_get(c->args, "list")) {
		check_list_report(c->report);
		return EXIT_OK;
	}
	if (parse_only(only, &o, ids, N_ELEMENTS(ids), e) < 0 ||
		(level && parse_level(level, &fail_on, e) < 0) ||
		parse_seconds(args_get(c->args, "seconds"), &o.window_s, e) < 0)
		return EXIT_USAGE;
	struct option_values files = policy_files(c->args);
	o.policy = &files;
	if (are_hosts(c->args)) {
		int code = compare(c, &o, e);
		free(files.v);
		return code;
	}
	enum outcome outcome = diagnosis_make(c->h, &o, &d, e);
	free(files.v);
	if (outcome != OUTCOME_DONE)
		return exit_code_of(outcome);
	check_report(d.check, d.snapshot, svg, c->report);
	if (svg && write_svg(c, svg, e) < 0)
		return EXIT_UNCHANGED;
	return fail_on != FAIL_NEVER && check_worst(d.check) >= fail_on ? EXIT_REPORT : EXIT_OK;
}

static const char *const not_with_list[] = { WORDS, NULL };

static const struct option_row options[] = {
	{ "seconds", "N", "how long to watch (5); 0: look once" },
	{ "fail-on", "LEVEL", "exit 1 from findings of this severity on (warning)", levels },
	{ "only", "RULES", "these rules alone, with commas between" },
	{ "policy", "FILE", "a policy file whose [check] counts; may be repeated" },
	{ "list", NULL, "list the rules instead", .not_with = not_with_list },
	{ "svg", "FILE", "also draw the host with the findings to an SVG file" },
};

const struct command cmd_check = {
	.name = "check",
	.args = "[VM...] [--seconds N] [--fail-on LEVEL] [--only RULES] [--policy FILE]... [--svg "
		"FILE] | "
		"--list",
	.max_args = ARGS_ANY,
	.summary = "why is it slow, and what to do about it",
	.help = "Looks for what disturbs the VMs, and says what to do: interrupts on their CPUs, "
		"pins that are not real or not complete, memory on another node, CPUs without "
		"their speed, and settings that do not do what guides say. Root causes come "
		"first, with what they explain behind them. It needs no policy and changes "
		"nothing. Exit 1: something was found. Two words with a slash are recordings or "
		"trees "
		"(./a.tar ./b.tar): why is the first slower than the second.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.keys = check_keys,
	.run = run,
};
