/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/hook-file.h"

#include <errno.h>

#include "host/host-write.h"

int hook_file_put(struct host *h, const char *path, const char *text, struct err *e)
{
	int r = host_put_script(h, text, "%s", path);
	return r < 0 ? err_set(e, r, "write /%s", path) : 0;
}

int hook_file_remove(struct host *h, const char *path, struct err *e)
{
	int r = host_remove_file(h, "%s", path);
	return r < 0 && r != -ENOENT ? err_set(e, r, "remove /%s", path) : 0;
}
