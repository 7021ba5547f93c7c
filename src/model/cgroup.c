/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cgroup v2 tree with the cpuset state of every group
 * (Documentation/admin-guide/cgroup-v2.rst). */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "kernel/cpus.h"
#include "kernel/partition.h"
#include "model/read.h"

struct groups {
	ARRAY(struct cgroup) v;
};

static const char *group_file(
	struct host *h, struct snapshot *s, const struct cgroup *g, const char *file)
{
	return read_text(h, s, "%s/%s%s%s", s->cgroup_mount, g->path, *g->path ? "/" : "", file);
}

/* The texts are kept as they are; what no kernel writes is told. */
static void check_texts(struct snapshot *s, const struct cgroup *g)
{
	const struct {
		const char *file, *text;
	} lists[] = { { "cpuset.cpus", g->cpus }, { "cpuset.cpus.exclusive", g->exclusive },
		{ "cpuset.mems", g->mems } };
	struct partition_state unused;
	struct cpuset set;
	for (size_t i = 0; i < N_ELEMENTS(lists); i++)
		if (lists[i].text && cpus_parse_list(lists[i].text, &set) < 0)
			snapshot_note(s, "%s/%s/%s: not a list: '%.40s'", s->cgroup_mount, g->path,
				lists[i].file, lists[i].text);
	if (g->partition && partition_parse(g->partition, &unused) < 0)
		snapshot_note(s, "%s/%s/cpuset.cpus.partition: not a state of a partition: '%.40s'",
			s->cgroup_mount, g->path, g->partition);
}

const struct cpuset *read_effective(struct host *h, struct snapshot *s, const struct cgroup *g)
{
	return read_cpulist(h, s, "%s/%s%scpuset.cpus.effective", s->cgroup_mount, g->path,
		*g->path ? "/" : "");
}

static void read_group(struct host *h, struct snapshot *s, struct cgroup *g)
{
	g->subtree_control = group_file(h, s, g, "cgroup.subtree_control");
	g->controllers = group_file(h, s, g, "cgroup.controllers");
	bool is_root = g->parent < 0;
	if (is_root || (g->controllers && str_has_word(g->controllers, "cpuset")))
		g->effective = read_effective(h, s, g);
	if (host_inode(h, &g->inode, "%s/%s", s->cgroup_mount, g->path) < 0)
		g->inode = 0;
	if (is_root)
		return;
	g->type = group_file(h, s, g, "cgroup.type");
	if (!g->effective)
		return;
	g->cpus = group_file(h, s, g, "cpuset.cpus");
	g->exclusive = group_file(h, s, g, "cpuset.cpus.exclusive");
	g->partition = group_file(h, s, g, "cpuset.cpus.partition");
	g->mems = group_file(h, s, g, "cpuset.mems");
	check_texts(s, g);
}

/* Files of a group that are no groups: those the kernel makes, "CONTROLLER.NAME". */
static bool is_kernel_file(const char *name)
{
	static const char *const prefixes[] = { "cgroup.", "cpuset.", "cpu.", "memory.", "io.",
		"pids.", "hugetlb.", "rdma.", "misc.", "irq.", "dmem." };
	for (size_t i = 0; i < N_ELEMENTS(prefixes); i++)
		if (str_after(name, prefixes[i]) && !str_has_suffix(name, ".slice") &&
			!str_has_suffix(name, ".scope") && !str_has_suffix(name, ".service"))
			return true;
	return false;
}

static void walk(
	struct host *h, struct snapshot *s, struct groups *all, const char *path, int parent)
{
	AUTO_NAMES struct host_names names = { 0 };
	int r = *path ? host_list_below(h, &names, "%s/%s", s->cgroup_mount, path)
		      : host_list(h, &names, "%s/", s->cgroup_mount);
	if (r < 0)
		return; /* a file after all, or gone */
	struct cgroup g = { .path = arena_strdup(&s->arena, path), .parent = parent };
	read_group(h, s, &g);
	int self = (int)all->v.n;
	*array_push(&all->v) = g;
	for (size_t i = 0; i < names.n; i++) {
		if (is_kernel_file(names.v[i]))
			continue;
		AUTO_FREE char *child = xasprintf("%s%s%s", path, *path ? "/" : "", names.v[i]);
		walk(h, s, all, child, self);
	}
}

static int by_path(const void *a, const void *b, void *cgroups)
{
	const struct cgroup *all = cgroups;
	return strcmp(all[*(const int *)a].path, all[*(const int *)b].path);
}

static void index_cgroups(struct snapshot *s)
{
	s->cgroup_index = arena_alloc(&s->arena, s->n_cgroups * sizeof *s->cgroup_index);
	for (size_t i = 0; i < s->n_cgroups; i++)
		s->cgroup_index[i] = (int)i;
	qsort_r(s->cgroup_index, s->n_cgroups, sizeof *s->cgroup_index, by_path, s->cgroups);
}

/* A hybrid systemd mounts the unified hierarchy, without cpuset, one level down. */
static const char *const mounts[] = { "sys/fs/cgroup", "sys/fs/cgroup/unified" };

static const char *find_mount(struct host *h)
{
	for (size_t i = 0; i < N_ELEMENTS(mounts); i++) {
		AUTO_FREE char *text = NULL;
		if (host_read(h, &text, NULL, "%s/cgroup.controllers", mounts[i]) == 0)
			return mounts[i];
	}
	return NULL;
}

void read_cgroups(struct host *h, struct snapshot *s)
{
	AUTO_NAMES struct host_names unused = { 0 };
	s->has_systemd = host_list(h, &unused, "run/systemd/system") == 0;
	s->cgroup_mount = find_mount(h);
	if (!s->cgroup_mount)
		return;
	struct groups all = { 0 };
	walk(h, s, &all, "", -1);
	if (!all.v.n) {
		snapshot_note(s, "%s: the groups in it cannot be listed", s->cgroup_mount);
		s->cgroup_mount = NULL;
		return;
	}
	s->cgroups = arena_dup(&s->arena, all.v.v, all.v.n, sizeof *all.v.v);
	s->n_cgroups = all.v.n;
	free(all.v.v);
	index_cgroups(s);

	const struct cgroup *root = &s->cgroups[0];
	s->has_cpuset = streq(s->cgroup_mount, mounts[0]) && root->controllers &&
		str_has_word(root->controllers, "cpuset");
	s->root_isolated = read_cpulist(h, s, "%s/cpuset.cpus.isolated", s->cgroup_mount);
	/* The root has no cpuset.cpus.exclusive to look at while cpuset is enabled nowhere;
	 * cpuset.cpus.isolated came a release later and stands in for it. */
	s->has_remote_partitions = s->has_cpuset && s->root_isolated;
	for (size_t i = 0; i < s->n_cgroups; i++)
		s->has_remote_partitions |= s->cgroups[i].exclusive != NULL;
}
