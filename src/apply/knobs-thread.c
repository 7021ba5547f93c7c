/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads: where they may run, and which cgroup they are in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apply/knob.h"
#include "base/alloc.h"
#include "base/str.h"
#include "host/host-write.h"
#include "kernel/task-cgroup.h"
#include "kernel/task-stat.h"
#include "kernel/task-status.h"

/* The mask of a thread that nobody chose: as wide as its cgroup, now and later. */
static const char all[] = "all";

/* -ESRCH when the thread ended, or another has its number by now. */
static int check_thread(struct host *h, const struct target *t, int *ret_tid)
{
	AUTO_FREE char *stat = NULL;
	struct task_stat now;
	uint64_t start;
	if (str_to_int(t->key, ret_tid) < 0 || !t->id || str_to_u64(t->id, &start) < 0)
		return -EINVAL;
	int r = host_read(h, &stat, NULL, "proc/%d/stat", *ret_tid);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	r = task_stat_parse(stat, &now);
	return r < 0 ? r : now.start == start ? 0 : -ESRCH;
}

int thread_cgroup(struct host *h, int tid, char **ret)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(h, &text, NULL, "proc/%d/cgroup", tid);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	*ret = task_cgroup_parse(text);
	return *ret ? 0 : -ENOENT;
}

static int read_affinity(struct host *h, const struct target *t, char **ret)
{
	int tid;
	struct cpuset cpus;
	int r = check_thread(h, t, &tid);
	if (r == 0)
		r = host_get_affinity(h, tid, &cpus);
	if (r == 0)
		*ret = cpuset_format_list(&cpus);
	return r;
}

/* What a thread gets that has no mask of its own: its cgroup's CPUs, else all that are online. */
static int read_group_cpus(struct host *h, const struct target *t, char **ret)
{
	int tid;
	AUTO_FREE char *group = NULL;
	if (str_to_int(t->key, &tid) == 0 && thread_cgroup(h, tid, &group) == 0 &&
		cgroup_effective(h, group, ret) == 0)
		return 0;
	return knob_read_list(h, ret, "sys/devices/system/cpu/online");
}

static bool is_unset(struct host *h, const struct target *t, const char *now)
{
	AUTO_FREE char *group = NULL;
	return read_group_cpus(h, t, &group) == 0 && cpulist_is_same(h, t, group, now);
}

/* The mask that was asked for cannot be read, only what is left of it. One that equals the
 * group's set was most likely never set: writing it back would make the thread stick to it when
 * the group gets wider. */
static int read_affinity_baseline(struct host *h, const struct target *t, char **ret)
{
	AUTO_FREE char *now = NULL;
	int r = read_affinity(h, t, &now);
	if (r == 0)
		*ret = is_unset(h, t, now) ? xstrdup(all) : TAKE(now);
	return r;
}

bool thread_is_fenced(
	struct host *h, const struct knob *k, const struct target *t, const char *baseline)
{
	AUTO_FREE char *group = NULL;
	int tid;
	return k == &knob_task_affinity && streq(baseline, all) && str_to_int(t->key, &tid) == 0 &&
		thread_cgroup(h, tid, &group) == 0 && *group;
}

int thread_process(struct host *h, const struct target *t)
{
	AUTO_FREE char *status = NULL;
	struct task_status s;
	if (host_read(h, &status, NULL, "proc/%s/status", t->key) < 0)
		return -ESRCH;
	task_status_parse(status, &s);
	return s.tgid < 0 ? -ESRCH : s.tgid;
}

static int write_affinity(struct host *h, const struct target *t, const char *value)
{
	int tid;
	struct cpuset cpus;
	int r = check_thread(h, t, &tid);
	if (r < 0)
		return r;
	AUTO_FREE char *possible = NULL;
	if (streq(value, all)) {
		r = knob_read_list(h, &possible, "sys/devices/system/cpu/possible");
		if (r == -ENOENT)
			r = knob_read_list(h, &possible, "sys/devices/system/cpu/online");
		value = possible;
	}
	if (r == 0)
		r = cpuset_parse_list(value, &cpus);
	return r < 0 ? r : host_set_affinity(h, tid, &cpus);
}

static bool is_same_affinity(
	struct host *h, const struct target *t, const char *wanted, const char *now)
{
	return streq(wanted, all) ? is_unset(h, t, now) : cpulist_is_same(h, t, wanted, now);
}

/* Ours trimmed by a cpuset, or lost to one, which kernels before 6.2 do at every change. */
static bool is_our_affinity(
	struct host *h, const struct target *t, const char *ours, const char *now)
{
	return cpulist_is_part(h, t, ours, now) || is_unset(h, t, now);
}

static const char *explain_affinity(int error)
{
	switch (error) {
	case -EINVAL:
		return "none of these CPUs is allowed to its cgroup, or the kernel binds it itself";
	case -EPERM:
		return "not permitted: run as root";
	default:
		return NULL;
	}
}

#define AFFINITY_ROW                                                                               \
	.source = "sched_setaffinity(2)", .read = read_affinity, .write = write_affinity,          \
	.read_baseline = read_affinity_baseline, .is_same = is_same_affinity,                      \
	.is_ours = is_our_affinity, .explain = explain_affinity, .is_cpulist = true

const struct knob knob_thread_affinity = {
	.name = "thread.affinity",
	.summary = "CPUs that a thread of a VM, or beside it in its group, may run on",
	AFFINITY_ROW,
};

const struct knob knob_task_affinity = {
	.name = "task.affinity",
	.summary = "CPUs of another process' thread that chose its own",
	AFFINITY_ROW,
	.is_collateral = true,
};

const struct knob knob_kthread_affinity = {
	.name = "kthread.affinity",
	.summary = "CPUs that a kernel thread may run on",
	AFFINITY_ROW,
	.is_collateral = true,
};

static int read_cgroup(struct host *h, const struct target *t, char **ret)
{
	int tid, r = check_thread(h, t, &tid);
	return r < 0 ? r : thread_cgroup(h, tid, ret);
}

static int write_cgroup(struct host *h, const struct target *t, const char *value)
{
	int tid, r = check_thread(h, t, &tid);
	return r < 0 ? r : host_write(h, t->key, CGROUP_MOUNT "/%s/cgroup.threads", value);
}

const struct knob knob_thread_cgroup = {
	.name = "thread.cgroup",
	.summary = "the cgroup of a thread",
	.source = "cgroup.threads (cgroup-v2.rst, \"Threads\")",
	.read = read_cgroup,
	.write = write_cgroup,
};
