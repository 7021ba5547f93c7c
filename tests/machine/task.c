/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads: where they are, and which CPUs they may use (sched_setaffinity(2)). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "kernel/task-cgroup.h"
#include "kernel/task-stat.h"
#include "kernel.h"

int tree_task_dir(struct host *h, int tid, char **ret)
{
	int pid = host_tree_process(h, tid);
	if (pid < 0)
		return pid;
	*ret = xasprintf("proc/%d/task/%d", pid, tid);
	return 0;
}

/* ---- files of a thread ---- */

static int read_task_file(struct host *h, int tid, const char *file, char **ret)
{
	AUTO_FREE char *dir = NULL;
	size_t n;
	int r = tree_task_dir(h, tid, &dir);
	if (r < 0)
		return r;
	AUTO_FREE char *path = xasprintf("%s/%s", dir, file);
	return host_read_path(h, path, ret, &n);
}

/* NULL removes the file. The main thread has some of them twice. */
static int put_task_file(struct host *h, int tid, const char *file, const char *text)
{
	AUTO_FREE char *dir = NULL;
	int r = tree_task_dir(h, tid, &dir);
	if (r < 0)
		return r;
	AUTO_FREE char *path = xasprintf("%s/%s", dir, file);
	AUTO_FREE char *again = xasprintf("proc/%d/%s", tid, file);
	r = text ? tree_put(h, path, text) : tree_remove(h, path);
	if (r == 0 && text && tree_exists(h, again))
		r = tree_put(h, again, text);
	return r;
}

int tree_task_cgroup(struct host *h, int tid, char **ret)
{
	AUTO_FREE char *text = NULL;
	int r = read_task_file(h, tid, "cgroup", &text);
	if (r < 0)
		return r;
	*ret = task_cgroup_parse(text);
	return *ret ? 0 : -ENOENT;
}

int tree_set_task_cgroup(struct host *h, int tid, const char *group)
{
	AUTO_FREE char *line = xasprintf("0::/%s\n", group);
	return put_task_file(h, tid, "cgroup", line);
}

static unsigned int task_flags(struct host *h, int tid)
{
	AUTO_FREE char *text = NULL;
	struct task_stat stat;
	if (read_task_file(h, tid, "stat", &text) < 0 || task_stat_parse(text, &stat) < 0)
		return 0;
	return stat.flags;
}

/* ---- masks ---- */

/* What stands behind "KEY:\t" in a status file, up to the end of the line; NULL. */
static const char *value_of(const char *text, const char *key)
{
	AUTO_FREE char *line = xasprintf("\n%s:\t", key);
	const char *at = strstr(text, line);
	return at ? at + strlen(line) : NULL;
}

static char *replace_value(const char *text, const char *key, const char *value)
{
	const char *at = value_of(text, key);
	if (!at)
		return xstrdup(text);
	return xasprintf("%.*s%s%s", (int)(at - text), text, value, at + strcspn(at, "\n"));
}

/* What the thread asked for (NULL: nothing) and what its group has become its mask. */
static int put_mask(struct host *h, int tid, const struct cpuset *asked, const struct cpuset *group)
{
	struct cpuset mask = asked ? cpuset_and(asked, group) : *group;
	if (cpuset_is_empty(&mask))
		mask = *group;
	AUTO_FREE char *status = NULL;
	int r = read_task_file(h, tid, "status", &status);
	if (r < 0)
		return r;
	const char *hex_now = value_of(status, "Cpus_allowed");
	AUTO_FREE char *list = cpuset_format_list(&mask);
	AUTO_FREE char *hex = tree_format_mask(&mask, hex_now ? strcspn(hex_now, "\n") : 0);
	AUTO_FREE char *half = replace_value(status, "Cpus_allowed", hex);
	AUTO_FREE char *whole = replace_value(half, "Cpus_allowed_list", list);
	r = put_task_file(h, tid, "status", whole);
	if (r < 0)
		return r;
	/* a kernel thread loses its mask at the next change anyway */
	bool is_told = !asked || task_flags(h, tid) & PF_KTHREAD_FLAG ||
		(cpuset_equal(asked, &mask) && !cpuset_equal(asked, group));
	AUTO_FREE char *text = is_told ? NULL : cpuset_format_list(asked);
	return put_task_file(h, tid, "asked", text);
}

/* What the thread asked for while its group had these CPUs; false: nothing. */
static bool read_asked(struct host *h, int tid, const struct cpuset *group, struct cpuset *ret)
{
	AUTO_FREE char *text = NULL;
	if (read_task_file(h, tid, "asked", &text) == 0 && cpuset_parse_list(text, ret) == 0)
		return true;
	return host_tree_get_affinity(h, tid, ret) == 0 && !cpuset_equal(ret, group);
}

/* The nearest group that has a set of its own, on the way up, decides. */
static int read_group_cpus(struct host *h, int tid, struct cpuset *ret)
{
	AUTO_FREE char *group = NULL;
	int r = tree_task_cgroup(h, tid, &group);
	*ret = tree_read_list(h, "sys/devices/system/cpu/online");
	while (r == 0) {
		AUTO_FREE char *path = tree_group_file(group, "cpuset.cpus.effective");
		if (!*group || tree_exists(h, path)) {
			if (tree_exists(h, path))
				*ret = tree_read_list(h, path);
			return 0;
		}
		char *slash = strrchr(group, '/');
		*(slash ? slash : group) = 0;
	}
	return r == -ENOENT ? 0 : r;
}

int tree_set_affinity(struct host *h, int tid, const struct cpuset *cpus)
{
	struct cpuset group, possible = tree_read_list(h, "sys/devices/system/cpu/possible");
	AUTO_FREE char *dir = NULL;
	int r = tree_task_dir(h, tid, &dir);
	if (r == 0 && task_flags(h, tid) & PF_NO_SETAFFINITY_FLAG)
		r = -EINVAL;
	if (r == 0)
		r = read_group_cpus(h, tid, &group);
	if (r == 0 && !cpuset_intersects(cpus, &group))
		r = -EINVAL;
	if (r < 0)
		return r;
	struct cpuset asked = tree_has(h, "forgets-pins") ? cpuset_and(cpus, &group) : *cpus;
	bool is_free = cpuset_equal(&asked, &group) && tree_has(h, "forgets-pins");
	return put_mask(
		h, tid, is_free || cpuset_is_subset(&possible, cpus) ? NULL : &asked, &group);
}

/* Kernels before 7.0 give kernel threads the root's CPUs whenever these change, and forget what
 * they had. */
int tree_refresh_task(struct host *h, int tid, const struct cpuset *before,
	const struct cpuset *now, bool forgets)
{
	struct cpuset asked;
	unsigned int flags = task_flags(h, tid);
	if (flags & PF_NO_SETAFFINITY_FLAG)
		return 0;
	bool has_asked =
		!forgets && !(flags & PF_KTHREAD_FLAG) && read_asked(h, tid, before, &asked);
	return put_mask(h, tid, has_asked ? &asked : NULL, now);
}
