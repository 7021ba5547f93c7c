/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cgroup each thread is in, whatever its process is in; and that what is read is of one
 * moment. */
#include <errno.h>

#include "base/str.h"
#include "host/internal.h"
#include "../machine/fake-proc.h"
#include "tap.h"

static const struct host_ops *ops = &host_tree_ops;

static struct snapshot *read_machine(struct host **ret_h)
{
	struct snapshot *s = NULL;
	struct err e = { 0 };
	put("0-3\n", 4, "sys/devices/system/cpu/online");
	int r = host_open(ret_h, root, &e);
	if (r == 0) {
		(*ret_h)->ops = ops;
		(*ret_h)->is_live = ops != &host_tree_ops; /* masks by a call, not by files */
		r = snapshot_read(*ret_h, SNAPSHOT_TASKS | SNAPSHOT_CGROUPS, &s, &e);
	}
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

/* ---- a partition over CPUs 2-3 that goes while the host is read ---- */

static struct {
	int n_looks, goes_at; /* the look at a thread's mask at which it goes; -1: comes and goes at
				 each */
	bool has_partition;
} change;

static void put_effective(void)
{
	const char *list = change.has_partition ? "0-1\n" : "0-3\n";
	put(list, 4, "sys/fs/cgroup/cpuset.cpus.effective");
}

static int get_affinity(struct host *h, int tid, struct cpuset *ret)
{
	(void)h;
	(void)tid;
	if (change.goes_at < 0 || change.n_looks++ == change.goes_at) {
		change.has_partition = change.goes_at < 0 && !change.has_partition;
		put_effective();
	}
	return cpuset_parse_list(change.has_partition ? "0-1" : "0-3", ret);
}

static const struct host_ops changing_ops = { .get_affinity = get_affinity };

static void while_a_partition_goes(void)
{
	ops = &changing_ops;
	put_two("", NULL);
	for (change.goes_at = 0; change.goes_at < 6; change.goes_at++) {
		AUTO_HOST struct host *h = NULL;
		change.n_looks = 0;
		change.has_partition = true;
		put_effective();
		AUTO_SNAPSHOT struct snapshot *s = read_machine(&h);
		bool is_one = s && s->n_tasks == 2;
		for (size_t i = 0; is_one && i < s->n_tasks; i++)
			is_one = cpuset_equal(s->tasks[i].allowed, s->cgroups[0].effective);
		ok(is_one, "gone at look %d: threads have what their group has", change.goes_at);
	}
	AUTO_HOST struct host *h = NULL;
	AUTO_SNAPSHOT struct snapshot *s = NULL;
	struct err e = { 0 };
	change.goes_at = -1;
	same_int(host_open(&h, root, &e), 0, "open");
	h->ops = ops;
	h->is_live = true;
	same_int(snapshot_read(h, SNAPSHOT_TASKS | SNAPSHOT_CGROUPS, &s, &e), -EAGAIN,
		"one that comes and goes at each look is told: %s", e.text);
	ops = &host_tree_ops;
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
	while_a_partition_goes();
	clear_root();
	return tap_done();
}
