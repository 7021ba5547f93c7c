/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/confirm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply/state-dir.h"
#include "host/host.h"
#include "session/lookup.h"

uint64_t confirm_deadline(const struct ledger *l)
{
	uint64_t first = 0;
	array_for_each (p, &l->placements) {
		if (p->confirm_ns && (!first || p->confirm_ns < first))
			first = p->confirm_ns;
	}
	return first;
}

/* What the ledger says now; what it said last where it cannot be read. */
static uint64_t read_deadline(struct host *h, uint64_t last_ns)
{
	struct err e;
	AUTO_LEDGER struct ledger *l = NULL;
	return ledger_read(h, &l, &e) < 0 ? last_ns : confirm_deadline(l);
}

/* Until the directory changes, where it can be watched, and no longer than this. */
static void sleep_until_change(int *inotify, uint64_t ns)
{
	struct pollfd p = { .fd = *inotify, .events = POLLIN };
	char events[4096];
	if (poll(&p, 1, (int)(ns / 1000000) + 1) <= 0)
		return;
	if (read(*inotify, events, sizeof events) > 0)
		return;
	close(*inotify); /* of no use any more, and poll() would return at once */
	*inotify = -1;
}

bool confirm_wait(struct host *h, const char *dir, uint64_t deadline_ns)
{
	AUTO_CLOSE int fd = inotify_init1(IN_CLOEXEC);
	if (fd >= 0 && inotify_add_watch(fd, dir, IN_MOVED_TO | IN_DELETE) < 0) {
		close(fd);
		fd = -1;
	}
	while ((deadline_ns = read_deadline(h, deadline_ns))) {
		uint64_t now = host_clock_ns(h);
		if (now >= deadline_ns)
			return false;
		sleep_until_change(&fd, deadline_ns - now);
	}
	return true;
}

/* Any command that changes things undoes what is overdue. */
static void run_undo(struct host *h)
{
	const char *root = host_is_live(h) ? "/" : host_root(h);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", "wideberth", "--root", root, "undo", "--unconfirmed", NULL);
		_exit(EXIT_FAILURE);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

enum { UNDO_TRIES = 10, RETRY_SECONDS = 10 };

/* The watch: out of the terminal. What cannot be undone now may be able to in a while. */
_Noreturn static void watch(struct host *h, const char *dir, uint64_t deadline_ns)
{
	setsid();
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	for (int i = 0; i < UNDO_TRIES && !confirm_wait(h, dir, deadline_ns); i++) {
		if (i)
			poll(NULL, 0, RETRY_SECONDS * 1000);
		run_undo(h);
	}
	_exit(EXIT_SUCCESS);
}

enum outcome confirm_watch(struct host *h, int lock, struct err *e)
{
	AUTO_FREE char *dir = state_dir(h);
	AUTO_LEDGER struct ledger *l = NULL;
	if (!host_is_live(h))
		return OUTCOME_DONE; /* a made-up host's time passes when the test says so */
	int r = ledger_read(h, &l, e);
	pid_t pid = r < 0 ? -1 : fork();
	if (pid < 0) {
		r = r < 0 ? r : -errno;
		err_set(e, r,
			"applied, but nobody waits for 'wideberth confirm': confirm or undo by "
			"hand");
		return OUTCOME_RESIDUE;
	}
	if (pid > 0)
		return OUTCOME_DONE;
	close(lock); /* the parent's */
	watch(h, dir, confirm_deadline(l));
}

void confirmed_done(struct confirmed *c)
{
	free(c->v.v);
	ledger_freep(&c->ledger);
}

/* What a placement that stays would have gone back to is of no use any more. */
static void forget_before(struct ledger *l, const struct placement *p)
{
	size_t n = 0;
	array_for_each (before, &l->before) {
		if (before->pid != p->pid || before->start != p->start)
			l->before.v[n++] = *before;
	}
	l->before.n = n;
}

enum outcome confirm_named(struct host *h, const char *const *words, size_t n_words,
	struct confirmed *ret, struct err *e)
{
	if (ledger_read(h, &ret->ledger, e) < 0)
		return OUTCOME_UNCHANGED;
	struct ledger *l = ret->ledger;
	AUTO_FREE bool *is_meant = NULL;
	if (lookup_placements(h, l, words, n_words, &is_meant, e) < 0)
		return OUTCOME_UNCHANGED;
	for (size_t i = 0; i < l->placements.n; i++) {
		struct placement *p = &l->placements.v[i];
		if (!is_meant[i] || !p->confirm_ns)
			continue;
		p->confirm_ns = 0;
		forget_before(l, p);
		*array_push(&ret->v) = p;
	}
	if (!ret->v.n) {
		err_say(e, -ENOENT, "nothing%s waits to be confirmed%s",
			n_words ? " of these VMs" : "",
			confirm_deadline(l) ? "; see wideberth status for who does" : "");
		return OUTCOME_UNCHANGED;
	}
	return ledger_replace(h, l, e) < 0 ? OUTCOME_UNCHANGED : OUTCOME_DONE;
}
