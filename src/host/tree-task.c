/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threads of a directory tree that looks like a machine: what a kernel tells of them by other
 * ways than files. */
#include "host/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "kernel/task-status.h"

int host_tree_get_affinity(struct host *h, int tid, struct cpuset *ret)
{
	AUTO_FREE char *status = NULL;
	size_t n;
	int pid = host_tree_process(h, tid);
	if (pid < 0)
		return pid;
	AUTO_FREE char *path = xasprintf("proc/%d/task/%d/status", pid, tid);
	int r = host_read_path(h, path, &status, &n);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	struct task_status now;
	task_status_parse(status, &now);
	if (!now.has_cpus)
		return -ESRCH;
	*ret = now.cpus_allowed;
	return 0;
}

/* The group "unit" in "dir", a slice or the root: malloc'ed, or NULL. */
static char *group_in(struct host *h, const char *dir, const char *unit)
{
	AUTO_FREE char *path = xasprintf("sys/fs/cgroup/%s/%s", dir, unit);
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	return fd < 0 ? NULL : xasprintf("%s%s%s", dir, *dir ? "/" : "", unit);
}

/* In a slice below "dir", or else in it: what lies in the root may only have a unit's name. */
static char *find_unit_group(struct host *h, const char *dir, const char *unit)
{
	AUTO_NAMES struct host_names names = { 0 };
	AUTO_FREE char *path = xasprintf("sys/fs/cgroup/%s", dir);
	char *found = NULL;
	int r = host_list_path(h, path, *dir ? O_NOFOLLOW : 0, &names);
	for (size_t i = 0; r == 0 && !found && i < names.n; i++) {
		AUTO_FREE char *below = xasprintf("%s%s%s", dir, *dir ? "/" : "", names.v[i]);
		if (str_has_suffix(names.v[i], ".slice"))
			found = find_unit_group(h, below, unit);
	}
	return found ? found : group_in(h, dir, unit);
}

/* Many units lie in one slice: to ask where the last one was costs less than a walk. */
int host_tree_unit_group(struct host *h, const char *unit, char **ret)
{
	AUTO_CLOSE int fd = host_open_path(h, "run/systemd/system", O_PATH);
	if (fd < 0)
		return -ENOENT;
	if (h->last_slice && (*ret = group_in(h, h->last_slice, unit)))
		return 0;
	*ret = find_unit_group(h, "", unit);
	const char *end = *ret ? strrchr(*ret, '/') : NULL;
	free(h->last_slice);
	h->last_slice = end ? xstrndup(*ret, (size_t)(end - *ret)) : NULL;
	return *ret ? 0 : -ENOTUNIQ;
}
