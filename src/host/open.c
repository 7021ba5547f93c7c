/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where answers come from: this machine, a tree, a recording, or an archive of one of these. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "host/archive.h"
#include "host/internal.h"
#include "host/mask.h"
#include "host/recording.h"

static int open_root(struct host *h, const char *dir, struct err *e)
{
	h->root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return h->root_fd < 0 ? err_set(e, -errno, "open root directory '%s'", dir) : 0;
}

/* name: the recording, below the root; file: what errors call it. */
static int open_recording(struct host *h, const char *name, const char *file, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t n;
	int r = host_read_path(h, name, &text, &n);
	if (r < 0)
		return r == -ENOENT ? r : err_set(e, r, "read '%s'", file);
	r = recording_parse(&h->replay, file, text, e);
	if (r < 0)
		return r;
	h->ops = NULL;
	free(TAKE(h->root));
	return 0;
}

/* A directory with a file "recording" is replayed, any other is a tree. */
static int open_directory(struct host *h, struct err *e)
{
	int r = open_root(h, h->root, e);
	if (r < 0 || h->is_live)
		return r;
	AUTO_FREE char *file = xasprintf("%s/recording", h->root);
	r = open_recording(h, "recording", file, e);
	return r == -ENOENT ? 0 : r;
}

/* A recording's text alone, as it is mailed; else an archive with a recording or a tree in it. */
static int open_file(struct host *h, const char *file, struct err *e)
{
	int is_text = recording_is_file(file, e);
	if (is_text < 0)
		return is_text;
	if (!is_text) {
		int r = archive_unpack(file, &h->unpacked, e);
		if (r < 0)
			return r;
		free(h->root);
		h->root = archive_top(h->unpacked);
		return open_directory(h, e);
	}
	AUTO_FREE char *path = xstrdup(file), *parent = xstrdup(file);
	int r = open_root(h, dirname(parent), e);
	return r < 0 ? r : open_recording(h, basename(path), file, e);
}

static bool is_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int host_open(struct host **ret, const char *root, struct err *e)
{
	CLEANUP(host_freep) struct host *h = xcalloc(1, sizeof *h);
	h->is_live = !root || streq(root, "/");
	h->root = xstrdup(root ? root : "/");
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
		archive_remove(h->unpacked);
	free(h->unpacked);
	free(h->root);
	free(h);
}
