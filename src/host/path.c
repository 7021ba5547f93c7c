/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening what is below the root. */
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

/* A kernel knows /proc/TID for every thread, though it lists processes only. */
int host_open_path(struct host *h, const char *path, int flags)
{
	int fd = open_below_root(h, path, flags);
	if (fd != -ENOENT || h->is_live || flags & O_CREAT || !str_after(path, "proc/"))
		return fd;
	AUTO_FREE char *other = host_tree_thread_path(h, path);
	return other ? open_below_root(h, other, flags) : fd;
}

int host_stat_path(struct host *h, const char *path, struct stat *ret)
{
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH);
	if (fd < 0)
		return fd;
	return fstat(fd, ret) < 0 ? -errno : 0;
}
