/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status --host: what a kernel does is tried where that leaves nothing behind, and else estimated;
 * by what it does, not by what it calls itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

static const char release[] = "proc/sys/kernel/osrelease";

/* The row of the text that begins so. */
static void has_row(struct machine *m, const char *ability, const char *answer, const char *how)
{
	AUTO_FREE char *want = xasprintf("\"ability\":\"%s\"", ability);
	const char *at = strstr(m->output, want);
	AUTO_FREE char *row = at ? xstrndup(at, strcspn(at, "}")) : xstrdup("");
	AUTO_FREE char *is = xasprintf("\"answer\":\"%s\"", answer);
	AUTO_FREE char *known = how ? xasprintf("\"how\":\"%s\"", how) : xstrdup("\"how\":null");
	ok(strstr(row, is) && strstr(row, known), "%s: %s: %s, %s", root_names[m->kind], ability,
		answer, how ? how : "not known");
	if (!strstr(row, is) || !strstr(row, known))
		printf("# %s\n", m->output);
}

/* From here on what was set up counts as how the machine was. */
static void try_host(struct machine *m, const char *what)
{
	const char *differs;
	struct image *before = image_take(m);
	int code = machine_run(m, NULL, "--json status --host");
	ok(code == 0, "%s: %s: exit %d", root_names[m->kind], what, code);
	differs = image_differs(m, before, false);
	ok(!differs, "%s: %s: nothing is left", root_names[m->kind], what);
	if (differs)
		printf("# %s\n", differs);
	image_free(before);
}

/* With the controller given to groups: what it does, whatever its release says. */
static void given(enum root_kind kind, const char *mask, const char *list, const char *partition,
	const char *how)
{
	struct machine *m = machine_new(kind);
	machine_write(m, release, kind == ROOT_7 ? "5.14.0-backports\n" : "9.9.0-boast\n");
	if (kind != ROOT_7)
		ok(machine_run(m, NULL, "apply --vm db01 --isolation fenced") == 0, "a fence");
	try_host(m, "tried");
	has_row(m, "own-mask", mask, "tried");
	has_row(m, "empty-list", list, "tried");
	has_row(m, "remote-partition", partition, how);
	has_row(m, "delegate", "unknown", NULL);
	machine_free(m);
}

/* Without, by release and files alone. */
static void estimated(enum root_kind kind, const char *text, const char *mask, const char *list)
{
	struct machine *m = machine_new(kind);
	machine_write(m, release, text);
	try_host(m, text);
	has_row(m, "own-mask", mask, "estimated");
	has_row(m, "empty-list", list, "estimated");
	ok(strstr(m->output, "\"untried\":\"the cpuset controller"), "and says why");
	machine_free(m);
}

/* One of wideberth's own in force is proof. */
static void seen(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	ok(machine_run(m, NULL, "apply --vm db01") == 0, "a partition");
	try_host(m, "seen");
	has_row(m, "remote-partition", "yes", "seen");
	machine_free(m);
}

/* The kernel ends the idle process with the program. */
static void end_idle(struct machine *m)
{
	static const char threads[] = "sys/fs/cgroup/wideberth-probe/mask/cgroup.threads";
	AUTO_FREE char *command = xasprintf("rm -rf '%s/proc/32000'", m->dir);
	if (system(command) != 0)
		abort();
	if (machine_has(m, threads))
		machine_write(m, threads, "");
}

/* What a trial that was killed left is cleaned up by the next. */
static void killed(void)
{
	struct machine *m = machine_new(ROOT_7);
	int n = machine_count(m, "status --host");
	ok(n > 10, "%d changes are made and taken back", n);
	for (int i = 1; i <= n; i++) {
		AUTO_FREE char *fault = xasprintf("kill-after:%d", i);
		machine_reset(m);
		int code = machine_run(m, fault, "status --host");
		end_idle(m);
		int again = machine_run(m, NULL, "status --host");
		ok(code == KILLED && again == 0 && !machine_has(m, "sys/fs/cgroup/wideberth-probe"),
			"killed at change %d: the next trial cleans up", i);
	}
	machine_free(m);
}

/* What "stays after undo" is by the release until it was tried, or an undo has found it out; then
 * it is what this kernel does, whatever it calls itself. */
static void plan_says(struct machine *m, const char *text, const char *when)
{
	int code = machine_run(m, NULL, "--json plan --vm db01 --isolation fenced");
	bool is_said = text ? strstr(m->output, text) : strstr(m->output, "\"stays\": []");
	ok(code == 0 && is_said, "%s: %s: plan: %s", root_names[m->kind], when,
		text ? text : "nothing stays");
	if (!is_said)
		printf("# %s\n", m->output);
}

static void kept(void)
{
	static const char guess[] = "not tried here yet", known[] = "this kernel does not empty";
	struct machine *m = machine_new(ROOT_7);
	machine_write(m, release, "5.14.0-backports\n");
	plan_says(m, guess, "before");
	try_host(m, "tried");
	plan_says(m, NULL, "tried");
	machine_write(m, "proc/sys/kernel/random/boot_id", "another\n");
	plan_says(m, guess, "another boot");
	machine_write(m, "run/wideberth/abilities", "another\tyes\n");
	plan_says(m, guess, "cut off");
	machine_free(m);

	/* one that says it is newer than it is, and an undo that finds out */
	m = machine_new(ROOT_7);
	machine_write(m, ".kernel", "");
	machine_write(m, release, "9.9.0-boast\n");
	machine_run(m, NULL, "undo --all");
	struct image *begin = image_take(m);
	plan_says(m, NULL, "believed");
	machine_run(m, NULL, "apply --vm db01 --isolation fenced");
	machine_run(m, NULL, "undo --all");
	AUTO_FREE char *found = xasprintf("%s\n", machine_read(m, "run/wideberth/abilities"));
	ok(strstr(found, "\tno\t"), "undo has found out: %s", found);
	image_put(m, begin);
	machine_write(m, "run/wideberth/abilities", found);
	plan_says(m, known, "found out");
	image_free(begin);
	machine_free(m);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	given(ROOT_7, "yes", "yes", "yes", "tried");
	given(ROOT_6_12, "yes", "no", "yes", "estimated");
	given(ROOT_6_1, "no", "no", "no", "seen");
	estimated(ROOT_6_12, "6.12.41+deb13-amd64\n", "yes", "no");
	estimated(ROOT_6_12, "6.1.0-30-amd64\n", "no", "no");
	estimated(ROOT_6_12, "7.2.13\n", "yes", "yes");
	seen();
	killed();
	kept();
	return tap_done();
}
