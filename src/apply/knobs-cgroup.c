/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroup v2 and its cpuset controller (Documentation/admin-guide/cgroup-v2.rst). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apply/knob.h"
#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/str.h"
#include "host/host-write.h"

/* -ENOENT when the group is gone, or another one has its path. */
static int check_group(struct host *h, const struct target *t)
{
	uint64_t inode, was;
	int r = host_inode(h, &inode, CGROUP_MOUNT "/%s", t->key);
	if (r < 0)
		return r;
	return t->id && str_to_u64(t->id, &was) == 0 && was != inode ? -ENOENT : 0;
}

/* A file of the group, trimmed; "-" where it does not exist. Groups of our own making (without
 * id) may be absent as a whole. */
static int read_group_file(struct host *h, const struct target *t, const char *file, char **ret)
{
	AUTO_FREE char *text = NULL;
	int r = check_group(h, t);
	if (r == -ENOENT && !t->id) {
		*ret = xstrdup(KNOB_ABSENT);
		return 0;
	}
	if (r == 0)
		r = host_read(h, &text, NULL, CGROUP_MOUNT "/%s/%s", t->key, file);
	if (r == -ENOENT && check_group(h, t) == 0) {
		*ret = xstrdup(KNOB_ABSENT);
		return 0;
	}
	if (r == 0)
		*ret = xstrdup(str_trim(text));
	return r;
}

/* The kernel wants a newline to take an empty list. */
static int write_group_list(
	struct host *h, const struct target *t, const char *file, const char *value)
{
	const char *text = streq(value, KNOB_ABSENT) || !*value ? "\n" : value;
	int r = host_write(h, text, CGROUP_MOUNT "/%s/%s", t->key, file);
	return r == -ENOENT && text[0] == '\n' ? 0 : r;
}

/* ---- cgroup.subtree_control ---- */

static int read_cpuset(struct host *h, const struct target *t, char **ret)
{
	AUTO_FREE char *text = NULL;
	int r = read_group_file(h, t, "cgroup.subtree_control", &text);
	if (r == 0)
		*ret = xstrdup(str_has_word(text, "cpuset") ? "enabled" : "disabled");
	return r;
}

/* True when a group below uses cpuset for something that is not ours any more. */
static bool is_used_below(struct host *h, const char *group)
{
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, CGROUP_MOUNT "/%s", group) < 0)
		return false;
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *child = xasprintf("%s%s%s", group, *group ? "/" : "", names.v[i]);
		AUTO_FREE char *partition = NULL;
		if (host_read(h, &partition, NULL, CGROUP_MOUNT "/%s/cpuset.cpus.partition",
			    child) == 0 &&
			!streq(str_trim(partition), "member"))
			return true;
	}
	return false;
}

/* Disabling destroys the state of all groups below, partitions included: never while one lives. */
static int write_cpuset(struct host *h, const struct target *t, const char *value)
{
	bool is_on = streq(value, "enabled");
	if (!is_on && is_used_below(h, t->key))
		return -EBUSY;
	return host_write(h, is_on ? "+cpuset" : "-cpuset",
		CGROUP_MOUNT "/%s%scgroup.subtree_control", t->key, *t->key ? "/" : "");
}

static const char *explain_cpuset(int error)
{
	switch (error) {
	case -EBUSY:
		return "a group below it uses cpuset for something else";
	case -ENOENT:
		return "the cpuset controller is not available to this group";
	default:
		return NULL;
	}
}

const struct knob knob_cgroup_cpuset = {
	.name = "cgroup.cpuset",
	.summary = "the cpuset controller for a group's children",
	.source = "cgroup.subtree_control (cgroup-v2.rst, \"Enabling and Disabling\")",
	.read = read_cpuset,
	.write = write_cpuset,
	.explain = explain_cpuset,
};

/* ---- cpuset.cpus ---- */

static int read_cpus(struct host *h, const struct target *t, char **ret)
{
	return read_group_file(h, t, "cpuset.cpus", ret);
}

/* Kernels before 7.0 refuse to empty the list of a group that has tasks. All CPUs is then the
 * nearest; the list that stays is reported as residue unless the controller goes too. */
static int write_cpus(struct host *h, const struct target *t, const char *value)
{
	int r = write_group_list(h, t, "cpuset.cpus", value);
	if (r != -ENOSPC || (*value && !streq(value, KNOB_ABSENT)))
		return r;
	AUTO_FREE char *online = NULL;
	r = knob_read_list(h, &online, "sys/devices/system/cpu/online");
	return r < 0 ? r : host_write(h, online, CGROUP_MOUNT "/%s/cpuset.cpus", t->key);
}

/* Nothing set is the same with and without the file. */
static bool is_same_cpus(
	struct host *h, const struct target *t, const char *wanted, const char *now)
{
	if (streq(now, KNOB_ABSENT))
		now = "";
	return cpulist_is_same(h, t, streq(wanted, KNOB_ABSENT) ? "" : wanted, now);
}

const struct knob knob_cgroup_cpus = {
	.name = "cgroup.cpus",
	.summary = "CPUs of a group",
	.source = "cpuset.cpus (cgroup-v2.rst, \"Cpuset Interface Files\")",
	.read = read_cpus,
	.write = write_cpus,
	.is_same = is_same_cpus,
	.is_cpulist = true,
	.empty_is_all = true,
	.is_collateral = true, /* systemd writes it for unit.allowed_cpus, and cannot empty it */
};

/* ---- a group of our own ---- */

static int read_dir(struct host *h, const struct target *t, char **ret)
{
	uint64_t inode;
	int r = host_inode(h, &inode, CGROUP_MOUNT "/%s", t->key);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = xstrdup(r == 0 ? "present" : KNOB_ABSENT);
	return 0;
}

/* Threads that were born in the group meanwhile go to the parent, where the VM's others are. */
static int move_out(struct host *h, const char *group)
{
	AUTO_FREE char *threads = NULL, *parent = xstrdup(group);
	*strrchr(parent, '/') = 0;
	int r = host_read(h, &threads, NULL, CGROUP_MOUNT "/%s/cgroup.threads", group);
	char *next = threads;
	for (char *tid; r == 0 && (tid = str_next_line(&next));) {
		r = host_write(h, tid, CGROUP_MOUNT "/%s/cgroup.threads", parent);
		if (r == -ESRCH)
			r = 0;
	}
	return r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
}

static int write_dir(struct host *h, const struct target *t, const char *value)
{
	if (streq(value, "present"))
		return host_mkdir(h, CGROUP_MOUNT "/%s", t->key);
	int r = move_out(h, t->key);
	if (r == 0)
		r = host_rmdir(h, CGROUP_MOUNT "/%s", t->key);
	return r == -ENOENT ? 0 : r;
}

const struct knob knob_cgroup_dir = {
	.name = "cgroup.dir",
	.summary = "a group made for a VM's vCPU threads",
	.source = "mkdir, rmdir (cgroup-v2.rst, \"Organizing Processes and Threads\")",
	.read = read_dir,
	.write = write_dir,
};

static int read_type(struct host *h, const struct target *t, char **ret)
{
	return read_group_file(h, t, "cgroup.type", ret);
}

/* There is no way back but removing the group, which cgroup.dir does. */
static int write_type(struct host *h, const struct target *t, const char *value)
{
	if (!streq(value, "threaded"))
		return 0;
	return host_write(h, value, CGROUP_MOUNT "/%s/cgroup.type", t->key);
}

const struct knob knob_cgroup_type = {
	.name = "cgroup.type",
	.summary = "makes that group take single threads of the process",
	.source = "cgroup.type (cgroup-v2.rst, \"Threads\")",
	.read = read_type,
	.write = write_type,
	.is_collateral = true,
};

/* ---- partitions ---- */

static int read_exclusive(struct host *h, const struct target *t, char **ret)
{
	return read_group_file(h, t, "cpuset.cpus.exclusive", ret);
}

static int write_exclusive(struct host *h, const struct target *t, const char *value)
{
	return write_group_list(h, t, "cpuset.cpus.exclusive", value);
}

static const char *explain_exclusive(int error)
{
	return error == -EINVAL ? "another group has some of these CPUs" : NULL;
}

const struct knob knob_cgroup_exclusive = {
	.name = "cgroup.exclusive",
	.summary = "CPUs that a group hands down to partitions below it",
	.source = "cpuset.cpus.exclusive (cgroup-v2.rst, \"Cpuset Interface Files\")",
	.read = read_exclusive,
	.write = write_exclusive,
	.is_same = is_same_cpus,
	.explain = explain_exclusive,
	.is_cpulist = true,
};

/* The CPUs of the list in the file at this path; empty when it is absent. */
static struct cpuset read_cpulist(struct host *h, const char *path)
{
	AUTO_FREE char *text = NULL;
	struct cpuset set = CPUSET_EMPTY;
	if (host_read(h, &text, NULL, "%s", path) < 0 || cpuset_parse_list(text, &set) < 0)
		return CPUSET_EMPTY;
	return set;
}

/* The word in the file proves little: kernels have shown "isolated" while the root kept using the
 * CPUs. So the sets are compared too. */
static int read_partition(struct host *h, const struct target *t, char **ret)
{
	AUTO_FREE char *word = NULL;
	int r = read_group_file(h, t, "cpuset.cpus.partition", &word);
	if (r < 0)
		return r;
	if (streq(word, "isolated")) {
		AUTO_FREE char *path = xasprintf(CGROUP_MOUNT "/%s/cpuset.cpus.exclusive", t->key);
		struct cpuset own = read_cpulist(h, path);
		struct cpuset root = read_cpulist(h, CGROUP_MOUNT "/cpuset.cpus.effective");
		struct cpuset shared = cpuset_and(&own, &root);
		if (!cpuset_is_empty(&shared)) {
			AUTO_FREE char *list = cpuset_format_list(&shared);
			*ret = xasprintf("isolated, but the root still uses %s", list);
			return 0;
		}
	}
	*ret = TAKE(word);
	return 0;
}

static int write_partition(struct host *h, const struct target *t, const char *value)
{
	bool is_reset = streq(value, KNOB_ABSENT);
	int r = host_write(
		h, is_reset ? "member" : value, CGROUP_MOUNT "/%s/cpuset.cpus.partition", t->key);
	return is_reset && r == -ENOENT ? 0 : r;
}

/* "isolated invalid (Parent is not a partition root)" and the like are what became of ours. */
static bool is_our_partition(
	struct host *h, const struct target *t, const char *ours, const char *now)
{
	(void)h;
	(void)t;
	return str_after(now, ours) || streq(now, "member");
}

const struct knob knob_cgroup_partition = {
	.name = "cgroup.partition",
	.summary = "makes a group an isolated partition: no load balancing, nobody else",
	.source = "cpuset.cpus.partition (cgroup-v2.rst, \"Cpuset Interface Files\")",
	.read = read_partition,
	.write = write_partition,
	.is_ours = is_our_partition,
};

int cgroup_effective(struct host *h, const char *group, char **ret)
{
	AUTO_FREE char *path = xstrdup(group);
	for (;;) {
		AUTO_FREE char *file = xasprintf(
			CGROUP_MOUNT "/%s%scpuset.cpus.effective", path, *path ? "/" : "");
		int r = knob_read_list(h, ret, file);
		if (r != -ENOENT || !*path)
			return r;
		char *slash = strrchr(path, '/');
		*(slash ? slash : path) = 0;
	}
}
