/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cpuset controller of a tree: who has which CPUs, worked out anew after every change from
 * what was written (cpuset.cpus, .exclusive, .partition, cgroup.subtree_control).
 *
 * Follows Documentation/admin-guide/cgroup-v2.rst, "Cpuset Interface Files", and what kernel 6.12
 * does beyond it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "kernel.h"

char *tree_group_file(const char *group, const char *file)
{
	return xasprintf(TREE_CGROUPS "/%s%s%s", group, *group ? "/" : "", file);
}

void tree_groups_done(struct tree_groups *g)
{
	array_for_each (group, &g->v)
		free(group->path);
	free(g->v.v);
}

static struct cpuset online_cpus(struct host *h)
{
	return tree_read_list(h, "sys/devices/system/cpu/online");
}

/* ---- reading ---- */

static bool has_word(struct host *h, const char *group, const char *file, const char *word)
{
	AUTO_FREE char *path = tree_group_file(group, file), *text = NULL;
	return tree_read(h, path, &text) == 0 && str_has_word(text, word);
}

static struct cpuset group_list(struct host *h, const char *group, const char *file)
{
	AUTO_FREE char *path = tree_group_file(group, file);
	return tree_read_list(h, path);
}

static void read_group(struct host *h, struct tree_groups *all, struct tree_group *g)
{
	struct tree_group *parent = g->parent < 0 ? NULL : &all->v.v[g->parent];
	g->has_cpuset =
		parent ? parent->gives_cpuset : has_word(h, "", "cgroup.controllers", "cpuset");
	g->gives_cpuset = has_word(h, g->path, "cgroup.subtree_control", "cpuset");
	g->before = parent ? parent->before : online_cpus(h);
	if (!g->has_cpuset)
		return;
	AUTO_FREE char *effective = tree_group_file(g->path, "cpuset.cpus.effective");
	AUTO_FREE char *partition = tree_group_file(g->path, "cpuset.cpus.partition");
	AUTO_FREE char *state = NULL;
	if (tree_exists(h, effective))
		g->before = tree_read_list(h, effective);
	if (!parent)
		return;
	g->cpus = group_list(h, g->path, "cpuset.cpus");
	g->exclusive = group_list(h, g->path, "cpuset.cpus.exclusive");
	g->is_live = tree_read(h, partition, &state) == 0 &&
		(streq(state, "isolated") || streq(state, "root"));
	g->is_remote = g->is_live && g->parent > 0 && !parent->is_live;
}

/* Kernel files are "CONTROLLER.NAME", and no group should be called so (cgroup-v2.rst, "Avoid Name
 * Collisions"). "lxc.monitor" is a group. */
static bool may_be_group(const char *name)
{
	static const char *const controllers[] = { "cgroup.", "cpuset.", "cpu.", "memory.", "io.",
		"pids.", "hugetlb.", "rdma.", "misc.", "irq." };
	for (size_t i = 0; i < N_ELEMENTS(controllers); i++)
		if (str_after(name, controllers[i]))
			return false;
	return true;
}

static int walk(struct host *h, struct tree_groups *all, const char *path, int parent)
{
	AUTO_NAMES struct host_names names = { 0 };
	AUTO_FREE char *dir = xasprintf(TREE_CGROUPS "/%s", path);
	int r = host_list_path(h, dir, 0, &names);
	if (r < 0)
		return r;
	int self = (int)all->v.n;
	struct tree_group *g = array_push(&all->v);
	g->path = xstrdup(path);
	g->parent = parent;
	read_group(h, all, g);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *child = xasprintf("%s%s%s", path, *path ? "/" : "", names.v[i]);
		if (may_be_group(names.v[i]))
			r = walk(h, all, child, self);
		if (r == -ENOTDIR)
			r = 0;
	}
	return r;
}

int tree_groups_load(struct host *h, struct tree_groups *ret)
{
	return walk(h, ret, "", -1);
}

/* ---- partitions ---- */

/* What a partition made of the group has: its exclusive CPUs, or else its CPUs. */
static struct cpuset partition_cpus(const struct tree_group *g)
{
	return cpuset_is_empty(&g->exclusive) ? g->cpus : g->exclusive;
}

static struct cpuset taken_by_others(const struct tree_groups *all, const struct tree_group *but)
{
	struct cpuset set = CPUSET_EMPTY;
	array_for_each (g, &all->v) {
		struct cpuset own = partition_cpus(g);
		if (g->is_live && g != but)
			set = cpuset_or(&set, &own);
	}
	return set;
}

/* Directly below the root, another group that names the CPUs is in the way. */
static bool has_overlapping_sibling(const struct tree_groups *all, const struct tree_group *g)
{
	struct cpuset own = partition_cpus(g);
	array_for_each (x, &all->v) {
		if (x != g && x->parent == g->parent && cpuset_intersects(&x->cpus, &own))
			return true;
	}
	return false;
}

static bool is_handed_down(const struct tree_groups *all, const struct tree_group *g)
{
	struct cpuset own = partition_cpus(g);
	for (int i = g->parent; i > 0; i = all->v.v[i].parent)
		if (!cpuset_is_subset(&own, &all->v.v[i].exclusive))
			return false;
	return true;
}

const char *tree_why_invalid(struct host *h, const struct tree_groups *all, size_t i)
{
	const struct tree_group *g = &all->v.v[i];
	bool is_local = g->parent == 0 || all->v.v[g->parent].is_live;
	struct cpuset own = partition_cpus(g), others = taken_by_others(all, g);
	struct cpuset online = online_cpus(h), left = cpuset_minus(&online, &others);
	left = cpuset_minus(&left, &own);
	if (tree_has(h, "refuses-partitions") || (is_local && has_overlapping_sibling(all, g)))
		return "Cpu list in cpuset.cpus not exclusive";
	if (cpuset_is_empty(&own))
		return "cpuset.cpus and cpuset.cpus.exclusive are empty";
	if (!is_local && tree_has(h, "no-exclusive"))
		return "Parent is not a partition root";
	if (!is_local && (cpuset_is_empty(&g->exclusive) || !is_handed_down(all, g)))
		return "Invalid cpu list in cpuset.cpus.exclusive";
	if (cpuset_intersects(&own, &others))
		return "Invalid cpu list in cpuset.cpus.exclusive";
	if (cpuset_is_empty(&left))
		return "Parent unable to distribute cpu downstream";
	return NULL;
}

/* A remote partition that loses its CPUs from above turns into a plain member without a word, and
 * 6.12 then forgets to give the CPUs back. A local one turns invalid. */
static int demote(struct host *h, struct tree_groups *all, size_t i)
{
	struct tree_group *g = &all->v.v[i];
	const char *why = g->is_live ? tree_why_invalid(h, all, i) : NULL;
	AUTO_FREE char *file = tree_group_file(g->path, "cpuset.cpus.partition");
	if (!why)
		return 0;
	g->is_live = false;
	if (!g->is_remote) {
		AUTO_FREE char *text = xasprintf("isolated invalid (%s)\n", why);
		return tree_put(h, file, text);
	}
	struct cpuset leaked = tree_read_list(h, ".leaked"), before = g->before;
	leaked = cpuset_or(&leaked, &before);
	int r = tree_put_list(h, ".leaked", &leaked);
	return r < 0 ? r : tree_put(h, file, "member\n");
}

/* ---- working it out ---- */

static int put_effective(struct host *h, const struct tree_groups *all, const struct tree_group *g)
{
	AUTO_FREE char *effective = tree_group_file(g->path, "cpuset.cpus.effective");
	AUTO_FREE char *exclusive = tree_group_file(g->path, "cpuset.cpus.exclusive.effective");
	if (!g->has_cpuset)
		return 0;
	int r = tree_put_list(h, effective, &g->now);
	if (r < 0 || g->parent < 0 || !tree_exists(h, exclusive))
		return r;
	struct cpuset set = g->exclusive;
	for (int i = g->parent; i > 0; i = all->v.v[i].parent)
		set = cpuset_and(&set, &all->v.v[i].exclusive);
	return tree_put_list(h, exclusive, &set);
}

static struct cpuset effective_of(const struct tree_groups *all, const struct tree_group *g)
{
	const struct tree_group *parent = &all->v.v[g->parent];
	if (!g->has_cpuset)
		return parent->now;
	if (g->is_live)
		return partition_cpus(g);
	struct cpuset set = cpuset_and(&g->cpus, &parent->now);
	return cpuset_is_empty(&set) ? parent->now : set;
}

static int refresh_threads(struct host *h, const struct tree_group *g, bool forgets)
{
	AUTO_FREE char *path = tree_group_file(g->path, "cgroup.threads"), *text = NULL;
	int tid, r = tree_read(h, path, &text);
	if (r < 0)
		return 0;
	char *next = text;
	for (char *line; r == 0 && (line = str_next_line(&next));) {
		if (str_to_int(line, &tid) == 0)
			r = tree_refresh_task(h, tid, &g->before, &g->now, forgets);
		if (r == -ESRCH) /* a list that is not quite true */
			r = 0;
	}
	return r;
}

static int put_isolated(struct host *h, const struct cpuset *set)
{
	static const char file[] = TREE_CGROUPS "/cpuset.cpus.isolated";
	return tree_exists(h, file) ? tree_put_list(h, file, set) : 0;
}

int tree_recompute(struct host *h, struct tree_groups *all)
{
	int r = 0;
	for (size_t i = 1; r == 0 && i < all->v.n; i++)
		r = demote(h, all, i);
	struct cpuset online = online_cpus(h), leaked = tree_read_list(h, ".leaked");
	struct cpuset gone = taken_by_others(all, NULL);
	gone = cpuset_or(&gone, &leaked);
	all->v.v[0].now = cpuset_minus(&online, &gone);
	if (r == 0)
		r = put_isolated(h, &gone);
	for (size_t i = 0; r == 0 && i < all->v.n; i++) {
		struct tree_group *g = &all->v.v[i];
		if (i)
			g->now = effective_of(all, g);
		r = put_effective(h, all, g);
		if (r == 0 && !cpuset_equal(&g->now, &g->before))
			r = refresh_threads(h, g, tree_has(h, "forgets-pins"));
	}
	return r;
}
