/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/hook-file.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "host/host-write.h"

/* Takes the last part off a path that has more than one. */
static void cut(char *path)
{
	*strrchr(path, '/') = 0;
}

int hook_file_put(struct host *h, const char *path, const char *text, struct err *e)
{
	AUTO_FREE char *above = xstrdup(path);
	cut(above);
	cut(above);
	int r = host_mkdir(h, "%s", above);
	if (r < 0 && r != -EEXIST)
		return err_set(e, r, "make /%s", above);
	r = host_put_script(h, text, "%s", path);
	return r < 0 ? err_set(e, r, "write /%s", path) : 0;
}

int hook_file_remove(struct host *h, const char *path, struct err *e)
{
	int r = host_remove_file(h, "%s", path);
	return r < 0 && r != -ENOENT ? err_set(e, r, "remove /%s", path) : 0;
}
