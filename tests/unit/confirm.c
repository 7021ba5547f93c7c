/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watch of apply --confirm, on this machine's clock and a state directory of the test's own: it
 * sleeps to the deadline whatever happens, and no longer than it is needed. */
#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apply/ledger.h"
#include "base/str.h"
#include "host/host.h"
#include "session/confirm.h"

enum { SOON_NS = 200 * 1000000, LONG_NS = 2000000000 };

static char state[] = "/tmp/wideberth-confirm-XXXXXX";

/* A ledger with one placement of this deadline (0: no placement). */
static void put_ledger(struct host *h, uint64_t confirm_ns)
{
	struct err e = { 0 };
	AUTO_LEDGER struct ledger *now = NULL, *l = ledger_new();
	ok(ledger_read(h, &now, &e) == 0, "read: %s", e.text);
	l->boot_id = now->boot_id;
	struct placement p = { .vm = "my db", .pid = 1, .start = 1, .confirm_ns = confirm_ns };
	if (confirm_ns)
		if (ledger_add_placement(l, &p) < 0)
			abort();
	ok(ledger_replace(h, l, &e) == 0, "replaced: %s", e.text);
}

/* Somebody else confirms in a while. */
static pid_t confirm_in(struct host *h, uint64_t ns)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct err e;
	AUTO_LEDGER struct ledger *l = NULL;
	nanosleep(&(struct timespec){ .tv_nsec = (long)ns }, NULL);
	if (ledger_read(h, &l, &e) < 0)
		_exit(1);
	array_for_each (p, &l->placements)
		p->confirm_ns = 0;
	_exit(ledger_replace(h, l, &e) < 0);
}

static void wait_for(struct host *h, const char *name, const char *dir, bool is_confirmed)
{
	uint64_t began = host_clock_ns(h), until = began + (is_confirmed ? LONG_NS : SOON_NS);
	put_ledger(h, until);
	pid_t pid = is_confirmed ? confirm_in(h, SOON_NS) : -1;
	bool r = confirm_wait(h, dir, until);
	uint64_t now = host_clock_ns(h);
	ok(r == is_confirmed, "%s: how it ended", name);
	ok((now >= until) != is_confirmed, "%s: when", name);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* A ledger that cannot be read is no confirmation. */
static void unreadable(struct host *h)
{
	AUTO_FREE char *path = xasprintf("%s/ledger", state);
	uint64_t until = host_clock_ns(h) + SOON_NS;
	AUTO_FILE FILE *f = fopen(path, "we");
	ok(f && fputs("what is this\n", f) >= 0 && fflush(f) == 0, "damaged");
	ok(!confirm_wait(h, state, until), "a damaged ledger: it does not end well");
	ok(host_clock_ns(h) >= until, "... and not early");
	unlink(path);
	ok(confirm_wait(h, state, until), "no ledger: nothing waits");
}

int main(void)
{
	AUTO_HOST struct host *h = NULL;
	struct err e;
	if (!mkdtemp(state) || setenv("WIDEBERTH_STATE_DIR", state, 1) < 0 ||
		host_open(&h, NULL, &e) < 0)
		return 99;
	wait_for(h, "nobody confirms", state, false);
	wait_for(h, "nobody confirms, and the directory cannot be watched", "/nonexistent", false);
	wait_for(h, "the directory is a file", "/proc/self/status", false);
	wait_for(h, "somebody confirms", state, true);
	unreadable(h);
	rmdir(state);
	return tap_done();
}
