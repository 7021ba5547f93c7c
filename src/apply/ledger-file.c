/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state directory: reading, locking, and files that are whole or not there. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/ledger.h"
#include "base/file.h"
#include "base/str.h"
#include "host/host.h"

static const char default_dir[] = "run/wideberth";

char *ledger_dir(const struct host *h)
{
	const char *dir = getenv("WIDEBERTH_STATE_DIR"), *root = host_root(h);
	if (dir)
		return xstrdup(dir);
	return root ? xasprintf("%s/%s", streq(root, "/") ? "" : root, default_dir) : NULL;
}

/* Below the root the file is read as part of the host, so that recordings have it. */
static int read_file(struct host *h, const char *name, char **ret_text)
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

/* What is in a directory of somebody else's would be carried out by us. */
static int check_dir(struct host *h, struct err *e)
{
	const char *dir = getenv("WIDEBERTH_STATE_DIR");
	if (!dir)
		return host_check_owner(h, default_dir, e);
	AUTO_CLOSE int fd = open(dir, O_PATH | O_CLOEXEC);
	return fd < 0 ? 0 : file_check_owner(fd, dir, e);
}

/* As people find it. */
static char *shown_path(struct host *h, const char *name)
{
	AUTO_FREE char *dir = ledger_dir(h);
	return dir ? xasprintf("%s/%s", dir, name) : xasprintf("/%s/%s", default_dir, name);
}

/* 1 when there is no such file. */
static int read_ledger(struct host *h, const char *name, struct ledger **ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = check_dir(h, e);
	if (r < 0)
		return err_ctx(e, "the state directory");
	r = read_file(h, name, &text);
	if (r == -ENOENT)
		return 1;
	if (r == -EACCES || r == -EPERM) {
		AUTO_FREE char *path = shown_path(h, name);
		return err_say(e, -EACCES, "only root may read what is applied: %s", path);
	}
	if (r < 0)
		return err_set(e, r, "read the %s", name);
	r = ledger_parse(text, ret);
	if (r < 0) {
		AUTO_FREE char *path = shown_path(h, name);
		return err_say(e, r,
			"%s is damaged in its first line, or of another version: what it says "
			"cannot be put back; 'mv %s %s.damaged' goes on without it",
			path, path, path);
	}
	AUTO_FREE char *path = shown_path(h, name);
	(*ret)->path = arena_strdup(&(*ret)->arena, path);
	return 0;
}

static int read_boot_id(struct host *h, char **ret)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(h, &text, NULL, "proc/sys/kernel/random/boot_id");
	if (r == 0)
		*ret = xstrdup(str_trim(text));
	return r;
}

/* What was set before a reboot is gone with it: *ret is NULL. */
static int read_current(struct host *h, const char *name, struct ledger **ret, struct err *e)
{
	AUTO_LEDGER struct ledger *l = NULL;
	AUTO_FREE char *now = NULL;
	int r = read_ledger(h, name, &l, e);
	if (r < 0)
		return r;
	bool has_boot = r == 0 && l->boot_id && *l->boot_id;
	r = has_boot ? read_boot_id(h, &now) : 0;
	if (r < 0) {
		AUTO_FREE char *path = shown_path(h, name);
		return err_set(e, r,
			"cannot tell whether %s is of this boot: read "
			"/proc/sys/kernel/random/boot_id",
			path);
	}
	*ret = !has_boot || streq(l->boot_id, now) ? TAKE(l) : NULL;
	return 0;
}

/* A commit leaves the entries that it released until the next write. */
static void drop_released(struct ledger *l)
{
	size_t n = 0;
	array_for_each (entry, &l->entries) {
		if (!entry->is_released)
			l->entries.v[n++] = *entry;
	}
	l->entries.n = n;
}

int ledger_read(struct host *h, struct ledger **ret, struct err *e)
{
	int r = read_current(h, "ledger", ret, e);
	if (r == 0 && !*ret)
		*ret = ledger_new();
	if (r == 0)
		drop_released(*ret);
	if (r == 0 && !(*ret)->boot_id) {
		AUTO_FREE char *id = NULL;
		bool is_known = read_boot_id(h, &id) == 0;
		(*ret)->boot_id = arena_strdup(&(*ret)->arena, is_known ? id : "");
	}
	return r;
}

int ledger_look(struct host *h, struct ledger **ret, struct err *e)
{
	int r = ledger_read(h, ret, e);
	if (r != -EACCES)
		return r;
	*e = (struct err){ 0 };
	*ret = ledger_new();
	(*ret)->is_hidden = true;
	return 0;
}

int ledger_read_journal(struct host *h, struct ledger **ret, struct err *e)
{
	return read_current(h, "journal", ret, e);
}

/* A tree's own stays in the tree, whatever its links say. */
static int open_dir(struct host *h, int *ret, struct err *e)
{
	AUTO_FREE char *dir = ledger_dir(h);
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

int ledger_lock(struct host *h, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int r = open_dir(h, &dir, e);
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

int ledger_write_journal(struct host *h, const struct ledger *l, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	AUTO_FREE char *text = ledger_format(l);
	int r = open_dir(h, &dir, e);
	return r < 0 ? r : write_file(dir, "journal", text, e);
}

int ledger_commit(struct host *h, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int r = open_dir(h, &dir, e);
	if (r < 0)
		return r;
	if (renameat(dir, "journal", dir, "ledger") < 0 || fsync(dir) < 0)
		return err_set(e, -errno, "commit");
	return 0;
}

static int remove_file(int dir, const char *name, struct err *e)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return err_set(e, -errno, "remove the %s", name);
	return 0;
}

int ledger_drop_journal(struct host *h, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int r = open_dir(h, &dir, e);
	return r < 0 ? r : remove_file(dir, "journal", e);
}

int ledger_replace(struct host *h, const struct ledger *l, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int r = open_dir(h, &dir, e);
	if (r < 0)
		return r;
	if (ledger_is_empty(l))
		return remove_file(dir, "ledger", e);
	AUTO_FREE char *text = ledger_format(l);
	return write_file(dir, "ledger", text, e);
}
