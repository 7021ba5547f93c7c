/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where answers come from: this machine, a tree, a recording, or an archive of one of these. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/archive.h"
#include "base/str.h"
#include "host/internal.h"
#include "host/mask.h"
#include "host/recording.h"
#include "kernel/task-status.h"

static int open_root(struct host *h, const char *dir, struct err *e)
{
	h->root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return h->root_fd < 0 ? err_set(e, -errno, "open root directory '%s'", dir) : 0;
}

/* dir_fd, name: where the recording is; file: what errors call it. -ENOENT without a text. */
static int open_recording(
	struct host *h, int dir_fd, const char *name, int flags, const char *file, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t n;
	AUTO_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags);
	int r = fd < 0 ? -errno : host_read_fd(h, fd, name, &text, &n);
	if (r < 0)
		return r == -ENOENT ? r : err_set(e, r, "read '%s'", file);
	r = recording_parse(&h->replay, file, text, e);
	if (r < 0)
		return r;
	h->ops = NULL;
	free(TAKE(h->root));
	return 0;
}

/* Files of the kernel, not of a disk. */
static bool is_kernels(struct host *h, const char *path)
{
	static const long magics[] = { PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP2_SUPER_MAGIC,
		CGROUP_SUPER_MAGIC };
	struct statfs fs;
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH | O_DIRECTORY);
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < N_ELEMENTS(magics); i++)
		if (fs.f_type == magics[i])
			return true;
	return false;
}

/* "NSpid:\t4711" names a process in each pid namespace from that of the /proc that says it down to
 * its own: one number, where they are the same, and threads are called there as here. */
static bool has_our_threads(struct host *h)
{
	AUTO_FREE char *text = NULL;
	struct task_status s;
	size_t n;
	if (host_read_path(h, "proc/self/status", &text, &n) < 0)
		return false;
	task_status_parse(text, &s);
	return s.n_pids == 1 && s.pid_here == getpid();
}

/* "/." and "//", a bind mount of "/", what a container sees of its host: told by what is mounted
 * there, for they can be spelt in any way. */
static int look_for_this_kernel(struct host *h, struct err *e)
{
	int r = host_open_path(h, "", O_PATH | O_DIRECTORY);
	if (r == -ENOSYS || r == -EPERM)
		return err_set(e, r,
			"read '%s': another root needs openat2(2), of Linux 5.6 or later", h->root);
	if (r >= 0)
		close(r);
	static const char *const paths[] = { "proc", "sys", "sys/fs/cgroup", "sys/fs/cgroup/cpuset",
		"proc/irq", "proc/sys", "sys/devices", "sys/kernel" };
	struct stat here, root;
	bool is_this = false;
	for (size_t i = 0; !is_this && i < N_ELEMENTS(paths); i++)
		is_this = is_kernels(h, paths[i]);
	if (!is_this)
		return 0;
	if (!is_kernels(h, "proc") || !has_our_threads(h))
		return err_say(e, -EXDEV,
			"'%s' is this kernel, but its /proc is not that of our processes; run "
			"wideberth "
			"on the host itself, or in its pid namespace",
			h->root);
	h->is_live = true;
	h->ops = &host_live_ops;
	if (fstat(h->root_fd, &here) == 0 && stat("/", &root) == 0 && here.st_dev == root.st_dev &&
		here.st_ino == root.st_ino) {
		h->is_confined = false;
		free(h->root);
		h->root = xstrdup("/");
	}
	return 0;
}

/* A directory with a file "recording" is replayed, any other is a tree. */
static int open_directory(struct host *h, struct err *e)
{
	int r = open_root(h, h->root, e);
	if (r < 0 || h->is_live)
		return r;
	AUTO_FREE char *file = xasprintf("%s/recording", h->root);
	r = open_recording(h, h->root_fd, "recording", O_NOFOLLOW, file, e);
	return r == -ENOENT ? look_for_this_kernel(h, e) : r;
}

/* Where the tree is: the directory itself, or the only one in it. Malloc'ed. */
static char *find_tree(const char *dir)
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

/* A recording's text alone, as it is mailed; else an archive with a recording or a tree in it. */
static int open_file(struct host *h, const char *file, struct err *e)
{
	int r = recording_is_file(file, e);
	if (r < 0)
		return r;
	if (r) {
		r = open_recording(h, AT_FDCWD, file, 0, file, e);
		return r == -ENOENT ? err_set(e, r, "read '%s'", file) : r;
	}
	r = archive_unpack(file, &h->unpacked, e);
	if (r < 0)
		return r;
	free(h->root);
	h->root = find_tree(archive_dir(h->unpacked));
	r = open_directory(h, e);
	if (h->replay) /* it is in memory */
		archive_free(TAKE(h->unpacked));
	return r;
}

static bool is_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int host_open(struct host **ret, const char *root, struct err *e)
{
	CLEANUP(host_freep) struct host *h = xcalloc(1, sizeof *h);
	h->opened_ns = host_now_ns();
	h->root = xstrdup(root ? root : "/");
	h->is_live = streq(h->root, "/");
	h->is_confined = !h->is_live;
	h->root_fd = -1;
	h->ops = h->is_live ? &host_live_ops : &host_tree_ops;
	int r = is_file(h->root) ? open_file(h, root, e) : open_directory(h, e);
	if (r == 0)
		*ret = TAKE(h);
	return r;
}

void host_free(struct host *h)
{
	host_live_close(h);
	if (h->root_fd >= 0)
		close(h->root_fd);
	recording_free(h->replay);
	recording_free(h->record);
	mask_free(h->mask);
	free(h->record_dir);
	if (h->unpacked)
		archive_free(h->unpacked);
	free(h->root);
	free(h->last_slice);
	free(h);
}
