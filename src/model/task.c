/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every thread of the machine: who it is, where it may run, and which cgroup it is in. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "kernel/task-cgroup.h"
#include "kernel/task-stat.h"
#include "model/read.h"
#include "model/task.h"

int task_start(struct host *h, int tid, uint64_t *ret)
{
	AUTO_FREE char *text = NULL;
	struct task_stat stat;
	int r = host_read(h, &text, NULL, "proc/%d/stat", tid);
	if (r < 0)
		return r == -ENOENT || r == -ESRCH ? TASK_ENDED : r;
	r = task_stat_parse(text, &stat);
	if (r == 0)
		*ret = stat.start;
	return r;
}

int task_check(struct host *h, int tid, uint64_t start)
{
	uint64_t now = 0;
	int r = task_start(h, tid, &now);
	return r ? r : now == start ? 0 : TASK_ENDED;
}

static int read_cgroup(struct host *h, const struct snapshot *s, const struct task *t)
{
	AUTO_FREE char *text = NULL;
	if (host_read_thread(h, &text, t->pid, t->tid, "cgroup") < 0)
		return -1;
	AUTO_FREE char *path = task_cgroup_parse(text);
	return path ? snapshot_cgroup(s, path) : -1;
}

/* Whether the threads of a process in this group may be in others: in threaded ones below it. The
 * root has no type, and may have threaded children beside domains. */
static bool may_be_apart(const struct snapshot *s, int cgroup)
{
	const char *type = s->cgroups[cgroup].type;
	if (type)
		return !streq(type, "domain");
	for (size_t i = 1; cgroup == 0 && i < s->n_cgroups; i++) {
		const struct cgroup *c = &s->cgroups[i];
		if (c->parent == 0 && c->type && streq(c->type, "threaded"))
			return true;
	}
	return false;
}

/* What need not be read is not: the kernel moves no immovable thread of its own out of the root,
 * and the threads of a process are together unless there are threaded groups. */
static int cgroup_of(
	struct host *h, const struct snapshot *s, const struct task *t, const struct task *leader)
{
	if (!s->n_cgroups)
		return -1;
	if (s->n_cgroups == 1 || (task_is_kthread(t) && task_is_immovable(t)))
		return 0; /* the root */
	if (!leader || leader->cgroup < 0)
		return read_cgroup(h, s, t);
	return may_be_apart(s, leader->cgroup) ? read_cgroup(h, s, t) : leader->cgroup;
}

struct tasks {
	ARRAY(struct task) tasks;
};

/* The rest of a thread whose stat is known. One that ends while it is read is left out. */
static void add_thread(struct host *h, struct snapshot *s, struct tasks *all, struct task *t,
	const struct task *leader)
{
	struct cpuset allowed;
	int r = host_get_thread_affinity(h, t->pid, t->tid, &allowed);
	if (r == -ESRCH || r == -ENOENT)
		return;
	if (r < 0)
		snapshot_note(s, "proc/%d/task/%d: does not say where it may run", t->pid, t->tid);
	else
		t->allowed = cpuset_keep(&s->arena, &allowed);
	t->cgroup = cgroup_of(h, s, t, leader);
	*array_push(&all->tasks) = *t;
}

static bool parse_stat(struct snapshot *s, const char *text, int pid, int tid, struct task *ret)
{
	struct task_stat stat;
	if (task_stat_parse(text, &stat) < 0) {
		snapshot_note(s, "proc/%d/task/%d/stat: not in the kernel's format", pid, tid);
		return false;
	}
	*ret = (struct task){
		.tid = tid,
		.pid = pid,
		.n_threads = stat.n_threads,
		.ppid = stat.ppid,
		.start = stat.start,
		.run_ticks = stat.run_ticks,
		.flags = stat.flags,
		.last_cpu = stat.last_cpu < CPUSET_MAX ? stat.last_cpu : -1,
		.policy = stat.policy,
		.rt_priority = stat.rt_priority,
		.nice = stat.nice,
		.comm = arena_strdup(&s->arena, stat.comm),
		.cgroup = -1,
	};
	return true;
}

/* The threads of a process; its main one may be known from /proc/PID/stat. */
static void add_threads(struct host *h, struct snapshot *s, struct tasks *all, int pid,
	const struct task *main_thread)
{
	AUTO_NAMES struct host_names threads = { 0 };
	struct task leader = { .cgroup = -1 };
	int tid;
	if (host_list(h, &threads, "proc/%d/task", pid) < 0)
		return;
	if (main_thread)
		leader = *main_thread;
	for (size_t i = 0; i < threads.n; i++) {
		AUTO_FREE char *stat = NULL;
		struct task t;
		if (str_to_int(threads.v[i], &tid) < 0 || (main_thread && tid == pid) ||
			host_read(h, &stat, NULL, "proc/%d/task/%d/stat", pid, tid) < 0 ||
			!parse_stat(s, stat, pid, tid, &t))
			continue;
		add_thread(h, s, all, &t, leader.tid == pid ? &leader : NULL);
		if (tid == pid)
			leader = t;
	}
}

/* Most processes have one thread, and /proc/PID/stat says so. */
static void add_process(struct host *h, struct snapshot *s, struct tasks *all, int pid)
{
	AUTO_FREE char *stat = NULL;
	struct task t;
	if (host_read(h, &stat, NULL, "proc/%d/stat", pid) < 0) {
		add_threads(h, s, all, pid, NULL);
		return;
	}
	if (!parse_stat(s, stat, pid, pid, &t))
		return;
	add_thread(h, s, all, &t, NULL);
	if (t.n_threads != 1)
		add_threads(h, s, all, pid, &t);
}

static int by_tid(const void *a, const void *b)
{
	const struct task *x = a, *y = b;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

static int ask_own_pid(void *context, const char *key, char **ret)
{
	(void)context;
	(void)key;
	*ret = xasprintf("%d", (int)getpid());
	return 0;
}

/* Of the process that looks: a recording tells who looked then. -1: nobody. */
static int own_pid(struct host *h)
{
	AUTO_FREE char *text = NULL;
	int pid;
	bool is_known = host_ask(h, "self", "pid", ask_own_pid, NULL, &text) == 0 &&
		str_to_int(text, &pid) == 0;
	return is_known ? pid : -1;
}

/* "350735.47 234388.90": seconds since boot, and idle ones. In hundredths, which are a task's
 * ticks; 0: not known. */
static uint64_t parse_uptime(const char *at)
{
	uint64_t seconds, hundredths;
	if (!at || !str_take_u64(&at, &seconds) || *at++ != '.' ||
		!str_take_u64(&at, &hundredths) || hundredths > 99 || seconds > UINT32_MAX)
		return 0;
	return seconds * 100 + hundredths;
}

uint64_t task_now(struct host *h)
{
	AUTO_FREE char *text = NULL;
	return host_read(h, &text, NULL, "proc/uptime") == 0 ? parse_uptime(text) : 0;
}

/* All but the process that looks, which ends at once. */
int read_tasks(struct host *h, struct snapshot *s, struct err *e)
{
	AUTO_NAMES struct host_names processes = { 0 };
	struct tasks all = { 0 };
	int r = host_list(h, &processes, "proc");
	if (r < 0)
		return r == -ENOENT ? 0 : err_set(e, r, "list /proc");
	int own = own_pid(h);
	s->ticks_since_boot = parse_uptime(read_text(h, s, "proc/uptime"));
	for (size_t i = 0; i < processes.n; i++) {
		int pid;
		if (str_to_int(processes.v[i], &pid) == 0 && pid != own)
			add_process(h, s, &all, pid);
	}
	if (all.tasks.n)
		qsort(all.tasks.v, all.tasks.n, sizeof *all.tasks.v, by_tid);
	s->tasks = arena_dup(&s->arena, all.tasks.v, all.tasks.n, sizeof *all.tasks.v);
	s->n_tasks = all.tasks.n;
	free(all.tasks.v);
	return 0;
}
