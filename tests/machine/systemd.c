/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The systemd of a tree: AllowedCPUs, AllowedMemoryNodes and Delegate of the units that have a
 * cgroup.
 *
 * As the real one it acts on what it has read, not on what the files say by now: drop-ins count
 * from the next reload on, and then it writes its own attributes over whatever is there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "host/host-write.h"
#include "kernel.h"

static const char memory[] = ".systemd";

static bool has_systemd(struct host *h)
{
	return tree_exists(h, "run/systemd/system");
}

/* ---- what it has read ---- */

struct lines {
	ARRAY(char *) v;
};

static void lines_done(struct lines *l)
{
	array_for_each (line, &l->v)
		free(*line);
	free(l->v.v);
}

static void read_memory(struct host *h, struct lines *ret)
{
	AUTO_FREE char *text = NULL;
	if (tree_read(h, memory, &text) < 0)
		return;
	char *next = text;
	for (char *line; (line = str_next_line(&next));)
		*array_push(&ret->v) = xstrdup(line);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int write_memory(struct host *h, struct lines *l)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	if (!l->v.n)
		return tree_remove(h, memory);
	qsort(l->v.v, l->v.n, sizeof *l->v.v, by_text);
	array_for_each (line, &l->v)
		strbuf_printf(&b, "%s\n", *line);
	return tree_put(h, memory, b.s);
}

/* The value in the line when it is the unit's property, else NULL. */
static const char *value_in(const char *line, const char *unit, const char *property)
{
	AUTO_FREE char *key = xasprintf("%s %s ", unit, property);
	return str_after(line, key);
}

static char *remembered(const struct lines *l, const char *unit, const char *property)
{
	array_for_each (line, &l->v) {
		const char *value = value_in(*line, unit, property);
		if (value)
			return xstrdup(value);
	}
	return NULL;
}

/* ---- drop-ins ---- */

/* Properties that are lists, and the file of the cgroup that each is. */
static const struct list_property {
	const char *name, *file;
} lists[] = { { "AllowedCPUs", "cpuset.cpus" }, { "AllowedMemoryNodes", "cpuset.mems" } };

/* Scopes have no file of their own: their drop-ins are elsewhere. */
static char *list_dropin(const char *unit, const char *property)
{
	return str_has_suffix(unit, ".scope")
		? xasprintf(HOST_UNIT_DROPIN_TRANSIENT, unit, property)
		: xasprintf(HOST_UNIT_DROPIN, unit, property);
}

/* The value behind "KEY=". */
static char *read_dropin(struct host *h, const char *path, const char *key)
{
	AUTO_FREE char *text = NULL;
	if (tree_read(h, path, &text) < 0)
		return NULL;
	char *next = text;
	for (char *line; (line = str_next_line(&next));) {
		const char *value = str_after(line, key);
		if (value && *value)
			return xstrdup(value);
	}
	return NULL;
}

static int put_list_dropin(struct host *h, const char *unit, const char *property, const char *list)
{
	AUTO_FREE char *path = list_dropin(unit, property);
	AUTO_FREE char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	AUTO_FREE char *text = xasprintf("[%s]\n%s=%s\n",
		str_has_suffix(unit, ".slice")           ? "Slice"
			: str_has_suffix(unit, ".scope") ? "Scope"
							 : "Service",
		property, list);
	int r = tree_mkdir_plain(h, dir);
	return r < 0 && r != -EEXIST ? r : tree_put(h, path, text);
}

/* ---- what it does ---- */

int tree_get_unit(struct host *h, const char *unit, const char *property, char **ret)
{
	CLEANUP(lines_done) struct lines l = { 0 };
	AUTO_FREE char *group = NULL;
	int r = host_tree_unit_group(h, unit, &group);
	if (r < 0)
		return r;
	read_memory(h, &l);
	AUTO_FREE char *value = remembered(&l, unit, property);
	if (streq(property, "ControlGroup"))
		*ret = xasprintf("/%s", group);
	else if (streq(property, "Delegate")) /* a list of controllers counts as yes */
		*ret = xstrdup(value && !streq(value, "no") ? "yes" : "no");
	else
		*ret = value ? TAKE(value) : xstrdup("");
	return 0;
}

/* Enables the controller from the root down, and writes the group's list. */
static int write_group(struct host *h, const char *group, const char *file, const char *list)
{
	int r = tree_write_cgroup(h, "", "cgroup.subtree_control", "+cpuset");
	for (const char *p = group; r == 0 && (p = strchr(p, '/')); p++) {
		AUTO_FREE char *above = xstrndup(group, (size_t)(p - group));
		r = tree_write_cgroup(h, above, "cgroup.subtree_control", "+cpuset");
	}
	return r < 0 ? r : tree_write_cgroup(h, group, file, list);
}

static const char *file_of(const char *property)
{
	for (size_t i = 0; i < N_ELEMENTS(lists); i++)
		if (streq(lists[i].name, property))
			return lists[i].file;
	abort();
}

int tree_set_unit_list(
	struct host *h, const char *unit, const char *property, const struct cpuset *set)
{
	CLEANUP(lines_done) struct lines l = { 0 }, others = { 0 };
	AUTO_FREE char *group = NULL, *list = cpuset_format_list(set);
	int r = host_tree_unit_group(h, unit, &group);
	if (r < 0)
		return r;
	read_memory(h, &l);
	array_for_each (line, &l.v) {
		if (!value_in(*line, unit, property))
			*array_push(&others.v) = xstrdup(*line);
	}
	*array_push(&others.v) = xasprintf("%s %s %s", unit, property, list);
	r = put_list_dropin(h, unit, property, list);
	if (r == 0)
		r = write_memory(h, &others);
	return r < 0 ? r : write_group(h, group, file_of(property), list);
}

/* From the drop-ins of ours that a unit may have; NULL: none of them says it. */
static char *read_ours(struct host *h, const char *unit, const char *key)
{
	static const char *const files[] = { "40-wideberth-start.conf", "50-wideberth.conf" };
	char *value = NULL;
	for (size_t i = 0; !value && i < N_ELEMENTS(files); i++) {
		AUTO_FREE char *path = xasprintf("run/systemd/system/%s.d/%s", unit, files[i]);
		value = read_dropin(h, path, key);
	}
	return value;
}

/* A unit without the property gets an empty list, which older kernels refuse; nobody notices. */
static int reload_list(struct host *h, const char *unit, const char *group,
	const struct list_property *p, struct lines *l)
{
	AUTO_FREE char *path = list_dropin(unit, p->name), *key = xasprintf("%s=", p->name);
	AUTO_FREE char *file = tree_group_file(group, p->file);
	AUTO_FREE char *list = read_dropin(h, path, key);
	if (!list)
		list = read_ours(h, unit, key);
	if (list) {
		*array_push(&l->v) = xasprintf("%s %s %s", unit, p->name, list);
		return write_group(h, group, p->file, list);
	}
	int r = tree_exists(h, file) ? tree_write_cgroup(h, group, p->file, "") : 0;
	return r == -ENOSPC ? 0 : r;
}

/* A scope or service that is not delegated loses what was made below it. */
static int reload_unit(struct host *h, const char *unit, const char *group, struct lines *l)
{
	AUTO_FREE char *delegate = read_ours(h, unit, "Delegate=");
	int r = 0;
	for (size_t i = 0; r == 0 && i < N_ELEMENTS(lists); i++)
		r = reload_list(h, unit, group, &lists[i], l);
	if (delegate)
		*array_push(&l->v) = xasprintf("%s Delegate %s", unit, delegate);
	else if (r == 0 && !str_has_suffix(unit, ".slice"))
		r = tree_write_cgroup(h, group, "cgroup.subtree_control", "-cpuset");
	return r == -EBUSY ? 0 : r;
}

int tree_reload_units(struct host *h)
{
	CLEANUP(tree_groups_done) struct tree_groups all = { 0 };
	CLEANUP(lines_done) struct lines l = { 0 };
	if (!has_systemd(h))
		return -ENOENT;
	int r = tree_groups_load(h, &all);
	array_for_each (g, &all.v) {
		const char *slash = strrchr(g->path, '/'), *unit = slash ? slash + 1 : g->path;
		bool is_unit = str_has_suffix(unit, ".slice") || str_has_suffix(unit, ".scope") ||
			str_has_suffix(unit, ".service");
		if (is_unit && r == 0)
			r = reload_unit(h, unit, g->path, &l);
	}
	return r < 0 ? r : write_memory(h, &l);
}
