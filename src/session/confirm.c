/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/confirm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "host/host.h"

static bool is_waiting(struct host *h, uint64_t confirm_ns)
{
	struct err e;
	AUTO_LEDGER struct ledger *l = NULL;
	return ledger_read(h, &l, &e) == 0 && l->confirm_ns == confirm_ns;
}

/* Until confirmed, or the time is up: woken by every change of the state directory. */
static bool wait_for_confirm(struct host *h, const char *dir, uint64_t confirm_ns)
{
	AUTO_CLOSE int fd = inotify_init1(IN_CLOEXEC);
	if (fd >= 0 && inotify_add_watch(fd, dir, IN_MOVED_TO | IN_DELETE) < 0)
		return false;
	while (is_waiting(h, confirm_ns)) {
		uint64_t now = host_clock_ns(h);
		if (now >= confirm_ns)
			return false;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char events[4096];
		if (poll(&p, 1, (int)((confirm_ns - now) / 1000000) + 1) > 0 &&
			read(fd, events, sizeof events) < 0)
			return false;
	}
	return true;
}

enum outcome confirm_watch(struct host *h, const struct ledger *l, int lock, struct err *e)
{
	AUTO_FREE char *dir = ledger_dir(h);
	pid_t pid = fork();
	if (pid < 0) {
		err_set(e, -errno,
			"start the watch for 'wideberth confirm'; confirm or undo by hand");
		return OUTCOME_RESIDUE;
	}
	if (pid > 0)
		return OUTCOME_DONE;
	/* The watch: out of the terminal, without the parent's lock and files. */
	close(lock);
	setsid();
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	uint64_t confirm_ns = l->confirm_ns;
	if (wait_for_confirm(h, dir, confirm_ns))
		_exit(EXIT_SUCCESS);
	/* Any command that changes things undoes what is overdue. */
	const char *root = host_is_live(h) ? "/" : host_root(h);
	execl("/proc/self/exe", "wideberth", "--root", root, "undo", "--unconfirmed", NULL);
	_exit(EXIT_FAILURE);
}

enum outcome confirm_all(struct host *h, char **ret, struct err *e)
{
	AUTO_LEDGER struct ledger *l = NULL;
	if (ledger_read(h, &l, e) < 0)
		return OUTCOME_UNCHANGED;
	if (!l->confirm_ns) {
		err_say(e, -ENOENT, "nothing waits to be confirmed");
		return OUTCOME_UNCHANGED;
	}
	l->confirm_ns = 0;
	if (ledger_replace(h, l, e) < 0)
		return OUTCOME_UNCHANGED;
	*ret = xstrdup(l->operation);
	return OUTCOME_DONE;
}
