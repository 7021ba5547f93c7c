/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

/* A large host's topology is read within a second, and its text is below a megabyte. */
enum { PATIENCE_MS = 1000, TIME_LIMIT_S = 30, TEXT_LIMIT = 16 << 20, NOBODY = 65534 };
static const rlim_t MEMORY_LIMIT = 2UL << 30;

/* ---- in the child ---- */

static void limit(void)
{
	const struct rlimit none = { 0, 0 };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* whose shadow is larger */
	const struct rlimit memory = { MEMORY_LIMIT, MEMORY_LIMIT };
	(void)setrlimit(RLIMIT_DATA, &memory);
#endif
	alarm(TIME_LIMIT_S);
}

static bool write_all(int fd, const char *text)
{
	for (size_t n = strlen(text); n;) {
		ssize_t done = write(fd, text, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		text += done;
		n -= (size_t)done;
	}
	return true;
}

__attribute__((noreturn)) static void be_child(confined_fn *fn, const void *context, int fd)
{
	struct err e = { 0 };
	char *text = NULL;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* What a library says when it gives up is not for users. */
	if (null < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(2);
	limit();
	int r = fn(context, &text, &e);
	_exit(!write_all(fd, r < 0 ? e.text : text) ? 2 : r < 0);
}

static int restrict_paths(int dir_fd)
{
	const struct landlock_ruleset_attr all = {
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
	};
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = dir_fd,
	};
	AUTO_CLOSE int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
	if (rules < 0)
		return -errno;
	if (dir_fd >= 0 &&
		syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return -errno;
	return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
}

/* Root may change its root; others may where they may be root of a namespace of their own. Else
 * what is outside is shut: then an absolute link leads nowhere. */
int confine_to_tree(const char *dir, const char **ret_root, struct err *e)
{
	AUTO_CLOSE int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fchdir(fd) < 0)
		return err_set(e, -errno, "open the directory");
	if (chroot(".") == 0 || (unshare(CLONE_NEWUSER) == 0 && chroot(".") == 0)) {
		*ret_root = "/.";
		return 0;
	}
	int r = restrict_paths(fd);
	if (r < 0)
		return err_say(e, -EPERM,
			"it cannot be read safely: neither chroot(2) nor Landlock is allowed here");
	*ret_root = dir;
	return 0;
}

int confine_to_nothing(struct err *e)
{
	if (geteuid() == 0 &&
		(setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return err_set(e, -errno, "give up root's rights");
	(void)restrict_paths(-1); /* where the kernel has that */
	return 0;
}

/* ---- in the parent ---- */

static int read_all(int fd, struct strbuf *text)
{
	char part[16384];
	strbuf_puts(text, "");
	for (;;) {
		ssize_t n = read(fd, part, sizeof part);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		if (text->n + (size_t)n > TEXT_LIMIT)
			return -EFBIG;
		strbuf_add(text, part, (size_t)n);
	}
}

/* It writes when it is done. */
static bool is_late(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, PATIENCE_MS) == 0;
}

/* What is wrong with how it ended; 0: nothing. */
static int judge_end(int status, const char *text, struct err *e)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return err_say(e, -EBADMSG, "not read within %d s", TIME_LIMIT_S);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		return err_say(e, -EBADMSG, "damaged: the process that read it ended with SIG%s",
			WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "");
	return WEXITSTATUS(status) ? err_say(e, -EBADMSG, "%s", text) : 0;
}

int confined_start(confined_fn *fn, const void *context, struct confined *ret, struct err *e)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe");
	pid_t pid = fork();
	if (pid == 0)
		be_child(fn, context, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return err_set(e, -errno, "fork");
	}
	*ret = (struct confined){ .pid = pid, .fd = fds[0] };
	return 0;
}

static int wait_for(struct confined *c)
{
	int status = 0;
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(c->fd);
	*c = (struct confined){ 0 };
	return status;
}

void confined_stop(struct confined *c)
{
	if (!c->pid)
		return;
	kill(c->pid, SIGKILL);
	(void)wait_for(c);
}

int confined_finish(struct confined *c, confined_look_fn *look, const void *context,
	char **ret_text, struct err *e)
{
	AUTO_STRBUF struct strbuf text = { 0 };
	int looked = look && is_late(c->fd) ? look(context, e) : 0;
	int r = looked < 0 ? looked : read_all(c->fd, &text);
	if (r < 0)
		kill(c->pid, SIGKILL);
	int status = wait_for(c);
	if (looked < 0)
		return looked;
	if (r < 0)
		return err_set(e, -EBADMSG, "what was found does not fit");
	r = judge_end(status, text.s, e);
	if (r == 0)
		*ret_text = TAKE(text.s);
	return r;
}
