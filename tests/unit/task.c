/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cgroup each thread is in, whatever its process is in. */
#include "base/str.h"
#include "../machine/fake-proc.h"
#include "tap.h"

static struct snapshot *read_machine(struct host **ret_h)
{
	struct snapshot *s = NULL;
	struct err e = { 0 };
	put("0-3\n", 4, "sys/devices/system/cpu/online");
	int r = host_open(ret_h, root, &e);
	if (r == 0)
		r = snapshot_read(*ret_h, SNAPSHOT_TASKS | SNAPSHOT_CGROUPS, &s, &e);
	ok(r == 0, "read the machine: %s", *e.text ? e.text : "done");
	return s;
}

static void in_group(const struct snapshot *s, int tid, const char *want, const char *what)
{
	for (size_t i = 0; i < s->n_tasks; i++) {
		const struct task *t = &s->tasks[i];
		if (t->tid != tid)
			continue;
		same_str(t->cgroup < 0 ? NULL : s->cgroups[t->cgroup].path, want, "%s", what);
		return;
	}
	ok(false, "%s: thread %d is there", what, tid);
}

static void is_read_as(const char *what, int process, const char *process_group, int thread,
	const char *thread_group)
{
	AUTO_HOST struct host *h = NULL;
	AUTO_SNAPSHOT struct snapshot *s = read_machine(&h);
	printf("# %s\n", what);
	if (!s)
		return;
	in_group(s, process, process_group, "the main thread");
	in_group(s, thread, thread_group, "its other thread");
}

static void put_two(const char *group, const char *thread_group)
{
	put_process(100, 1, 9, "x", group, T({ 100, "x" }, { 101, "y", thread_group }));
}

int main(void)
{
	if (!mkdtemp(root))
		return 1;
	put("cpuset cpu\n", 11, "sys/fs/cgroup/cgroup.controllers"); /* the root has no type */
	put_cgroup("a", "domain");
	put_two("a", NULL);
	is_read_as("a domain", 100, "a", 101, "a");
	put_cgroup("a", "domain threaded");
	put_cgroup("a/t", "threaded");
	put_two("a", "a/t");
	is_read_as("a domain with threaded groups", 100, "a", 101, "a/t");
	put_two("a/t", "a");
	is_read_as("a threaded group", 100, "a/t", 101, "a");
	put_two("", NULL);
	is_read_as("the root", 100, "", 101, "");
	put_cgroup("t", "threaded");
	put_two("", "t");
	is_read_as("the root with threaded groups", 100, "", 101, "t");
	clear_root();
	return tap_done();
}
