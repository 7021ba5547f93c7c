/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Somebody presses Ctrl-C, the terminal goes away, the machine shuts down: an apply is taken back,
 * an undo is finished, and either is said. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

static void is_whole(struct machine *m, const struct image *as, const char *name)
{
	const char *why = image_differs(m, as, false);
	ok(!why, "%s: every file", name);
	if (why)
		printf("%s# %s\n", why, m->output);
}

/* After the at-th change. */
static int run(struct machine *m, const char *args, int at, int signal)
{
	AUTO_FREE char *fault = xasprintf("signal:%d:%d", at, signal);
	return machine_run(m, fault, args);
}

static void during_apply(struct machine *m, int at, int signal)
{
	AUTO_FREE char *name =
		xasprintf("SIG%s after change %d of an apply", sigabbrev_np(signal), at);
	AUTO_FREE char *said = xasprintf("as it was, because: SIG%s came", sigabbrev_np(signal));
	same_int(run(m, "apply --vm db01", at, signal), 3, "%s", name);
	ok(strstr(m->output, said), "%s: said", name);
	is_whole(m, m->pristine, name);
	same_int(machine_run(m, NULL, "status"), 0, "%s: nothing is unfinished", name);
	machine_reset(m);
}

/* What was in force before is in force again. */
static void during_second_apply(struct machine *m, int at, int signal)
{
	same_int(machine_run(m, NULL, "apply --vm db02"), 0, "db02 is applied");
	struct image *before = image_take(m);
	same_int(run(m, "apply --vm db01", at, signal), 3, "then db01, SIG%s after %d",
		sigabbrev_np(signal), at);
	is_whole(m, before, "back to db02 alone");
	same_int(machine_run(m, NULL, "status db02"), 0, "as applied");
	image_free(before);
	machine_reset(m);
}

static void during_undo(struct machine *m, int at, int signal)
{
	AUTO_FREE char *name =
		xasprintf("SIG%s after change %d of an undo", sigabbrev_np(signal), at);
	same_int(machine_run(m, NULL, "apply --vm db01"), 0, "applied");
	same_int(run(m, "undo --all", at, signal), 0, "%s: finished", name);
	ok(strstr(m->output, "came meanwhile"), "%s: said", name);
	is_whole(m, m->pristine, name);
	machine_reset(m);
}

static void during_recovery(struct machine *m, int signal)
{
	same_int(machine_run(m, "kill-after:9", "apply --vm db01"), KILLED, "killed");
	same_int(run(m, "undo --all", 2, signal), 0, "recovery, SIG%s", sigabbrev_np(signal));
	ok(strstr(m->output, "came meanwhile"), "... said");
	is_whole(m, m->pristine, "recovery");
	machine_reset(m);
}

/* The last change is made: there is nothing to break off. */
static void at_the_end(struct machine *m, int n)
{
	same_int(run(m, "apply --vm db01", n, SIGTERM), 0, "SIGTERM after the last change");
	ok(strstr(m->output, "SIGTERM came when all was applied"), "... said");
	same_int(machine_run(m, NULL, "status"), 0, "... and all is");
	machine_reset(m);
}

/* nohup(1), the background of a script, a service: who ignores a signal is not asked to end by it.
 */
static void ignored(struct machine *m, int at)
{
	for (size_t i = 0; i < N_ELEMENTS(signals); i++) {
		const char *name = sigabbrev_np(signals[i]);
		if (signals[i] == SIGPIPE)
			continue; /* the program ignores it itself */
		signal(signals[i], SIG_IGN);
		same_int(run(m, "apply --vm db01", at, signals[i]), 0, "SIG%s ignored: applied",
			name);
		same_int(run(m, "undo --all", at, signals[i]), 0, "... undone");
		ok(!strstr(m->output, "came"), "... without a word of it");
		signal(signals[i], SIG_DFL);
		is_whole(m, m->pristine, name);
		machine_reset(m);
	}
}

int main(void)
{
	/* Under nohup one is ignored, and asks nothing. */
	for (size_t i = 0; i < N_ELEMENTS(signals); i++)
		signal(signals[i], SIG_DFL);
	struct machine *m = machine_new(ROOT_6_12);
	int n = machine_count(m, "apply --vm db01");
	machine_reset(m);
	ok(n > 10, "%d changes", n);
	for (size_t i = 0; i < N_ELEMENTS(signals); i++) {
		during_apply(m, 1, signals[i]);
		during_apply(m, n / 2 + (int)i - 2, signals[i]);
		during_second_apply(m, 1 + (int)i * n / 5, signals[i]);
		during_undo(m, 2 + (int)i * n / 5, signals[i]);
		during_recovery(m, signals[i]);
	}
	at_the_end(m, n);
	ignored(m, n / 2);
	machine_free(m);
	return tap_done();
}
