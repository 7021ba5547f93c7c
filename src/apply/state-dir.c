/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/state-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "host/host.h"

static const char default_dir[] = "run/wideberth";

char *state_dir(const struct host *h)
{
	const char *dir = getenv("WIDEBERTH_STATE_DIR"), *root = host_root(h);
	if (dir)
		return xstrdup(dir);
	return root ? path_below(root, default_dir) : NULL;
}

int state_read(struct host *h, const char *name, char **ret_text)
{
	const char *dir = getenv("WIDEBERTH_STATE_DIR");
	if (!dir)
		return host_read(h, ret_text, NULL, "%s/%s", default_dir, name);
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	AUTO_STRBUF struct strbuf b = { 0 };
	int r = strbuf_add_file(&b, path);
	if (r == 0)
		*ret_text = TAKE(b.s);
	return r;
}

int state_check(struct host *h, struct err *e)
{
	const char *dir = getenv("WIDEBERTH_STATE_DIR");
	if (!dir)
		return host_check_owner(h, default_dir, e);
	AUTO_CLOSE int fd = open(dir, O_PATH | O_CLOEXEC);
	return fd < 0 ? 0 : file_check_owner(fd, dir, e);
}

char *state_shown_path(struct host *h, const char *name)
{
	AUTO_FREE char *dir = state_dir(h);
	return dir ? xasprintf("%s/%s", dir, name) : xasprintf("/%s/%s", default_dir, name);
}

int state_open(struct host *h, int *ret, struct err *e)
{
	AUTO_FREE char *dir = state_dir(h);
	if (!dir || !host_may_change(h))
		return err_say(e, -EROFS, "a recording or an archive cannot be changed");
	int fd;
	if (getenv("WIDEBERTH_STATE_DIR")) {
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return err_set(e, -errno, "create the state directory '%s'", dir);
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	} else {
		fd = host_make_dir(h, default_dir);
	}
	if (fd < 0)
		return err_set(e, fd, "open the state directory '%s'", dir);
	if (file_check_owner(fd, dir, e) < 0) {
		close(fd);
		return err_ctx(e, "the state directory");
	}
	*ret = fd;
	return 0;
}

int state_lock(struct host *h, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int r = state_open(h, &dir, e);
	if (r < 0)
		return r;
	AUTO_CLOSE int fd = openat(dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, -errno, "create the lock in the state directory");
	bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
	if (!is_free)
		host_tell_wait(h, "another wideberth that changes this host");
	do
		r = is_free ? 0 : flock(fd, LOCK_EX);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_set(e, -errno, "lock the state directory");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int write_all(int fd, const char *text)
{
	for (size_t n = strlen(text); n;) {
		ssize_t k = write(fd, text, n);
		if (k < 0 && errno != EINTR)
			return -errno;
		text += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Whole or not at all: a temporary file, synced, renamed, and the directory synced. */
static int write_file(int dir, const char *name, const char *text, struct err *e)
{
	AUTO_FREE char *tmp = xasprintf("%s.new", name);
	AUTO_CLOSE int fd =
		openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, -errno, "create '%s' in the state directory", tmp);
	int r = write_all(fd, text);
	if (r < 0) {
		unlinkat(dir, tmp, 0); /* where there is no room it must not take the rest of it */
		return err_set(e, r, "write '%s' in the state directory", tmp);
	}
	if (renameat(dir, tmp, dir, name) < 0 || fsync(dir) < 0)
		return err_set(e, -errno, "write '%s' in the state directory", name);
	return 0;
}

int state_write(struct host *h, const char *name, const char *text, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int r = state_open(h, &dir, e);
	return r < 0 ? r : write_file(dir, name, text, e);
}

static int remove_file(int dir, const char *name, struct err *e)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return err_set(e, -errno, "remove the %s", name);
	return 0;
}

int state_remove(struct host *h, const char *name, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int r = state_open(h, &dir, e);
	return r < 0 ? r : remove_file(dir, name, e);
}

int state_rename(struct host *h, const char *from, const char *to, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int r = state_open(h, &dir, e);
	if (r < 0)
		return r;
	if (renameat(dir, from, dir, to) < 0 || fsync(dir) < 0)
		return err_set(e, -errno, "rename '%s' in the state directory", from);
	return 0;
}

/* ---- room for an undo ---- */

static const char reserve[] = "reserve";
enum { RESERVE_MORE = 8192 }; /* entries that an undo has more, and what blocks round up to */

/* Blocks of the disk, not a hole. */
static bool fill_reserve(int dir, off_t n)
{
	AUTO_CLOSE int fd =
		openat(dir, reserve, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd >= 0 && posix_fallocate(fd, 0, n) == 0;
}

void state_reserve(struct host *h, const char *name)
{
	AUTO_CLOSE int dir = -1;
	struct stat st;
	struct err e = { 0 };
	if (state_open(h, &dir, &e) < 0)
		return;
	bool is_wanted = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!is_wanted || !fill_reserve(dir, 2 * st.st_size + RESERVE_MORE))
		unlinkat(dir, reserve, 0);
}

bool state_use_reserve(struct host *h)
{
	AUTO_CLOSE int dir = -1;
	struct err e = { 0 };
	return state_open(h, &dir, &e) == 0 && unlinkat(dir, reserve, 0) == 0;
}

bool state_is_full(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}
