/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes to the files of a tree's cgroups, with the errors that the kernel has for them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "kernel.h"

static int read_file(struct host *h, const char *group, const char *file, char **ret)
{
	AUTO_FREE char *path = tree_group_file(group, file);
	return tree_read(h, path, ret);
}

static int put_file(struct host *h, const char *group, const char *file, const char *text)
{
	AUTO_FREE char *path = tree_group_file(group, file);
	return tree_put(h, path, text);
}

/* The text of the file; "" when it cannot be read. */
static char *text_of(struct host *h, const char *group, const char *file)
{
	char *text = NULL;
	return read_file(h, group, file, &text) == 0 ? text : xstrdup("");
}

static char *parent_of(const char *group)
{
	const char *slash = strrchr(group, '/');
	return slash ? xstrndup(group, (size_t)(slash - group)) : xstrdup("");
}

static struct tree_group *find(struct tree_groups *all, const char *group)
{
	array_for_each (g, &all->v) {
		if (streq(g->path, group))
			return g;
	}
	return NULL;
}

/* ---- controllers ---- */

/* Adds or takes out "cpuset"; in the files it comes first. */
static int set_word(struct host *h, const char *group, const char *file, bool is_on)
{
	AUTO_FREE char *text = text_of(h, group, file);
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, is_on ? "cpuset" : "");
	char *next = text;
	for (char *word; (word = str_next_word(&next));)
		if (!streq(word, "cpuset"))
			strbuf_printf(&b, "%s%s", b.n ? " " : "", word);
	if (b.n)
		strbuf_puts(&b, "\n");
	return put_file(h, group, file, b.s);
}

/* The files of a group that has the controller. */
static const struct {
	const char *name, *text;
} cpuset_files[] = {
	{ "cpuset.cpus", "\n" }, { "cpuset.cpus.effective", "\n" },
	{ "cpuset.cpus.exclusive", "\n" }, { "cpuset.cpus.exclusive.effective", "\n" },
	{ "cpuset.cpus.partition", "member\n" }, { "cpuset.mems", "\n" },
	{ "cpuset.mems.effective", NULL }, /* as the root's */
};

static int add_cpuset_files(struct host *h, const char *group)
{
	AUTO_FREE char *mems = text_of(h, "", "cpuset.mems.effective");
	AUTO_FREE char *line = xasprintf("%s\n", mems);
	int r = 0;
	for (size_t i = 0; r == 0 && i < N_ELEMENTS(cpuset_files); i++) {
		if (tree_has(h, "no-exclusive") && strstr(cpuset_files[i].name, "exclusive"))
			continue;
		const char *text = cpuset_files[i].text;
		r = put_file(h, group, cpuset_files[i].name, text ? text : line);
	}
	return r;
}

static int remove_cpuset_files(struct host *h, const char *group)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < N_ELEMENTS(cpuset_files); i++) {
		AUTO_FREE char *path = tree_group_file(group, cpuset_files[i].name);
		r = tree_remove(h, path);
	}
	return r;
}

/* A group of ours that appears or vanishes, or the controller for one. */
static int recompute_now(struct host *h, const struct tree_groups *before, bool forgets)
{
	CLEANUP(tree_groups_done) struct tree_groups all = { 0 };
	int r = tree_groups_load(h, &all);
	if (r < 0)
		return r;
	array_for_each (g, &all.v) {
		array_for_each (old, &before->v) {
			if (streq(g->path, old->path))
				g->before = old->before;
		}
		if (forgets)
			g->before = CPUSET_EMPTY;
	}
	return tree_recompute(h, &all);
}

static int write_subtree_control(struct host *h, const char *group, const char *text)
{
	CLEANUP(tree_groups_done) struct tree_groups all = { 0 };
	AUTO_FREE char *controllers = text_of(h, group, "cgroup.controllers");
	AUTO_FREE char *now = text_of(h, group, "cgroup.subtree_control");
	bool is_on = streq(text, "+cpuset"), was_on = str_has_word(now, "cpuset");
	if (!is_on && !streq(text, "-cpuset"))
		return -EINVAL;
	if (is_on && !str_has_word(controllers, "cpuset"))
		return -ENOENT;
	int r = tree_groups_load(h, &all);
	if (r < 0 || is_on == was_on)
		return r;
	ssize_t self = find(&all, group) - all.v.v;
	array_for_each (g, &all.v) {
		if (g->parent == self && !is_on && g->gives_cpuset)
			return -EBUSY;
	}
	r = set_word(h, group, "cgroup.subtree_control", is_on);
	array_for_each (g, &all.v) {
		if (g->parent != self || r < 0)
			continue;
		r = set_word(h, g->path, "cgroup.controllers", is_on);
		if (r == 0)
			r = is_on ? add_cpuset_files(h, g->path) : remove_cpuset_files(h, g->path);
	}
	/* before 6.2 a thread's own mask does not survive this */
	return r < 0 ? r : recompute_now(h, &all, tree_has(h, "forgets-pins"));
}

/* ---- cpuset ---- */

/* True when a thread is in the group or below. */
static bool is_populated(struct host *h, const struct tree_groups *all, const char *group)
{
	array_for_each (g, &all->v) {
		const char *rest = str_after(g->path, group);
		if (!rest || (*rest && *rest != '/'))
			continue;
		AUTO_FREE char *threads = text_of(h, g->path, "cgroup.threads");
		if (*threads)
			return true;
	}
	return false;
}

static int parse_cpus(struct host *h, const char *text, struct cpuset *ret)
{
	struct cpuset possible = tree_read_list(h, "sys/devices/system/cpu/possible");
	int r = cpuset_parse_list(text, ret);
	return r < 0 ? r : cpuset_is_subset(ret, &possible) ? 0 : -ERANGE;
}

static int put_list(struct host *h, const char *group, const char *file, const struct cpuset *set)
{
	AUTO_FREE char *path = tree_group_file(group, file);
	return tree_put_list(h, path, set);
}

/* Before 7.0 a group with tasks cannot be without CPUs of its own again. */
static int write_cpus(
	struct host *h, struct tree_groups *all, struct tree_group *g, const char *text)
{
	struct cpuset set;
	int r = parse_cpus(h, text, &set);
	if (r == 0 && cpuset_is_empty(&set) && !cpuset_is_empty(&g->cpus) &&
		!tree_has(h, "clears-cpus") && is_populated(h, all, g->path))
		r = -ENOSPC;
	if (r == 0)
		r = put_list(h, g->path, "cpuset.cpus", &set);
	if (r < 0)
		return r;
	bool is_change = !cpuset_equal(&g->cpus, &set);
	g->cpus = set;
	if (is_change && tree_has(h, "forgets-pins"))
		g->before = CPUSET_EMPTY;
	return tree_recompute(h, all);
}

/* "bind:0 anon=9 N0=3 N1=6 …" with the pages of other nodes on the first of the set. */
static char *move_line(const char *line, const struct cpuset *set)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *copy = xstrdup(line);
	long long moved = 0, pages;
	int node, first = cpuset_first(set);
	char *next = copy;
	strbuf_puts(&b, "");
	for (char *word; (word = str_next_word(&next));) {
		if (sscanf(word, "N%d=%lld", &node, &pages) == 2 &&
			(node == first || !cpuset_has(set, node)))
			moved += pages;
		else
			strbuf_printf(&b, "%s%s", b.n ? " " : "", word);
	}
	if (moved)
		strbuf_printf(&b, " N%d=%lld", first, moved);
	return TAKE(b.s);
}

/* What of a file that counts pages by node is elsewhere is moved. */
static int move_pages(struct host *h, const char *path, const struct cpuset *set)
{
	AUTO_FREE char *text = NULL;
	AUTO_STRBUF struct strbuf b = { 0 };
	if (tree_read(h, path, &text) < 0)
		return 0;
	char *next = text;
	for (char *line; (line = str_next_line(&next));) {
		AUTO_FREE char *moved = move_line(line, set);
		strbuf_printf(&b, "%s\n", moved);
	}
	return b.s ? tree_put(h, path, b.s) : 0;
}

/* As in cgroup v1 with cpuset.memory_migrate. Files that the host does not have count nothing. */
static int migrate(struct host *h, const char *group, const struct cpuset *set)
{
	AUTO_FREE char *tasks = text_of(h, group, "cgroup.threads");
	AUTO_FREE char *stat = tree_group_file(group, "memory.numa_stat");
	int r = move_pages(h, stat, set);
	char *next = tasks;
	for (char *tid; r == 0 && (tid = str_next_line(&next));) {
		AUTO_FREE char *maps = xasprintf("proc/%s/numa_maps", tid);
		r = move_pages(h, maps, set);
	}
	return r;
}

/* Before 7.0 a list is emptied no more than that of CPUs. */
static int write_mems(
	struct host *h, struct tree_groups *all, struct tree_group *g, const char *text)
{
	AUTO_FREE char *was = text_of(h, g->path, "cpuset.mems");
	struct cpuset set, memory = tree_read_list(h, TREE_CGROUPS "/cpuset.mems.effective");
	int r = cpuset_parse_list(text, &set);
	if (r == 0 && !cpuset_is_subset(&set, &memory))
		r = -EINVAL;
	if (r == 0 && cpuset_is_empty(&set) && *was && !tree_has(h, "clears-cpus") &&
		is_populated(h, all, g->path))
		r = -ENOSPC;
	if (r == 0)
		r = put_list(h, g->path, "cpuset.mems", &set);
	if (r == 0)
		r = put_list(h, g->path, "cpuset.mems.effective",
			cpuset_is_empty(&set) ? &memory : &set);
	return r < 0 || cpuset_is_empty(&set) ? r : migrate(h, g->path, &set);
}

static int write_exclusive(
	struct host *h, struct tree_groups *all, struct tree_group *g, const char *text)
{
	struct cpuset set;
	int r = parse_cpus(h, text, &set);
	array_for_each (x, &all->v) {
		if (x == g || x->parent != g->parent || r < 0)
			continue;
		bool is_within = !cpuset_is_empty(&x->cpus) && cpuset_is_subset(&x->cpus, &set);
		if (cpuset_intersects(&x->exclusive, &set) || is_within)
			r = -EINVAL;
	}
	if (r == 0)
		r = put_list(h, g->path, "cpuset.cpus.exclusive", &set);
	if (r < 0)
		return r;
	g->exclusive = set;
	return tree_recompute(h, all);
}

/* Fails for an unknown word only; anything else "succeeds", and the file says what became of it. */
static int write_partition(
	struct host *h, struct tree_groups *all, struct tree_group *g, const char *text)
{
	bool is_member = streq(text, "member");
	if (!is_member && !streq(text, "isolated") && !streq(text, "root"))
		return -EINVAL;
	g->is_live = false;
	const char *why = is_member ? NULL : tree_why_invalid(h, all, (size_t)(g - all->v.v));
	g->is_live = !is_member && !why;
	AUTO_FREE char *state =
		why ? xasprintf("%s invalid (%s)\n", text, why) : xasprintf("%s\n", text);
	int r = put_file(h, g->path, "cpuset.cpus.partition", state);
	return r < 0 ? r : tree_recompute(h, all);
}

/* ---- threads ---- */

/* The group whose process a thread of this group belongs to: past threaded groups. */
static char *domain_of(struct host *h, const char *group)
{
	AUTO_FREE char *at = xstrdup(group);
	for (;;) {
		AUTO_FREE char *type = text_of(h, at, "cgroup.type");
		if (!*at || !streq(type, "threaded"))
			return TAKE(at);
		char *parent = parent_of(at);
		free(at);
		at = parent;
	}
}

/* A list of numbers with one more or less; sorted, so that coming back makes no difference. */
static int change_threads(struct host *h, const char *group, int tid, bool is_in)
{
	AUTO_FREE char *text = text_of(h, group, "cgroup.threads");
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	char *next = text;
	for (char *line; (line = str_next_line(&next));) {
		int other = 0;
		if (str_to_int(line, &other) < 0 || other == tid)
			continue;
		if (is_in && other > tid) {
			strbuf_printf(&b, "%d\n", tid);
			is_in = false;
		}
		strbuf_printf(&b, "%d\n", other);
	}
	if (is_in)
		strbuf_printf(&b, "%d\n", tid);
	return put_file(h, group, "cgroup.threads", b.s);
}

static int write_threads(
	struct host *h, struct tree_groups *all, struct tree_group *g, const char *text)
{
	AUTO_FREE char *from = NULL;
	int tid, r = str_to_int(text, &tid);
	if (r == 0)
		r = tree_task_cgroup(h, tid, &from);
	if (r < 0)
		return r;
	AUTO_FREE char *type = text_of(h, g->path, "cgroup.type");
	AUTO_FREE char *domain = domain_of(h, g->path), *was = domain_of(h, from);
	if (!streq(domain, was) || streq(type, "domain invalid"))
		return -EOPNOTSUPP;
	struct tree_group *old = find(all, from);
	if (!old || old == g)
		return 0;
	r = tree_set_task_cgroup(h, tid, g->path);
	if (r == 0)
		r = change_threads(h, from, tid, false);
	if (r == 0)
		r = change_threads(h, g->path, tid, true);
	if (r == 0 && !cpuset_equal(&old->before, &g->before))
		r = tree_refresh_task(
			h, tid, &old->before, &g->before, tree_has(h, "forgets-pins"));
	return r;
}

/* One way: only removing the group undoes it. */
static int write_type(struct host *h, struct tree_group *g, const char *text)
{
	AUTO_FREE char *parent = parent_of(g->path);
	AUTO_FREE char *above = text_of(h, parent, "cgroup.type");
	if (!streq(text, "threaded"))
		return -EINVAL;
	int r = put_file(h, g->path, "cgroup.type", "threaded\n");
	if (r == 0 && streq(above, "domain"))
		r = put_file(h, parent, "cgroup.type", "domain threaded\n");
	return r;
}

int tree_write_cgroup(struct host *h, const char *group, const char *file, const char *text)
{
	CLEANUP(tree_groups_done) struct tree_groups all = { 0 };
	AUTO_FREE char *copy = xstrdup(text);
	const char *word = str_trim(copy);
	if (streq(file, "cgroup.subtree_control"))
		return write_subtree_control(h, group, word);
	int r = tree_groups_load(h, &all);
	struct tree_group *g = r < 0 ? NULL : find(&all, group);
	if (!g)
		return r < 0 ? r : -ENOENT;
	if (streq(file, "cpuset.cpus"))
		return write_cpus(h, &all, g, word);
	if (streq(file, "cpuset.mems"))
		return write_mems(h, &all, g, word);
	if (streq(file, "cpuset.cpus.exclusive"))
		return write_exclusive(h, &all, g, word);
	if (streq(file, "cpuset.cpus.partition"))
		return write_partition(h, &all, g, word);
	if (streq(file, "cgroup.threads"))
		return write_threads(h, &all, g, word);
	if (streq(file, "cgroup.type"))
		return write_type(h, g, word);
	return -EOPNOTSUPP;
}

/* ---- a process of the program's own ---- */

enum { IDLE_PID = 32000 };

static const char *const idle_files[] = { "stat", "status", "cgroup", "task/32000/stat",
	"task/32000/status", "task/32000/cgroup" };

int tree_start_idle(struct host *h, const char *group, int *ret_pid)
{
	static const char *const dirs[] = { "proc/32000", "proc/32000/task",
		"proc/32000/task/32000" };
	AUTO_FREE char *cpus = text_of(h, group, "cpuset.cpus.effective");
	AUTO_FREE char *cgroup = xasprintf("0::/%s\n", group);
	struct cpuset set;
	if (cpuset_parse_list(cpus, &set) < 0)
		return -EIO;
	AUTO_FREE char *mask = tree_format_mask(&set, 1);
	AUTO_FREE char *status =
		xasprintf("Name:\twideberth\nTgid:\t%d\nPid:\t%d\nCpus_allowed:\t%s\n"
			  "Cpus_allowed_list:\t%s\n",
			IDLE_PID, IDLE_PID, mask, cpus);
	AUTO_FREE char *stat =
		xasprintf("%d (wideberth) S 1 %d %d 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 "
			  "1 0 9000 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0\n",
			IDLE_PID, IDLE_PID, IDLE_PID);
	const char *const texts[] = { stat, status, cgroup };
	int r = 0;
	for (size_t i = 0; r == 0 && i < N_ELEMENTS(dirs); i++)
		r = tree_mkdir_plain(h, dirs[i]);
	for (size_t i = 0; r == 0 && i < N_ELEMENTS(idle_files); i++) {
		AUTO_FREE char *path = xasprintf("proc/32000/%s", idle_files[i]);
		r = tree_put(h, path, texts[i % N_ELEMENTS(texts)]);
	}
	*ret_pid = IDLE_PID;
	return r < 0 ? r : change_threads(h, group, IDLE_PID, true);
}

void tree_end_idle(struct host *h, int pid)
{
	AUTO_FREE char *group = NULL;
	if (tree_task_cgroup(h, pid, &group) == 0)
		(void)!change_threads(h, group, pid, false);
	(void)!tree_remove(h, "proc/32000/task/32000/asked");
	for (size_t i = N_ELEMENTS(idle_files); i-- > 0;) {
		AUTO_FREE char *path = xasprintf("proc/32000/%s", idle_files[i]);
		(void)!tree_remove(h, path);
	}
	(void)!tree_rmdir_plain(h, "proc/32000/task/32000");
	(void)!tree_rmdir_plain(h, "proc/32000/task");
	(void)!tree_rmdir_plain(h, "proc/32000");
}

/* ---- groups that come and go ---- */

/* Below a group with processes, or with threaded groups, a new one is good for nothing until it
 * is made threaded. */
static const char *type_at_birth(struct host *h, const char *parent)
{
	AUTO_FREE char *type = text_of(h, parent, "cgroup.type");
	AUTO_FREE char *threads = text_of(h, parent, "cgroup.threads");
	if (*parent && (!streq(type, "domain") || *threads))
		return "domain invalid\n";
	return "domain\n";
}

int tree_mkdir_cgroup(struct host *h, const char *path)
{
	CLEANUP(tree_groups_done) struct tree_groups before = { 0 };
	const char *group = str_after(path, TREE_CGROUPS "/");
	AUTO_FREE char *parent = parent_of(group);
	AUTO_FREE char *given = text_of(h, parent, "cgroup.subtree_control");
	AUTO_FREE char *controllers = xasprintf("%s%s", given, *given ? "\n" : "");
	int r = tree_groups_load(h, &before);
	if (r == 0)
		r = tree_mkdir_plain(h, path);
	if (r == 0)
		r = put_file(h, group, "cgroup.type", type_at_birth(h, parent));
	if (r == 0)
		r = put_file(h, group, "cgroup.controllers", controllers);
	if (r == 0)
		r = put_file(h, group, "cgroup.subtree_control", "");
	if (r == 0)
		r = put_file(h, group, "cgroup.threads", "");
	if (r == 0)
		r = put_file(h, group, "cgroup.procs", "");
	if (r == 0 && str_has_word(given, "cpuset"))
		r = add_cpuset_files(h, group);
	return r < 0 ? r : recompute_now(h, &before, false);
}

/* The last threaded child gone, the parent is an ordinary group again. */
static int restore_type(struct host *h, const char *parent)
{
	CLEANUP(tree_groups_done) struct tree_groups all = { 0 };
	AUTO_FREE char *above = text_of(h, parent, "cgroup.type");
	int r = tree_groups_load(h, &all);
	if (r < 0 || !streq(above, "domain threaded"))
		return r;
	ssize_t self = find(&all, parent) - all.v.v;
	array_for_each (g, &all.v) {
		AUTO_FREE char *type = text_of(h, g->path, "cgroup.type");
		if (g->parent == self && streq(type, "threaded"))
			return 0;
	}
	return put_file(h, parent, "cgroup.type", "domain\n");
}

int tree_rmdir_cgroup(struct host *h, const char *path)
{
	CLEANUP(tree_groups_done) struct tree_groups before = { 0 };
	AUTO_NAMES struct host_names names = { 0 };
	const char *group = str_after(path, TREE_CGROUPS "/");
	AUTO_FREE char *parent = parent_of(group);
	int r = host_list_path(h, path, 0, &names);
	if (r == 0)
		r = tree_groups_load(h, &before);
	if (r < 0)
		return r;
	array_for_each (g, &before.v) {
		if (str_after(g->path, group) && g->path[strlen(group)] == '/')
			return -EBUSY;
	}
	if (is_populated(h, &before, group))
		return -EBUSY;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *file = xasprintf("%s/%s", path, names.v[i]);
		r = tree_remove(h, file);
	}
	if (r == 0)
		r = tree_rmdir_plain(h, path);
	if (r == 0)
		r = restore_type(h, parent);
	return r < 0 ? r : recompute_now(h, &before, false);
}
