/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every thread of the machine: who it is, where it may run, and which cgroup it is in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model/read.h"
#include "model/task.h"

/*
 * /proc/PID/task/TID/stat (Documentation/filesystems/proc.rst, table 1-4):
 *
 *	3089 (CPU 0/KVM) S 1 3085 3085 0 -1 4194560 …
 *
 * The name may have blanks and parentheses: it ends at the last ')'. Fields behind it are counted
 * from 3: state 3, ppid 4, flags 9, nice 19, starttime 22, processor 39, rt_priority 40,
 * policy 41.
 */
int task_parse_stat(char *text, struct task *ret)
{
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close || close < open)
		return -EINVAL;
	*open = *close = 0;
	struct task t = { .cgroup = -1, .comm = open + 1, .last_cpu = -1 };
	if (str_to_int(text, &t.tid) < 0)
		return -EINVAL;
	unsigned long long start;
	int n = sscanf(close + 1,
		" %*c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %d %*d %*d %llu"
		" %*u %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %d %d %d",
		&t.ppid, &t.flags, &t.nice, &start, &t.last_cpu, &t.rt_priority, &t.policy);
	if (n < 4)
		return -EINVAL;
	t.start = start;
	*ret = t;
	return 0;
}

/* /proc/PID/status: "Cpus_allowed_list:\t0-23" */
static const struct cpuset *allowed_of(struct snapshot *s, const char *status)
{
	static const char key[] = "\nCpus_allowed_list:";
	const char *at = strstr(status, key);
	if (!at)
		return NULL;
	at += strlen(key);
	AUTO_FREE char *list = xstrndup(at, strcspn(at, "\n"));
	struct cpuset set;
	return cpuset_parse_list(list, &set) == 0 ? snapshot_intern(s, &set) : NULL;
}

/* /proc/PID/cgroup, the line of the unified hierarchy: "0::/qemu.slice/100.scope" */
static int cgroup_of(struct host *h, struct snapshot *s, int pid, int tid)
{
	AUTO_FREE char *text = NULL;
	if (!s->n_cgroups || host_read(h, &text, NULL, "proc/%d/task/%d/cgroup", pid, tid) < 0)
		return -1;
	char *next = text;
	for (char *line; (line = str_next_line(&next));) {
		const char *path = str_after(line, "0::/");
		if (path)
			return snapshot_cgroup(s, path);
	}
	return -1;
}

struct tasks {
	ARRAY(struct task) tasks;
};

enum { CGROUP_OF_ITS_OWN = -2 };

/* Threads of one process are in different cgroups only below a threaded domain
 * (Documentation/admin-guide/cgroup-v2.rst, "Threads"), and the root is one of its own. Returns
 * the cgroup of them all, or CGROUP_OF_ITS_OWN. */
static int common_cgroup(struct host *h, struct snapshot *s, int pid, size_t n_threads)
{
	if (n_threads < 2)
		return CGROUP_OF_ITS_OWN;
	int cgroup = cgroup_of(h, s, pid, pid);
	const char *type = cgroup < 0 ? NULL : s->cgroups[cgroup].type;
	return type && streq(type, "domain") ? cgroup : CGROUP_OF_ITS_OWN;
}

/* A thread that ends while it is read is left out. */
static void add_thread(
	struct host *h, struct snapshot *s, struct tasks *all, int pid, int tid, int cgroup)
{
	AUTO_FREE char *stat = NULL, *status = NULL;
	struct task t;
	if (host_read(h, &stat, NULL, "proc/%d/task/%d/stat", pid, tid) < 0 ||
		host_read(h, &status, NULL, "proc/%d/task/%d/status", pid, tid) < 0)
		return;
	if (task_parse_stat(stat, &t) < 0) {
		snapshot_note(s, "proc/%d/task/%d/stat: not in the kernel's format", pid, tid);
		return;
	}
	t.tid = tid;
	t.pid = pid;
	t.comm = arena_strdup(&s->arena, t.comm);
	t.allowed = allowed_of(s, status);
	t.cgroup = cgroup == CGROUP_OF_ITS_OWN ? cgroup_of(h, s, pid, tid) : cgroup;
	*array_push(&all->tasks) = t;
}

static int by_tid(const void *a, const void *b)
{
	const struct task *x = a, *y = b;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

int read_tasks(struct host *h, struct snapshot *s, struct err *e)
{
	AUTO_NAMES struct host_names processes = { 0 };
	struct tasks all = { 0 };
	int r = host_list(h, &processes, "proc");
	if (r < 0)
		return r == -ENOENT ? 0 : err_set(e, r, "list /proc");
	for (size_t i = 0; i < processes.n; i++) {
		AUTO_NAMES struct host_names threads = { 0 };
		int pid, tid;
		if (str_to_int(processes.v[i], &pid) < 0 ||
			host_list(h, &threads, "proc/%d/task", pid) < 0)
			continue;
		int cgroup = common_cgroup(h, s, pid, threads.n);
		for (size_t j = 0; j < threads.n; j++)
			if (str_to_int(threads.v[j], &tid) == 0)
				add_thread(h, s, &all, pid, tid, cgroup);
	}
	if (all.tasks.n)
		qsort(all.tasks.v, all.tasks.n, sizeof *all.tasks.v, by_tid);
	s->tasks = arena_dup(&s->arena, all.tasks.v, all.tasks.n, sizeof *all.tasks.v);
	s->n_tasks = all.tasks.n;
	free(all.tasks.v);
	return 0;
}
