/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/task-cgroup.h"

#include "base/str.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	AUTO_FREE char *path = task_cgroup_parse(text);
	if (path)
		must(!strchr(path, '\n') && !streq(path, "..") && !str_after(path, "../") &&
			strstr(text, path));
	return 0;
}
