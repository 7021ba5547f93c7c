/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The step, and check's minute, as a process of this same program. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "daemon/internal.h"
#include "host/host.h"

extern char **environ;

/* What it has to say is in the events. */
static void close_streams(posix_spawn_file_actions_t *actions)
{
	posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!getenv("WIDEBERTH_DEBUG"))
		posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
}

int step_spawn(
	const struct host *h, const char *what, bool is_shadow, bool is_of_its_own, pid_t *ret)
{
	char program[] = "/proc/self/exe", name[] = "wideberth", option[] = "--root",
	     command[] = "daemon", shadow[] = "--shadow";
	AUTO_FREE char *root = xstrdup(host_root(h)), *word = xstrdup(what);
	char *const argv[] = { name, option, root, command, word, is_shadow ? shadow : NULL, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes,
		(short)(POSIX_SPAWN_SETSIGMASK | (is_of_its_own ? POSIX_SPAWN_SETSID : 0)));
	close_streams(&actions);
	int r = posix_spawn(ret, program, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Where a manager's hook waits for it, it outlives the hook. */
int daemon_step_beside(struct host *h, int wait_ms, struct err *e)
{
	pid_t pid;
	AUTO_KEEPER struct keeper keeper = { 0 };
	bool is_shadow = keeper_read(h, &keeper) == 0 && keeper.is_running && keeper.is_shadow;
	int r = step_spawn(h, "--once", is_shadow, true, &pid);
	if (r < 0)
		return err_set(e, r, "begin a step");
	AUTO_CLOSE int fd = wait_ms ? pidfd_open(pid, 0) : -1;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	if (fd >= 0)
		(void)!poll(&p, 1, wait_ms);
	return 0;
}
