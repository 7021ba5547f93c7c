/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

/* A dump of a large host is some 100,000 files of a few bytes each, a recording below 100 MB. */
enum { MAX_ENTRIES = 1000000 };
static const uint64_t MAX_FILE = 256UL << 20, MAX_SUM = 1UL << 30;

struct archive {
	char *dir;
	int guard_fd; /* closed, or we ended: then the guard removes the directory */
	pid_t guard;
};

extern char **environ;

/* ---- tar ---- */

struct tar {
	pid_t pid;
	FILE *out;
};

__attribute__((noreturn)) static void be_tar(char *const *argv, int out)
{
	/* Not $TAR_OPTIONS, nor a tar of $PATH, and no words of another language. */
	char *environment[] = { (char[]){ "PATH=/usr/local/bin:/usr/bin:/bin" },
		(char[]){ "LC_ALL=C" }, NULL };
	const struct rlimit size = { MAX_FILE, MAX_FILE };
	signal(SIGXFSZ, SIG_IGN); /* an error, not the end */
	if (setrlimit(RLIMIT_FSIZE, &size) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
		dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	environ = environment;
	execvp("tar", argv);
	_exit(127);
}

/* tar's output and complaints come through ret->out. It keeps everything below the directory: it
 * drops leading slashes and "..". */
static int start_tar(struct tar *ret, char *const *argv)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		be_tar(argv, fds[1]);
	int r = -errno;
	close(fds[1]);
	FILE *out = pid < 0 ? NULL : fdopen(fds[0], "r");
	if (!out) {
		close(fds[0]);
		return r;
	}
	*ret = (struct tar){ pid, out };
	return 0;
}

/* The exit code, or -ECHILD. */
static int end_tar(struct tar *t, bool is_wanted)
{
	int status = 0;
	if (!is_wanted)
		kill(t->pid, SIGKILL);
	fclose(t->out);
	while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

/* What a stranger's archive makes tar say goes to a terminal. */
static void keep_complaint(const char *line, char *ret, size_t size)
{
	if (*ret || strstr(line, ": Removing leading "))
		return;
	snprintf(ret, size, "%.*s", (int)size - 1, line);
	for (char *p = ret; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = *p == '\n' ? 0 : '?';
}

/* ---- what is in it ---- */

struct contents {
	uint64_t bytes;
	size_t n;
	char complaint[120];
};

/* "-rw-r--r-- 0/0      4096 2026-11-28 10:00 proc/stat". Returns NULL, or what forbids it. */
static const char *count_entry(struct contents *c, const char *line)
{
	unsigned long long size;
	if (sscanf(line, "%*c%*9s %*d/%*d %llu ", &size) != 1) {
		if (strchr("bcps", *line) && sscanf(line, "%*c%*9[-rwxsStT] %*d/%*d") == 0)
			return "a device, a FIFO or a socket is in it";
		keep_complaint(line, c->complaint, sizeof c->complaint);
		return NULL;
	}
	if (!strchr("-dlh", *line))
		return "a device, a FIFO or a socket is in it";
	c->bytes += size;
	c->n++;
	if (size > MAX_FILE || c->bytes > MAX_SUM)
		return "it is larger than a host's files are";
	return c->n > MAX_ENTRIES ? "it has more files than a host has" : NULL;
}

#define WORD(s) ((char *)(uintptr_t)(s))

/* Looks through the archive before anything of it is on the disk. */
static int look_through(const char *file, struct err *e)
{
	char *const argv[] = { WORD("tar"), WORD("-tvf"), WORD(file), WORD("--numeric-owner"),
		WORD("--quoting-style=escape"), WORD("--force-local"), NULL };
	struct contents c = { 0 };
	struct tar t;
	char line[8192];
	const char *why = NULL;
	int r = start_tar(&t, argv);
	if (r < 0)
		return err_set(e, r, "run tar to look into '%s'", file);
	while (!why && fgets(line, sizeof line, t.out))
		why = count_entry(&c, line);
	r = end_tar(&t, !why);
	if (why)
		return err_say(e, -EINVAL, "'%s' is not unpacked: %s", file, why);
	return r == 0 ? 0
		      : err_say(e, -EINVAL,
				"'%s' is neither a directory nor a recording nor an archive: %s",
				file, c.complaint);
}

static int unpack(const char *file, const char *dir, struct err *e)
{
	char *const argv[] = { WORD("tar"), WORD("-xf"), WORD(file), WORD("-C"), WORD(dir),
		WORD("--no-same-owner"), WORD("--no-same-permissions"),
		WORD("--quoting-style=escape"), WORD("--force-local"), NULL };
	struct contents c = { 0 };
	struct tar t;
	char line[8192];
	int r = start_tar(&t, argv);
	if (r < 0)
		return err_set(e, r, "run tar to unpack '%s'", file);
	while (fgets(line, sizeof line, t.out))
		keep_complaint(line, c.complaint, sizeof c.complaint);
	return end_tar(&t, true) == 0 ? 0
				      : err_say(e, -EINVAL, "unpack '%s': %s", file, c.complaint);
}

/* ---- where it goes, and when that goes ---- */

static void remove_tree(const char *dir)
{
	char *const roots[] = { WORD(dir), NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	for (FTSENT *entry; tree && (entry = fts_read(tree));) {
		if (entry->fts_info == FTS_D)
			(void)chmod(entry->fts_accpath, 0700); /* it may be read-only */
		else if (entry->fts_info == FTS_DP || entry->fts_info == FTS_DNR)
			(void)rmdir(entry->fts_accpath);
		else
			(void)unlink(entry->fts_accpath);
	}
	if (tree)
		fts_close(tree);
}

/* However we end, by a signal too, the other end of the pipe is closed then. */
__attribute__((noreturn)) static void be_guard(const char *dir, int from)
{
	char c;
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	while (read(from, &c, 1) < 0 && errno == EINTR)
		;
	remove_tree(dir);
	_exit(0);
}

static int start_guard(struct archive *a)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		close(fds[1]);
		/* Nobody is to wait for what the guard holds open. */
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		for (int fd = 0; fd < 3 && null >= 0; fd++)
			dup2(null, fd);
		be_guard(a->dir, fds[0]);
	}
	int r = pid < 0 ? -errno : 0;
	close(fds[0]);
	if (r < 0) {
		close(fds[1]);
		return r;
	}
	a->guard = pid;
	a->guard_fd = fds[1];
	return 0;
}

int archive_unpack(const char *file, struct archive **ret, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	int r = look_through(file, e);
	if (r < 0)
		return r;
	CLEANUP(archive_freep) struct archive *a = xcalloc(1, sizeof *a);
	a->guard_fd = -1;
	a->dir = xasprintf("%s/wideberth.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(a->dir)) {
		r = err_set(e, -errno, "create the directory '%s'", a->dir);
		free(TAKE(a->dir));
		return r;
	}
	r = start_guard(a);
	r = r < 0 ? err_set(e, r, "guard '%s'", a->dir) : unpack(file, a->dir, e);
	if (r == 0)
		*ret = TAKE(a);
	return r;
}

const char *archive_dir(const struct archive *a)
{
	return a->dir;
}

void archive_free(struct archive *a)
{
	if (a->guard_fd >= 0) {
		close(a->guard_fd);
		while (waitpid(a->guard, NULL, 0) < 0 && errno == EINTR)
			;
	} else if (a->dir) {
		remove_tree(a->dir);
	}
	free(a->dir);
	free(a);
}
