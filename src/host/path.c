/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening what is below the root, and the directories that are held open meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"
#include "host/internal.h"
#include "host/tree.h"

/* resolve: RESOLVE_…, which a live machine does without */
static int open_at(struct host *h, int dir_fd, const char *path, int flags, uint64_t resolve)
{
	int fd;
	do {
		if (h->is_live) {
			fd = openat(dir_fd, path, flags | O_CLOEXEC, 0644);
		} else {
			struct open_how how = {
				.flags = (unsigned)flags | O_CLOEXEC,
				.mode = flags & O_CREAT ? 0644 : 0,
				.resolve = resolve,
			};
			fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
		}
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : fd;
}

/* What of the path is below the held directory: "" for itself, NULL when it is elsewhere. */
static const char *below(const struct held_dir *d, const char *path)
{
	if (strncmp(path, d->path, d->n) != 0)
		return NULL;
	path += d->n;
	return *path == '/' ? path + strspn(path, "/") : *path ? NULL : path;
}

/* The longest held directory that the path leads through, or NULL. */
static struct held_dir *find_held(struct host *h, const char *path, const char **ret_rest)
{
	struct held_dir *best = NULL;
	for (struct held_dir *d = h->held; d < h->held + h->n_held; d++) {
		const char *rest = (!best || d->n > best->n) ? below(d, path) : NULL;
		if (!rest)
			continue;
		best = d;
		*ret_rest = rest;
	}
	if (best)
		best->last_use = ++h->n_uses;
	return best;
}

/* Links, and "..", are for the root to resolve: without them a path cannot lead out, and the kernel
 * has less to look after. */
static int open_below_root(struct host *h, const char *path, int flags)
{
	const char *rest;
	const struct held_dir *d = find_held(h, path, &rest);
	int fd = d && !strstr(rest, "..")
		? open_at(h, d->fd, *rest ? rest : ".", flags, RESOLVE_NO_SYMLINKS)
		: -ELOOP;
	return fd != -ELOOP ? fd
			    : open_at(h, h->root_fd, *path ? path : ".", flags, RESOLVE_IN_ROOT);
}

/* A kernel knows /proc/TID for every thread, though it lists processes only. */
int host_open_path(struct host *h, const char *path, int flags)
{
	int fd = open_below_root(h, path, flags);
	if (fd != -ENOENT || h->is_live || flags & O_CREAT || !str_after(path, "proc/"))
		return fd;
	AUTO_FREE char *other = tree_thread_path(h, path);
	return other ? open_below_root(h, other, flags) : fd;
}

static void let_go(struct held_dir *d)
{
	close(d->fd);
	free(d->path);
}

/* A free place, or that of the directory that was not used for the longest time. */
static struct held_dir *place_for(struct host *h)
{
	if (h->n_held < HELD_DIRS_MAX)
		return &h->held[h->n_held++];
	struct held_dir *oldest = h->held;
	for (struct held_dir *d = h->held; d < h->held + h->n_held; d++)
		if (d->last_use < oldest->last_use)
			oldest = d;
	let_go(oldest);
	return oldest;
}

void host_hold_path(struct host *h, const char *path, int fd)
{
	const char *rest;
	const struct held_dir *same = h->is_holding ? find_held(h, path, &rest) : NULL;
	if (!h->is_holding || (same && !*rest))
		return;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	size_t n = strlen(path);
	while (n && path[n - 1] == '/')
		n--;
	if (own >= 0 && n)
		*place_for(h) = (struct held_dir){ xstrndup(path, n), n, own, ++h->n_uses };
	else if (own >= 0)
		close(own);
}

int host_stat_path(struct host *h, const char *path, struct stat *ret)
{
	const char *rest = NULL;
	const struct held_dir *d = find_held(h, path, &rest);
	if (d && !*rest)
		return fstat(d->fd, ret) < 0 ? -errno : 0;
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH);
	if (fd < 0)
		return fd;
	return fstat(fd, ret) < 0 ? -errno : 0;
}

void host_hold_dirs(struct host *h)
{
	h->is_holding = true;
}

void host_release_dirs(struct host *h)
{
	for (size_t i = 0; i < h->n_held; i++)
		let_go(&h->held[i]);
	h->n_held = 0;
	h->is_holding = false;
}
