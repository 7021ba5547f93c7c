/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that somebody else names. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "host/internal.h"
#include "host/recording.h"

/* File systems where a regular file is what it looks like: reading it takes nothing away, changes
 * nothing and ends. What /proc, /sys, FUSE or a server do is their business. */
static bool is_plain_fs(int fd)
{
	static const unsigned long magics[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,
		BTRFS_SUPER_MAGIC, TMPFS_MAGIC, RAMFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
		F2FS_SUPER_MAGIC, SQUASHFS_MAGIC, EROFS_SUPER_MAGIC_V1, 0x2fc12fc1 /* ZFS */,
		0xca451a4e /* bcachefs */ };
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < N_ELEMENTS(magics); i++)
		if ((unsigned long)fs.f_type == magics[i])
			return true;
	return false;
}

/* Whether the user may read it, or the system made it. uid -1: nobody knows. */
static bool is_for_user(const struct stat *st, int uid)
{
	return uid <= 0 || st->st_uid == 0 || st->st_uid == (uid_t)uid || st->st_mode & S_IROTH;
}

static int read_checked(struct host *h, const char *path, const struct host_foreign *limits,
	char **ret_text, size_t *ret_n)
{
	struct stat st;
	char self[64];
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (h->is_live && !is_plain_fs(fd)))
		return -EMEDIUMTYPE;
	if (!is_for_user(&st, limits->uid))
		return -EACCES;
	if ((size_t)st.st_size > limits->max)
		return -EFBIG;
	/* What was looked at is what is read: not opened by its name again. */
	snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	AUTO_CLOSE int in = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char *text = in < 0 ? NULL : xmalloc(limits->max + 1);
	ssize_t n = 0, k = 1;
	while (text && k > 0 && (size_t)n < limits->max) {
		k = read(in, text + n, limits->max - (size_t)n);
		n += k > 0 ? k : 0;
	}
	if (!text || k < 0) {
		int r = -errno;
		free(text);
		return r;
	}
	text[n] = 0;
	*ret_text = text;
	*ret_n = (size_t)n;
	return 0;
}

int host_read_foreign(struct host *h, const char *kind, const char *key, const char *path,
	const struct host_foreign *limits, char **ret_text)
{
	size_t n = 0;
	if (h->replay)
		return host_replay(h, kind, key, ret_text, NULL);
	int r = read_checked(h, path, limits, ret_text, &n);
	if (h->record)
		host_record_answer(h, kind, key, r, r ? NULL : *ret_text, n);
	return r;
}
