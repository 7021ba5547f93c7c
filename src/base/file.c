/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

char *path_below(const char *root, const char *path)
{
	return xasprintf("%s/%s", streq(root, "/") ? "" : root, path);
}

/* A new file beside the path; *ret_name is what it is called, malloc'ed. */
static int create_beside(const char *path, char **ret_name)
{
	for (;;) {
		uint64_t random;
		if (getrandom(&random, sizeof random, 0) != sizeof random)
			return -errno;
		char *name = xasprintf("%s.%016llx", path, (unsigned long long)random);
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0) {
			*ret_name = name;
			return fd;
		}
		free(name);
		if (errno != EEXIST)
			return -errno;
	}
}

int new_file_open(struct new_file *ret, const char *path, struct err *e)
{
	struct stat st;
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_say(e, -EEXIST,
			"write '%s': something that is no regular file is in the way", path);
	AUTO_FREE char *name = NULL;
	int fd = create_beside(path, &name);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return err_set(e, fd < 0 ? fd : -errno, "create '%s'", path);
	*ret = (struct new_file){ f, xstrdup(path), TAKE(name) };
	return 0;
}

int new_file_keep(struct new_file *f, struct err *e)
{
	bool has_failed = ferror(f->f);
	int r = fclose(TAKE(f->f)) == EOF || has_failed ? (errno ? -errno : -EIO) : 0;
	if (r == 0 && rename(f->temporary, f->path) < 0)
		r = -errno;
	if (r < 0)
		return err_set(e, r, "write '%s'", f->path);
	free(TAKE(f->temporary));
	return 0;
}

void new_file_done(struct new_file *f)
{
	if (f->f)
		fclose(f->f);
	if (f->temporary)
		(void)unlink(f->temporary);
	free(f->temporary);
	free(f->path);
}

int file_check_owner(int fd, const char *name, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "look at '%s'", name);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_say(e, -EPERM,
			"'%s' belongs to user %u, who is not to be believed here: "
			"it must be root's",
			name, st.st_uid);
	if (st.st_mode & 022)
		return err_say(e, -EPERM,
			"'%s' (mode %04o) can be written by others: "
			"chmod go-w it, if what is in it is yours",
			name, st.st_mode & 07777);
	return 0;
}
