/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is below the root, past replay and record: opening, reading, listing. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "host/internal.h"

/* Links, and "..", are for the root to resolve: a path cannot lead out of a tree. */
static int open_below_root(struct host *h, const char *path, int flags)
{
	const char *at = *path ? path : ".";
	int fd;
	do {
		if (!h->is_confined) {
			fd = openat(h->root_fd, at, flags | O_CLOEXEC, 0644);
		} else {
			struct open_how how = {
				.flags = (unsigned)flags | O_CLOEXEC,
				.mode = flags & O_CREAT ? 0644 : 0,
				.resolve = RESOLVE_IN_ROOT,
			};
			fd = (int)syscall(SYS_openat2, h->root_fd, at, &how, sizeof how);
		}
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : fd;
}

/* ---- a tree lists processes only; a kernel knows /proc/TID for every thread ---- */

static bool is_task(struct host *h, int pid, int tid)
{
	AUTO_FREE char *path = xasprintf("proc/%d/task/%d", pid, tid);
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH);
	return fd >= 0;
}

/* It mostly has a number shortly before the thread's: to ask for a few of them costs less than to
 * list all processes. */
int host_tree_process(struct host *h, int tid)
{
	enum { NEAR = 16 };
	AUTO_NAMES struct host_names names = { 0 };
	if (h->last_pid && is_task(h, h->last_pid, tid))
		return h->last_pid;
	if (is_task(h, tid, tid))
		return h->last_pid = tid;
	for (int pid = tid - 1; pid > 0 && pid > tid - NEAR; pid--)
		if (is_task(h, pid, tid))
			return h->last_pid = pid;
	if (host_list_path(h, "proc", 0, &names) < 0)
		return -ESRCH;
	for (size_t i = names.n; i-- > 0;) {
		int pid;
		if (str_to_int(names.v[i], &pid) == 0 && is_task(h, pid, tid))
			return h->last_pid = pid;
	}
	return -ESRCH;
}

/* The path that a kernel would mean by "proc/TID/…" where TID is no process: malloc'ed or NULL. */
static char *thread_path(struct host *h, const char *path)
{
	int tid, n = 0;
	if (sscanf(path, "proc/%d%n", &tid, &n) != 1 || path[n] != '/' ||
		str_after(path + n, "/task"))
		return NULL;
	AUTO_FREE char *process = xstrndup(path, (size_t)n);
	AUTO_CLOSE int fd = host_open_path(h, process, O_PATH);
	int pid = fd >= 0 ? -ESRCH : host_tree_process(h, tid);
	return pid < 0 ? NULL : xasprintf("proc/%d/task/%d%s", pid, tid, path + n);
}

int host_open_path(struct host *h, const char *path, int flags)
{
	int fd = open_below_root(h, path, flags);
	if (fd != -ENOENT || h->is_live || flags & O_CREAT || !str_after(path, "proc/"))
		return fd;
	AUTO_FREE char *other = thread_path(h, path);
	return other ? open_below_root(h, other, flags) : fd;
}

int host_stat_path(struct host *h, const char *path, struct stat *ret)
{
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH);
	if (fd < 0)
		return fd;
	return fstat(fd, ret) < 0 ? -errno : 0;
}

/*
 * Files that the kernel writes as one record: what does not fill the buffer is all, and need not be
 * read again to see the end. In /sys these are all attributes (Documentation/filesystems/sysfs.rst:
 * at most a page, and what is a mask of CPUs comes by pages); in a cgroup all but the lists of
 * threads.
 */
static bool is_one_record(const char *path, size_t n)
{
	enum { PAGE = 4096 };
	static const char *const names[] = { "/stat", "/status", "/cgroup" };
	const char *rest = str_after(path, "proc/");
	if (str_after(path, "sys/fs/cgroup/"))
		return str_has_suffix(path, ".threads") || str_has_suffix(path, ".procs")
			? false
			: n < PAGE;
	if (!rest)
		return n < PAGE && (str_after(path, "sys/devices/") || str_after(path, "sys/bus/"));
	if (str_after(rest, "irq/"))
		return true;
	for (size_t i = 0; isdigit((unsigned char)*rest) && i < N_ELEMENTS(names); i++)
		if (str_has_suffix(rest, names[i]))
			return true;
	return false;
}

/* Of a tree or a recording, what a stranger packed: an error, or r. */
static int check_file(int fd, int r)
{
	enum { LARGEST = 256 << 20 };
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return !S_ISREG(st.st_mode) ? -EINVAL : st.st_size > LARGEST ? -EFBIG : r;
}

int host_read_fd(const struct host *h, int fd, const char *path, char **ret_text, size_t *ret_n)
{
	/* Whole in one read where possible: lists in /sys and /proc are consistent only so. On the
	 * stack: tens of thousands of large buffers cost more than the reading. */
	__attribute__((uninitialized)) char part[16384];
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_add(&b, "", 0);
	for (;;) {
		ssize_t n = read(fd, part, sizeof part);
		int r = n < 0 ? -errno : 0;
		if (r == -EINTR)
			continue;
		/* What is read, and short, is no device without an end, nor empty. */
		bool is_short = n > 0 && (size_t)n < sizeof part;
		if (!h->is_live && !is_short && !b.n)
			r = check_file(fd, r);
		if (r < 0)
			return r;
		strbuf_add(&b, part, (size_t)n);
		/* Files of a tree are ordinary ones, which are read short only at their end. */
		if (n == 0 || (is_short && (!h->is_live || is_one_record(path, (size_t)n))))
			break;
	}
	*ret_n = b.n;
	*ret_text = TAKE(b.s);
	return 0;
}

int host_read_path(struct host *h, const char *path, char **ret_text, size_t *ret_n)
{
	/* A FIFO in a tree lets nobody wait; files of the kernel are read as ever. */
	int flags = O_RDONLY | O_NOCTTY | (h->is_live ? 0 : O_NONBLOCK);
	AUTO_CLOSE int fd = host_open_path(h, path, flags);
	return fd < 0 ? fd : host_read_fd(h, fd, path, ret_text, ret_n);
}

int host_write_path(struct host *h, const char *path, const char *text, int flags)
{
	AUTO_CLOSE int fd = host_open_path(h, path, O_WRONLY | O_NOCTTY | flags);
	if (fd < 0)
		return fd;
	size_t len = strlen(text);
	ssize_t n;
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/* How many digits a number has; a word: more than any. */
static size_t n_digits(const char *name)
{
	size_t n = strspn(name, "0123456789");
	return name[n] ? SIZE_MAX : n;
}

/* Numbers by value, then words by letters: 2 before 10 before "self". */
static int by_number(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t n = n_digits(x), k = n_digits(y);
	return n == k ? strcmp(x, y) : n < k ? -1 : 1;
}

int host_list_path(struct host *h, const char *path, int flags, struct host_names *ret)
{
	int fd = host_open_path(h, path, O_RDONLY | O_DIRECTORY | flags);
	if (fd < 0)
		return fd;
	AUTO_DIR DIR *d = fdopendir(fd);
	if (!d) {
		int r = -errno;
		close(fd);
		return r;
	}
	ARRAY(char *) names = { 0 };
	for (struct dirent *entry; (entry = readdir(d));)
		if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
			*array_push(&names) = xstrdup(entry->d_name);
	if (names.n)
		qsort(names.v, names.n, sizeof *names.v, by_number);
	*ret = (struct host_names){ names.v, names.n };
	return 0;
}

void host_names_done(struct host_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct host_names){ 0 };
}
