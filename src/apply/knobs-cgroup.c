/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroup v2 and its cpuset controller (Documentation/admin-guide/cgroup-v2.rst). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apply/knob.h"
#include "apply/probe.h"
#include "base/str.h"
#include "host/host-write.h"
#include "plan/settings.h"

/* KNOB_GONE when the group is gone, or another one has its path. */
static int check_group(struct host *h, const struct target *t)
{
	uint64_t inode, was;
	int r = host_inode(h, &inode, CGROUP_MOUNT "/%s", t->key);
	if (r < 0)
		return r == -ENOENT ? KNOB_GONE : r;
	return t->id && str_to_u64(t->id, &was) == 0 && was != inode ? KNOB_GONE : 0;
}

/* The row's file of the group, as text without blanks around it; NULL where it does not exist.
 * Groups of our own making (without id) may be absent as a whole. */
static int read_text(struct host *h, const struct knob *k, const struct target *t, char **ret)
{
	AUTO_FREE char *path = knob_path(k, t), *text = NULL;
	int r = check_group(h, t);
	if (r == 0)
		r = host_read(h, &text, NULL, "%s", path);
	bool is_absent = r == KNOB_GONE ? !t->id : r == -ENOENT && check_group(h, t) == 0;
	if (is_absent) {
		*ret = NULL;
		return 0;
	}
	if (r == 0)
		*ret = xstrdup(str_trim(text));
	return r == -ENOENT ? KNOB_GONE : r;
}

static int read_group_file(struct host *h, const struct knob *k, const struct target *t,
	struct arena *a, struct value *ret)
{
	AUTO_FREE char *text = NULL;
	int r = read_text(h, k, t, &text);
	if (r == 0 && !text)
		*ret = VALUE_IS_ABSENT;
	return r || !text ? r : value_parse(k, text, a, ret);
}

/* The kernel wants a newline to take an empty list. */
static int write_group_list(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	AUTO_FREE char *path = knob_path(k, t), *list = NULL;
	if (v->kind == VALUE_SET) {
		list = cpuset_format_list(v->cpus);
		return host_write(h, list, "%s", path);
	}
	int r = host_write(h, "\n", "%s", path);
	return r == -ENOENT ? 0 : r;
}

/* Nothing set is the same with and without the file. */
static bool is_same_list(
	struct host *h, const struct target *t, const struct value *wanted, const struct value *now)
{
	(void)h;
	(void)t;
	return value_equal(wanted, now) || (wanted->kind != VALUE_SET && now->kind != VALUE_SET);
}

/* ---- cgroup.subtree_control ---- */

static int read_cpuset(struct host *h, const struct knob *k, const struct target *t,
	struct arena *a, struct value *ret)
{
	(void)a;
	AUTO_FREE char *text = NULL;
	int r = read_text(h, k, t, &text);
	bool is_on = text && str_has_word(text, "cpuset");
	if (r == 0)
		*ret = value_word(is_on ? "enabled" : "disabled");
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
static int write_cpuset(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	(void)k;
	bool is_on = v->kind == VALUE_WORD && streq(v->word, "enabled");
	if (!is_on && is_used_below(h, t->key))
		return -EBUSY;
	return host_write(h, is_on ? "+cpuset" : "-cpuset",
		CGROUP_MOUNT "/%s%scgroup.subtree_control", t->key, *t->key ? "/" : "");
}

const struct knob_ops cgroup_cpuset_ops = {
	.name = "cgroup.cpuset",
	.read = read_cpuset,
	.write = write_cpuset,
};

/* ---- cpuset.cpus, cpuset.mems ---- */

/* Kernels before 7.0 refuse to empty the list of a group that has tasks. All CPUs, or nodes, is
 * then the nearest; the list that stays is reported as residue unless the controller goes too. */
static int write_emptied(struct host *h, const struct knob *k, const struct target *t,
	const struct value *v, const char *all_path)
{
	int r = write_group_list(h, k, t, v);
	if (r != -ENOSPC || v->kind == VALUE_SET)
		return r;
	ability_learn(h, ABILITY_EMPTY_LIST, ANSWER_NO);
	struct cpuset all;
	r = read_list_file(h, all_path, &all);
	if (r == 0)
		r = write_group_list(h, k, t, &(struct value){ VALUE_SET, { &all } });
	return r < 0 ? r : KNOB_LATER;
}

static int write_cpus(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	return write_emptied(h, k, t, v, "sys/devices/system/cpu/online");
}

/* Pages of the group's tasks move along, as far as the kernel can move them: out of nodes that it
 * loses, and nowhere when it gets more. */
static int write_mems(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	return write_emptied(h, k, t, v, CGROUP_MOUNT "/cpuset.mems.effective");
}

/* A plan writes nothing to find out: what it says before anybody has is by the release, and that is
 * said, for distributions carry changes back. */
static const char *list_stays(struct host *h)
{
	switch (ability_recall(h, ABILITY_EMPTY_LIST)) {
	case ANSWER_YES:
		return NULL;
	case ANSWER_NO:
		return "this kernel does not empty the list of a group in use";
	case ANSWER_UNKNOWN:
		break;
	}
	return release_keeps_lists(h) ? "by its release (before 7.0) this kernel does not empty "
					"the list of a group in use; not tried here yet"
				      : NULL;
}

const struct knob_ops cgroup_cpus_ops = {
	.name = "cgroup.cpus",
	.unit_property = "AllowedCPUs",
	.stays = list_stays,
	.read = read_group_file,
	.write = write_cpus,
	.is_same = is_same_list,
};

const struct knob_ops cgroup_mems_ops = {
	.name = "cgroup.mems",
	.unit_property = "AllowedMemoryNodes",
	.stays = list_stays,
	.read = read_group_file,
	.write = write_mems,
	.is_same = is_same_list,
};

/* ---- a group of our own ---- */

static int read_dir(struct host *h, const struct knob *k, const struct target *t, struct arena *a,
	struct value *ret)
{
	(void)k;
	(void)a;
	uint64_t inode;
	int r = host_inode(h, &inode, CGROUP_MOUNT "/%s", t->key);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = r == 0 ? value_word("present") : VALUE_IS_ABSENT;
	return 0;
}

/* Threads that were born in the group meanwhile go to the parent, where the VM's others are. */
static int move_out(struct host *h, const char *group)
{
	AUTO_FREE char *threads = NULL, *parent = xstrdup(group);
	char *slash = strrchr(parent, '/');
	*(slash ? slash : parent) = 0;
	int r = host_read(h, &threads, NULL, CGROUP_MOUNT "/%s/cgroup.threads", group);
	char *next = threads;
	for (char *tid; r == 0 && (tid = str_next_line(&next));) {
		r = host_write(h, tid, CGROUP_MOUNT "/%s/cgroup.threads", parent);
		if (r == -ESRCH)
			r = 0;
	}
	return r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
}

static int write_dir(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	(void)k;
	if (v->kind == VALUE_WORD)
		return host_mkdir(h, CGROUP_MOUNT "/%s", t->key);
	int r = move_out(h, t->key);
	if (r == 0)
		r = host_rmdir(h, CGROUP_MOUNT "/%s", t->key);
	return r == -ENOENT ? 0 : r;
}

const struct knob_ops cgroup_dir_ops = {
	.name = "cgroup.dir",
	.read = read_dir,
	.write = write_dir,
};

/* There is no way back but removing the group, which cgroup.dir does. */
static int write_type(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	bool is_threaded = v->kind == VALUE_WORD && streq(v->word, "threaded");
	return is_threaded ? knob_write_file(h, k, t, v) : 0;
}

const struct knob_ops cgroup_type_ops = {
	.name = "cgroup.type",
	.read = read_group_file,
	.write = write_type,
};

/* ---- partitions ---- */

/* The CPUs of the list in the file at this path; empty when it is absent. */
static struct cpuset list_in(struct host *h, const char *path)
{
	struct cpuset set;
	return read_list_file(h, path, &set) < 0 ? CPUSET_EMPTY : set;
}

struct paths {
	const char **v;
	size_t n, room;
};

/* A partition of ours whose CPUs are not all left to it. */
static int give_back(struct host *h, const char *group, const struct cpuset *left)
{
	AUTO_FREE char *path = xasprintf(CGROUP_MOUNT "/%s/cpuset.cpus.exclusive", group);
	AUTO_FREE char *word = NULL;
	struct cpuset own = list_in(h, path);
	int r = host_read(h, &word, NULL, CGROUP_MOUNT "/%s/cpuset.cpus.partition", group);
	bool is_partition = r == 0 && (str_after(word, "isolated") || str_after(word, "root"));
	if (!is_partition || cpuset_is_subset(&own, left))
		return r == -ENOENT ? 0 : r;
	return host_write(h, "member", CGROUP_MOUNT "/%s/cpuset.cpus.partition", group);
}

/* Adds the paths of our groups for vCPUs at or below the group. */
static int list_ours(struct host *h, const char *group, struct arena *a, struct paths *ret)
{
	AUTO_NAMES struct host_names names = { 0 };
	int r = host_list(h, &names, CGROUP_MOUNT "/%s", group);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const char *child = arena_printf(a, "%s/%s", group, names.v[i]);
		if (str_after(names.v[i], "cgroup.") || str_after(names.v[i], "cpuset."))
			continue;
		if (streq(names.v[i], VCPUS_GROUP))
			*list_push(a, ret) = child;
		else
			r = list_ours(h, child, a, ret);
	}
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static int give_back_below(struct host *h, const char *group, const struct cpuset *left)
{
	struct arena a = { 0 };
	struct paths ours = { 0 };
	int r = list_ours(h, group, &a, &ours);
	for (size_t i = 0; r == 0 && i < ours.n; i++)
		r = give_back(h, ours.v[i], left);
	arena_done(&a);
	return r;
}

/* Partitions of ours in the group have these CPUs, or had them until they were dissolved. */
static bool is_ours(struct host *h, const char *group, const struct cpuset *cpus)
{
	struct arena a = { 0 };
	struct paths ours = { 0 };
	struct cpuset sum = CPUSET_EMPTY;
	int r = list_ours(h, group, &a, &ours);
	array_for_each (path, &ours) {
		struct cpuset has = list_in(
			h, arena_printf(&a, CGROUP_MOUNT "/%s/cpuset.cpus.exclusive", *path));
		cpuset_add_all(&sum, &has);
	}
	arena_done(&a);
	return r == 0 && cpuset_is_subset(cpus, &sum);
}

/* VMs that swap CPUs wait for each other: whose turn it is takes them from a group beside it, where
 * they are a partition's of ours. That one's own turn is still to come. */
static int take_from(struct host *h, const char *group, const struct cpuset *wanted)
{
	AUTO_FREE char *path = xasprintf(CGROUP_MOUNT "/%s/cpuset.cpus.exclusive", group);
	struct cpuset has = list_in(h, path), taken = cpuset_and(&has, wanted);
	struct cpuset left = cpuset_minus(&has, &taken);
	if (cpuset_is_empty(&taken))
		return 0;
	if (!is_ours(h, group, &taken))
		return -EINVAL;
	AUTO_FREE char *list = cpuset_format_list(&left);
	int r = give_back_below(h, group, &left);
	return r < 0 ? r : host_write(h, *list ? list : "\n", "%s", path);
}

static int take_from_siblings(struct host *h, const char *group, const struct cpuset *wanted)
{
	AUTO_NAMES struct host_names names = { 0 };
	AUTO_FREE char *parent = xstrdup(group);
	char *slash = strrchr(parent, '/');
	const char *own = slash ? group + (slash - parent) + 1 : group;
	*(slash ? slash : parent) = 0;
	int r = host_list(h, &names, CGROUP_MOUNT "/%s", parent);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *other = xasprintf("%s%s%s", parent, slash ? "/" : "", names.v[i]);
		if (!streq(names.v[i], own))
			r = take_from(h, other, wanted);
	}
	return r;
}

/* Where a group above takes CPUs from a live partition, or it asks for more than that has, kernels
 * before 7.0 lose track of them until the next boot: it is dissolved first. At the end, when
 * everything is looked at once more, it is found not to be one, and made one again, of its new
 * CPUs. */
static int write_exclusive(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	AUTO_FREE char *path = knob_path(k, t);
	struct cpuset was = list_in(h, path), left = CPUSET_EMPTY;
	if (v->kind == VALUE_SET)
		left = *v->cpus;
	int r = str_has_suffix(t->key, "/" VCPUS_GROUP) ? give_back(h, t->key, &CPUSET_EMPTY)
		: cpuset_is_subset(&was, &left)         ? 0
							: give_back_below(h, t->key, &left);
	if (r == 0)
		r = write_group_list(h, k, t, v);
	if (r == -EINVAL && take_from_siblings(h, t->key, &left) == 0)
		r = write_group_list(h, k, t, v);
	return r;
}

const struct knob_ops cgroup_exclusive_ops = {
	.name = "cgroup.exclusive",
	.read = read_group_file,
	.write = write_exclusive,
	.is_same = is_same_list,
};

/* The word in the file proves little: kernels have shown "isolated" while the root kept using the
 * CPUs. So the sets are compared too. */
static int read_partition(struct host *h, const struct knob *k, const struct target *t,
	struct arena *a, struct value *ret)
{
	int r = read_group_file(h, k, t, a, ret);
	bool is_partition = r == 0 && ret->kind == VALUE_WORD &&
		(streq(ret->word, "isolated") || streq(ret->word, "root"));
	if (!is_partition)
		return r;
	AUTO_FREE char *path = xasprintf(CGROUP_MOUNT "/%s/cpuset.cpus.exclusive", t->key);
	struct cpuset own = list_in(h, path);
	struct cpuset root = list_in(h, CGROUP_MOUNT "/cpuset.cpus.effective");
	struct cpuset shared = cpuset_and(&own, &root);
	if (!cpuset_is_empty(&shared)) {
		AUTO_FREE char *list = cpuset_format_list(&shared);
		*ret = value_word(
			arena_printf(a, "%s, but the root still uses %s", ret->word, list));
	}
	return 0;
}

static int write_partition(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	if (v->kind == VALUE_WORD)
		return knob_write_file(h, k, t, v);
	int r = knob_write_file(h, k, t, &(struct value){ VALUE_WORD, { .word = "member" } });
	return r == -ENOENT ? 0 : r;
}

/* "isolated invalid (Parent is not a partition root)" and the like are what became of ours. */
static bool is_our_partition(
	struct host *h, const struct target *t, const struct value *ours, const struct value *now)
{
	(void)h;
	(void)t;
	return ours->kind == VALUE_WORD && now->kind == VALUE_WORD &&
		(str_after(now->word, ours->word) || streq(now->word, "member"));
}

const struct knob_ops cgroup_partition_ops = {
	.name = "cgroup.partition",
	.read = read_partition,
	.write = write_partition,
	.is_ours = is_our_partition,
};

int cgroup_effective(struct host *h, const char *group, struct cpuset *ret)
{
	AUTO_FREE char *path = xstrdup(group);
	for (;;) {
		AUTO_FREE char *file = xasprintf(
			CGROUP_MOUNT "/%s%scpuset.cpus.effective", path, *path ? "/" : "");
		int r = read_list_file(h, file, ret);
		if (r != -ENOENT || !*path)
			return r;
		char *slash = strrchr(path, '/');
		*(slash ? slash : path) = 0;
	}
}
