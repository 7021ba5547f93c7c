/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads: where they may run, and which cgroup they are in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apply/knob.h"
#include "base/str.h"
#include "host/host-write.h"
#include "kernel/task-cgroup.h"
#include "kernel/task-status.h"
#include "model/task.h"

/* KNOB_GONE when the thread ended, or another has its number by now. */
static int check_thread(struct host *h, const struct target *t, int *ret_tid)
{
	uint64_t start;
	if (str_to_int(t->key, ret_tid) < 0 || !t->id || str_to_u64(t->id, &start) < 0)
		return -EINVAL;
	int r = task_check(h, *ret_tid, start);
	return r == TASK_ENDED ? KNOB_GONE : r;
}

/* For who only reads: without an id of the target it is whoever has the number. */
static int find_thread(struct host *h, const struct target *t, int *ret_tid)
{
	return t->id ? check_thread(h, t, ret_tid) : str_to_int(t->key, ret_tid);
}

/* The path of a thread's cgroup below the mount, malloc'ed. */
static int thread_cgroup(struct host *h, int tid, char **ret)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(h, &text, NULL, "proc/%d/cgroup", tid);
	if (r < 0)
		return r == -ENOENT ? KNOB_GONE : r;
	*ret = task_cgroup_parse(text);
	return *ret ? 0 : -ENOENT;
}

static int read_affinity(struct host *h, const struct knob *k, const struct target *t,
	struct arena *a, struct value *ret)
{
	(void)k;
	int tid;
	struct cpuset cpus;
	int r = find_thread(h, t, &tid);
	if (r == 0)
		r = host_get_affinity(h, tid, &cpus);
	if (r == 0)
		*ret = knob_keep_cpus(a, &cpus);
	return r == -ESRCH || r == -ENOENT ? KNOB_GONE : r;
}

/* What a thread gets that has no mask of its own: its cgroup's CPUs, else all that are online. */
static int group_cpus(struct host *h, const struct target *t, struct cpuset *ret)
{
	AUTO_FREE char *group = NULL;
	int tid;
	if (str_to_int(t->key, &tid) == 0 && thread_cgroup(h, tid, &group) == 0 &&
		cgroup_effective(h, group, ret) == 0)
		return 0;
	return read_list_file(h, "sys/devices/system/cpu/online", ret);
}

/* The mask that was asked for cannot be read, only what is left of it. One that equals the group's
 * set was most likely never set: writing it back would make the thread stick to it when the group
 * gets wider. */
static bool is_unset(struct host *h, const struct target *t, const struct value *now)
{
	struct cpuset cpus;
	return now->kind == VALUE_SET && group_cpus(h, t, &cpus) == 0 &&
		cpuset_equal(now->cpus, &cpus);
}

/* The thread's group has lost some of its CPUs, to a partition: they come back by themselves. One
 * that lost all of them was refused the mask. */
static bool is_left(struct host *h, const struct target *t, const struct value *written,
	const struct value *now)
{
	struct cpuset cpus;
	if (written->kind != VALUE_SET || now->kind != VALUE_SET || group_cpus(h, t, &cpus) < 0)
		return false;
	struct cpuset left = cpuset_and(written->cpus, &cpus);
	return !cpuset_is_empty(&left) && cpuset_equal(now->cpus, &left);
}

static int all_cpus(struct host *h, struct cpuset *ret)
{
	int r = read_list_file(h, "sys/devices/system/cpu/possible", ret);
	return r == -ENOENT ? read_list_file(h, "sys/devices/system/cpu/online", ret) : r;
}

/* As wide as its cgroup, now and later, is a thread with all CPUs there can be. */
static int write_affinity(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	(void)k;
	int tid;
	struct cpuset cpus;
	int r = check_thread(h, t, &tid);
	if (r)
		return r;
	if (v->kind == VALUE_SET)
		return host_set_affinity(h, tid, v->cpus);
	r = all_cpus(h, &cpus);
	return r < 0 ? r : host_set_affinity(h, tid, &cpus);
}

/* Ours trimmed by a cpuset, or lost to one, which kernels before 6.2 do at every change. */
static bool is_our_affinity(
	struct host *h, const struct target *t, const struct value *ours, const struct value *now)
{
	bool is_part = ours->kind == VALUE_SET && now->kind == VALUE_SET &&
		!cpuset_is_empty(now->cpus) && cpuset_is_subset(now->cpus, ours->cpus);
	return is_part || is_unset(h, t, now);
}

/* The process of the thread, from /proc/TID/status. */
static const char *process_of(struct host *h, const struct target *t, struct arena *a)
{
	AUTO_FREE char *text = NULL;
	struct task_status s;
	if (host_read(h, &text, NULL, "proc/%s/status", t->key) < 0)
		return NULL;
	task_status_parse(text, &s);
	return s.tgid < 0 ? NULL : arena_printf(a, "%d", s.tgid);
}

#define AFFINITY_OPS                                                                               \
	.read = read_affinity, .write = write_affinity, .is_unset = is_unset,                      \
	.is_ours = is_our_affinity, .parent = process_of

const struct knob_ops thread_affinity_ops = {
	.name = "thread.affinity", .is_left = is_left, AFFINITY_OPS
};
const struct knob_ops task_affinity_ops = { .name = "task.affinity", AFFINITY_OPS };
const struct knob_ops kthread_affinity_ops = { .name = "kthread.affinity", AFFINITY_OPS };

static int read_cgroup(struct host *h, const struct knob *k, const struct target *t,
	struct arena *a, struct value *ret)
{
	(void)k;
	AUTO_FREE char *group = NULL;
	int tid, r = find_thread(h, t, &tid);
	if (r == 0)
		r = thread_cgroup(h, tid, &group);
	if (r == 0)
		*ret = value_word(arena_strdup(a, group));
	return r;
}

static int write_cgroup(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	(void)k;
	int tid, r = check_thread(h, t, &tid);
	return r ? r : host_write(h, t->key, CGROUP_MOUNT "/%s/cgroup.threads", v->word);
}

const struct knob_ops thread_cgroup_ops = {
	.name = "thread.cgroup",
	.read = read_cgroup,
	.write = write_cgroup,
};
