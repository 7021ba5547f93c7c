/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/stat with names of any kind, /proc/PID/cgroup. */
#include "fuzz.h"
#include "model/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *stat = xstrndup((const char *)data, size);
	AUTO_FREE char *cgroup = xstrndup((const char *)data, size);
	struct task t;
	if (task_parse_stat(stat, &t) == 0)
		must(t.tid >= 0 && strlen(t.comm) <= size);
	const char *path = cgroup_parse(cgroup);
	if (path)
		must(!strchr(path, '\n'));
	return 0;
}
