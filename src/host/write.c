/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every change of the machine goes through begin() here, so that tests can make any one of them
 * fail, or kill the process around it. */
#include "host/host-write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "host/internal.h"

uint64_t host_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct host_cost host_cost(const struct host *h)
{
	struct host_cost cost = h->cost;
	cost.all_ns = host_now_ns() - h->opened_ns;
	return cost;
}

/* Before a change: 0, or why it must not be made. */
static int begin(struct host *h, const char *what)
{
	int r = host_may_change(h) ? host_fault(true, what) : -EROFS;
	h->began_ns = host_now_ns();
	return r;
}

static int done(struct host *h, int r, const char *what, const char *value)
{
	h->cost.writes_ns += host_now_ns() - h->began_ns;
	h->cost.n_writes++;
	log_debug("%s: %s: %s", what, value, r < 0 ? strerrordesc_np(-r) : "done");
	(void)host_fault(false, what);
	return r;
}

#define FORMAT_PATH(path, fmt)                                                                     \
	va_list ap_;                                                                               \
	va_start(ap_, fmt);                                                                        \
	AUTO_FREE char *path = xvasprintf(fmt, ap_);                                               \
	va_end(ap_)

int host_write(struct host *h, const char *text, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	int r = begin(h, path);
	return r < 0 ? r : done(h, h->ops->write(h, path, text), path, text);
}

int host_check_writable(struct host *h, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	struct statvfs fs;
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH);
	return fd >= 0 && fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_RDONLY ? -EROFS : 0;
}

int host_mkdir(struct host *h, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	int r = begin(h, path);
	return r < 0 ? r : done(h, h->ops->mkdir(h, path), path, "mkdir");
}

int host_rmdir(struct host *h, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	int r = begin(h, path);
	return r < 0 ? r : done(h, h->ops->rmdir(h, path), path, "rmdir");
}

/* Regular files are the same on a live machine and on a tree. */
static int put_file(struct host *h, const char *path, const char *text, mode_t mode)
{
	AUTO_FREE char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	if (slash) {
		*slash = 0;
		int r = h->ops->mkdir(h, dir);
		if (r < 0 && r != -EEXIST)
			return r;
	}
	AUTO_CLOSE int fd = host_open_path(h, path, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return fd;
	size_t len = strlen(text);
	ssize_t n = write(fd, text, len);
	if (n >= 0 && mode && fchmod(fd, mode) < 0)
		n = -1;
	return n < 0 ? -errno : (size_t)n == len ? 0 : -EIO;
}

int host_put_file(struct host *h, const char *text, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	int r = begin(h, path);
	return r < 0 ? r : done(h, put_file(h, path, text, 0), path, "create");
}

int host_put_script(struct host *h, const char *text, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	int r = begin(h, path);
	return r < 0 ? r : done(h, put_file(h, path, text, 0755), path, "create");
}

static int remove_file(struct host *h, const char *path)
{
	AUTO_FREE char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	*slash = 0;
	AUTO_CLOSE int fd = host_open_path(h, dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	if (unlinkat(fd, slash + 1, 0) < 0)
		return -errno;
	int r = h->ops->rmdir(h, dir);
	return r == -ENOTEMPTY || r == -EEXIST ? 0 : r;
}

int host_remove_file(struct host *h, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	int r = begin(h, path);
	return r < 0 ? r : done(h, remove_file(h, path), path, "remove");
}

int host_set_affinity(struct host *h, int tid, const struct cpuset *cpus)
{
	AUTO_FREE char *what = xasprintf("sched_setaffinity %d", tid);
	int r = begin(h, what);
	AUTO_FREE char *list = cpuset_format_list(cpus);
	return r < 0 ? r : done(h, h->ops->set_affinity(h, tid, cpus), what, list);
}

int host_set_unit_list(
	struct host *h, const char *unit, const char *property, const struct cpuset *set)
{
	int r = begin(h, unit);
	return r < 0 ? r : done(h, h->ops->set_unit_list(h, unit, property, set), unit, property);
}

int host_reload_units(struct host *h)
{
	int r = begin(h, "systemd");
	return r < 0 ? r : done(h, h->ops->reload_units(h), "systemd", "Reload");
}

int host_set_irqbalance(struct host *h, const struct cpuset *banned)
{
	int r = begin(h, "irqbalance");
	return r < 0 ? r
		     : done(h, h->ops->set_irqbalance(h, banned), "irqbalance", "settings cpus");
}

int host_start_idle(struct host *h, const char *group, int *ret_pid)
{
	int r = begin(h, "idle process");
	return r < 0 ? r : done(h, h->ops->start_idle(h, group, ret_pid), "idle process", group);
}

void host_end_idle(struct host *h, int pid)
{
	h->ops->end_idle(h, pid);
}
