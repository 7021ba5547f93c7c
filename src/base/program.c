/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

extern char **environ;

static int start(const char *const *argv, int output, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	int r = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int read_all(int fd, struct strbuf *ret)
{
	char buffer[4096];
	ssize_t n;
	while ((n = read(fd, buffer, sizeof buffer)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			strbuf_add(ret, buffer, (size_t)n);
	}
	return 0;
}

static int wait_for(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

int program_run(const char *const *argv, char **ret_output, struct err *e)
{
	AUTO_STRBUF struct strbuf output = { 0 };
	int fds[2] = { -1, -1 };
	pid_t pid;
	if (ret_output && pipe2(fds, O_CLOEXEC) < 0)
		return err_set(e, -errno, "run %s", argv[0]);
	AUTO_CLOSE int from = fds[0];
	int r = start(argv, ret_output ? fds[1] : STDERR_FILENO, &pid);
	if (ret_output)
		close(fds[1]);
	if (r < 0)
		return err_set(e, r, "run %s", argv[0]);
	if (ret_output)
		r = read_all(from, &output);
	int ended = wait_for(pid);
	r = r < 0 ? r : ended;
	if (r < 0)
		return err_say(e, r, "%s %s failed: what it said is above", argv[0],
			argv[1] ? argv[1] : "");
	if (ret_output)
		*ret_output = output.s ? TAKE(output.s) : xstrdup("");
	return 0;
}
