/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every thread of the machine: who it is, where it may run, and which cgroup it is in. */
#include <ctype.h>
#include <errno.h>
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
 * from 3: state 3, ppid 4, flags 9, nice 19, num_threads 20, starttime 22, processor 39,
 * rt_priority 40, policy 41.
 */
enum { STAT_FIRST = 3, STAT_LAST = 41 };

/* The number of the field at *p, which is moved to the next one: false at the end, and for words
 * that are no number (the state). */
static bool next_field(const char **p, int64_t *ret)
{
	const char *q = *p + strspn(*p, " ");
	bool is_negative = *q == '-';
	const char *digits = q + is_negative, *end = digits;
	uint64_t n = 0;
	for (; isdigit((unsigned char)*end); end++)
		n = n * 10 + (uint64_t)(*end - '0');
	bool is_number = end > digits && (!*end || isspace((unsigned char)*end));
	*ret = (int64_t)(is_negative ? 0 - n : n);
	*p = q + strcspn(q, " ");
	return is_number;
}

int task_parse_stat(char *text, struct task *ret)
{
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close || close < open)
		return -EINVAL;
	*open = *close = 0;
	struct task t = { .cgroup = -1, .comm = open + 1 };
	if (str_to_int(text, &t.tid) < 0)
		return -EINVAL;
	const char *p = close + 1;
	int64_t field[STAT_LAST + 1] = { [39] = -1 };
	for (int i = STAT_FIRST; i <= STAT_LAST; i++) {
		bool is_needed = i > STAT_FIRST && i <= 22;
		int64_t n;
		if (next_field(&p, &n))
			field[i] = n;
		else if (is_needed)
			return -EINVAL;
	}
	t.ppid = (int)field[4];
	t.flags = (unsigned int)field[9];
	t.nice = (int)field[19];
	t.n_threads = (int)field[20];
	t.start = (uint64_t)field[22];
	t.last_cpu = field[39] < CPUSET_MAX ? (int)field[39] : -1;
	t.rt_priority = (int)field[40];
	t.policy = (int)field[41];
	*ret = t;
	return 0;
}

/* The path of the unified hierarchy in /proc/PID/cgroup: "0::/qemu.slice/100.scope" */
char *cgroup_parse(char *text)
{
	for (char *line; (line = str_next_line(&text));)
		if (str_after(line, "0::/"))
			return line + strlen("0::/");
	return NULL;
}

static int read_cgroup(struct host *h, const struct snapshot *s, const struct task *t)
{
	AUTO_FREE char *text = NULL;
	if (host_read(h, &text, NULL, "proc/%d/task/%d/cgroup", t->pid, t->tid) < 0)
		return -1;
	const char *path = cgroup_parse(text);
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
		t->allowed = snapshot_intern(s, &allowed);
	t->comm = arena_strdup(&s->arena, t->comm);
	t->cgroup = cgroup_of(h, s, t, leader);
	*array_push(&all->tasks) = *t;
}

static bool parse_stat(struct snapshot *s, char *text, int pid, int tid, struct task *ret)
{
	if (task_parse_stat(text, ret) < 0) {
		snapshot_note(s, "proc/%d/task/%d/stat: not in the kernel's format", pid, tid);
		return false;
	}
	ret->tid = tid;
	ret->pid = pid;
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

int read_tasks(struct host *h, struct snapshot *s, struct err *e)
{
	AUTO_NAMES struct host_names processes = { 0 };
	struct tasks all = { 0 };
	int r = host_list(h, &processes, "proc");
	if (r < 0)
		return r == -ENOENT ? 0 : err_set(e, r, "list /proc");
	for (size_t i = 0; i < processes.n; i++) {
		int pid;
		if (str_to_int(processes.v[i], &pid) == 0)
			add_process(h, s, &all, pid);
	}
	if (all.tasks.n)
		qsort(all.tasks.v, all.tasks.n, sizeof *all.tasks.v, by_tid);
	s->tasks = arena_dup(&s->arena, all.tasks.v, all.tasks.n, sizeof *all.tasks.v);
	s->n_tasks = all.tasks.n;
	free(all.tasks.v);
	return 0;
}
