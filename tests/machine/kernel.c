/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree as a machine: which file means what, and the files that are simple. */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "host/host-write.h"

/* ---- files ---- */

bool tree_has(struct host *h, const char *word)
{
	AUTO_FREE char *words = NULL;
	return tree_read(h, ".kernel", &words) == 0 && str_has_word(words, word);
}

int tree_read(struct host *h, const char *path, char **ret)
{
	AUTO_FREE char *text = NULL;
	size_t n;
	int r = host_read_path(h, path, &text, &n);
	if (r == 0)
		*ret = xstrdup(str_trim(text));
	return r;
}

int tree_put(struct host *h, const char *path, const char *text)
{
	AUTO_FREE char *now = NULL;
	size_t n;
	if (host_read_path(h, path, &now, &n) == 0 && streq(now, text))
		return 0;
	return host_write_path(h, path, text, O_CREAT | O_TRUNC);
}

/* The directory of the path, opened; *ret_name is the rest. */
static int open_parent(struct host *h, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *dir = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
	*ret_name = slash ? slash + 1 : path;
	return host_open_path(h, dir, O_RDONLY | O_DIRECTORY);
}

static int unlink_path(struct host *h, const char *path, int flags)
{
	const char *name;
	AUTO_CLOSE int dir = open_parent(h, path, &name);
	if (dir < 0)
		return dir;
	return unlinkat(dir, name, flags) < 0 ? -errno : 0;
}

int tree_remove(struct host *h, const char *path)
{
	int r = unlink_path(h, path, 0);
	return r == -ENOENT ? 0 : r;
}

int tree_mkdir_plain(struct host *h, const char *path)
{
	const char *name;
	AUTO_CLOSE int dir = open_parent(h, path, &name);
	if (dir < 0)
		return dir;
	return mkdirat(dir, name, 0755) < 0 ? -errno : 0;
}

int tree_rmdir_plain(struct host *h, const char *path)
{
	return unlink_path(h, path, AT_REMOVEDIR);
}

bool tree_exists(struct host *h, const char *path)
{
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH);
	return fd >= 0;
}

struct cpuset tree_read_list(struct host *h, const char *path)
{
	AUTO_FREE char *text = NULL;
	struct cpuset set;
	if (tree_read(h, path, &text) < 0 || cpuset_parse_list(text, &set) < 0)
		return CPUSET_EMPTY;
	return set;
}

int tree_put_list(struct host *h, const char *path, const struct cpuset *set)
{
	AUTO_FREE char *list = cpuset_format_list(set), *line = xasprintf("%s\n", list);
	return tree_put(h, path, line);
}

/* The kernel pads masks to the number of CPUs that it was built or booted for. */
char *tree_format_mask(const struct cpuset *set, size_t width)
{
	AUTO_FREE char *mask = cpuset_format_mask(set);
	AUTO_STRBUF struct strbuf b = { 0 };
	/* groups of 8 digits with commas, counted from the right */
	for (size_t left = width; left > strlen(mask); left--)
		strbuf_puts(&b, left % 9 == 0 ? "," : "0");
	strbuf_puts(&b, mask);
	return TAKE(b.s);
}

int tree_put_mask(struct host *h, const char *path, const struct cpuset *set)
{
	AUTO_FREE char *was = NULL;
	int r = tree_read(h, path, &was);
	if (r < 0)
		return r;
	AUTO_FREE char *mask = tree_format_mask(set, strlen(was)), *line = xasprintf("%s\n", mask);
	return tree_put(h, path, line);
}

/* ---- interrupts, kernel work, irqbalance ---- */

static int parse_online(struct host *h, const char *text,
	int (*parse)(const char *text, struct cpuset *ret), struct cpuset *ret)
{
	struct cpuset set, online = tree_read_list(h, "sys/devices/system/cpu/online");
	int r = parse(text, &set);
	if (r == 0 && !cpuset_intersects(&set, &online))
		r = -EINVAL;
	if (r == 0)
		*ret = set;
	return r;
}

/* One whose file has no write permission is the kernel's own (managed, or per CPU). */
static int write_irq(struct host *h, const char *path, const char *text)
{
	struct cpuset set;
	int r = parse_online(h, text, cpuset_parse_list, &set);
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH);
	struct stat st;
	if (fd < 0 || r < 0)
		return fd < 0 ? fd : r;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!(st.st_mode & 0222))
		return -EIO;
	AUTO_FREE char *effective = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	AUTO_FREE char *file = xasprintf("%s/effective_affinity_list", effective);
	struct cpuset first = cpuset_of(cpuset_first(&set));
	r = tree_put_list(h, path, &set);
	if (r == 0 && tree_exists(h, file))
		r = tree_put_list(h, file, &first);
	return r;
}

static int write_default_irq(struct host *h, const char *path, const char *text)
{
	struct cpuset set;
	int r = parse_online(h, text, cpuset_parse_mask, &set);
	return r < 0 ? r : tree_put_mask(h, path, &set);
}

#define WORKQUEUE "sys/devices/virtual/workqueue/"

/* From 6.8 on partitions are taken out of what was asked for. */
static int refresh_workqueues(struct host *h)
{
	AUTO_FREE char *asked = NULL;
	struct cpuset set, gone = tree_read_list(h, TREE_CGROUPS "/cpuset.cpus.isolated");
	if (tree_read(h, WORKQUEUE "cpumask_requested", &asked) < 0)
		return 0;
	int r = cpuset_parse_mask(asked, &set);
	struct cpuset left = cpuset_minus(&set, &gone);
	if (r == 0)
		r = tree_put_mask(h, WORKQUEUE "cpumask", cpuset_is_empty(&left) ? &set : &left);
	return r;
}

static int write_workqueue(struct host *h, const char *path, const char *text)
{
	struct cpuset set;
	int r = parse_online(h, text, cpuset_parse_mask, &set);
	if (r < 0)
		return r;
	if (!tree_exists(h, WORKQUEUE "cpumask_requested"))
		return tree_put_mask(h, path, &set);
	r = tree_put_mask(h, WORKQUEUE "cpumask_requested", &set);
	return r < 0 ? r : refresh_workqueues(h);
}

/* proc_dointvec() takes numbers only. */
static int write_sysctl(struct host *h, const char *path, const char *text)
{
	int n;
	if (str_to_int(text, &n) < 0)
		return -EINVAL;
	AUTO_FREE char *line = xasprintf("%d\n", n);
	return tree_put(h, path, line);
}

static const char irqbalance[] = "run/irqbalance/banned";

static int tree_get_irqbalance(struct host *h, struct cpuset *ret)
{
	if (!tree_exists(h, irqbalance))
		return -ENOENT;
	*ret = tree_read_list(h, irqbalance);
	return 0;
}

static int tree_set_irqbalance(struct host *h, const struct cpuset *banned)
{
	return tree_exists(h, irqbalance) ? tree_put_list(h, irqbalance, banned) : -ENOENT;
}

/* ---- which file means what ---- */

/* Splits "sys/fs/cgroup/a/b.scope/cpuset.cpus" into the group and the rest; false for others. */
static bool split_cgroup(const char *path, char **ret_group, const char **ret_file)
{
	const char *rest = str_after(path, TREE_CGROUPS "/");
	if (!rest)
		return false;
	const char *slash = strrchr(rest, '/');
	*ret_group = xstrndup(rest, slash ? (size_t)(slash - rest) : 0);
	*ret_file = slash ? slash + 1 : rest;
	return true;
}

static int tree_write(struct host *h, const char *path, const char *text)
{
	AUTO_FREE char *group = NULL;
	const char *file;
	if (!tree_exists(h, path))
		return -ENOENT;
	if (split_cgroup(path, &group, &file)) {
		int r = tree_write_cgroup(h, group, file, text);
		return r < 0 ? r : refresh_workqueues(h);
	}
	if (str_after(path, "proc/irq/") && str_has_suffix(path, "/smp_affinity_list"))
		return write_irq(h, path, text);
	if (streq(path, "proc/irq/default_smp_affinity"))
		return write_default_irq(h, path, text);
	if (streq(path, WORKQUEUE "cpumask"))
		return write_workqueue(h, path, text);
	bool is_compact =
		str_after(path, "sys/devices/system/node/") && str_has_suffix(path, "/compact");
	if (str_after(path, "proc/sys/") || is_compact)
		return write_sysctl(h, path, text);
	return -EOPNOTSUPP; /* nobody taught the tree what this does */
}

static bool is_cgroup(const char *path)
{
	return str_after(path, TREE_CGROUPS "/") != NULL;
}

static int tree_mkdir(struct host *h, const char *path)
{
	return is_cgroup(path) ? tree_mkdir_cgroup(h, path) : tree_mkdir_plain(h, path);
}

static int tree_rmdir(struct host *h, const char *path)
{
	if (!is_cgroup(path))
		return tree_rmdir_plain(h, path);
	int r = tree_rmdir_cgroup(h, path);
	return r < 0 ? r : refresh_workqueues(h);
}

/* Time passes when the test says so. */
static int tree_get_clock(struct host *h, uint64_t *ret_ns)
{
	AUTO_FREE char *text = NULL;
	int r = tree_read(h, ".clock", &text);
	return r < 0 ? r : str_to_u64(text, ret_ns);
}

const struct host_ops host_tree_ops = {
	.get_affinity = host_tree_get_affinity,
	.get_unit = tree_get_unit,
	.get_irqbalance = tree_get_irqbalance,
	.get_clock = tree_get_clock,
	.write = tree_write,
	.mkdir = tree_mkdir,
	.rmdir = tree_rmdir,
	.set_affinity = tree_set_affinity,
	.set_unit_list = tree_set_unit_list,
	.reload_units = tree_reload_units,
	.set_irqbalance = tree_set_irqbalance,
	.start_idle = tree_start_idle,
	.end_idle = tree_end_idle,
};
