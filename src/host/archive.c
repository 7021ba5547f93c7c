/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

extern char **environ;

/* The first line of what comes through the pipe, without its end. */
static void read_line(int fd, char *ret, size_t size)
{
	size_t n = 0;
	char c;
	*ret = '\0';
	for (ssize_t got; (got = read(fd, &c, 1)) == 1 || (got < 0 && errno == EINTR);) {
		if (got == 1 && n + 1 < size && !memchr(ret, '\n', n))
			ret[n++] = c;
	}
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

/* tar keeps everything below the directory: it drops leading slashes and "..". *complaint is what
 * it first said. Returns its exit code, or a negative errno. */
static int run_tar(const char *file, const char *dir, char *complaint, size_t size)
{
	char *argv[] = { (char[]){ "tar" }, (char[]){ "-xf" }, (char *)(uintptr_t)file,
		(char[]){ "-C" }, (char *)(uintptr_t)dir, (char[]){ "--no-same-owner" },
		(char[]){ "--force-local" }, NULL };
	AUTO_CLOSE int from_tar = -1, to_us = -1;
	int pipe_fds[2], status = 0;
	pid_t pid;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	from_tar = pipe_fds[0];
	to_us = pipe_fds[1];
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, to_us, STDERR_FILENO);
	int r = posix_spawnp(&pid, "tar", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		return -r;
	close(TAKE_FD(to_us));
	read_line(from_tar, complaint, size);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

int archive_unpack(const char *file, char **ret, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	AUTO_FREE char *dir = xasprintf("%s/wideberth.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return err_set(e, -errno, "create the directory '%s'", dir);
	char complaint[120];
	int r = run_tar(file, dir, complaint, sizeof complaint);
	if (r == 0) {
		*ret = TAKE(dir);
		return 0;
	}
	archive_remove(dir);
	if (r < 0)
		return err_set(e, r, "run tar to unpack '%s'", file);
	return err_say(e, -EINVAL, "'%s' is neither a directory nor a recording nor an archive: %s",
		file, complaint);
}

char *archive_top(const char *dir)
{
	AUTO_FREE char *only = NULL;
	AUTO_DIR DIR *d = opendir(dir);
	size_t n = 0;
	for (struct dirent *entry; d && (entry = readdir(d));) {
		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		free(only);
		only = xasprintf("%s/%s", dir, entry->d_name);
		n++;
	}
	struct stat st;
	bool is_wrapped = n == 1 && lstat(only, &st) == 0 && S_ISDIR(st.st_mode) &&
		!str_has_suffix(only, "/proc") && !str_has_suffix(only, "/sys");
	return is_wrapped ? TAKE(only) : xstrdup(dir);
}

void archive_remove(const char *dir)
{
	char *const roots[] = { (char *)(uintptr_t)dir, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	for (FTSENT *entry; tree && (entry = fts_read(tree));) {
		if (entry->fts_info == FTS_D)
			(void)chmod(entry->fts_accpath, 0700); /* a dump's directories may be
								  read-only */
		else if (entry->fts_info == FTS_DP || entry->fts_info == FTS_DNR)
			(void)rmdir(entry->fts_accpath);
		else
			(void)unlink(entry->fts_accpath);
	}
	if (tree)
		fts_close(tree);
}
