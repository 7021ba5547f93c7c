/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "files.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

static void give_up(const char *what)
{
	perror(what);
	exit(99);
}

/* ---- files ---- */

/* Opens dir/path; its directories are made when they are missing. */
static FILE *open_file(const char *dir, const char *path, const char *mode)
{
	AUTO_FREE char *full = xasprintf("%s/%s", dir, path);
	FILE *f = fopen(full, mode);
	if (f || errno != ENOENT)
		return f;
	for (char *p = full + strlen(dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		if (mkdir(full, 0755) < 0 && errno != EEXIST)
			give_up(full);
	}
	return fopen(full, mode);
}

static void write_file(
	const char *dir, const char *path, const char *mode, const char *text, size_t n)
{
	AUTO_FILE FILE *f = open_file(dir, path, mode);
	if (!f || fwrite(text, 1, n, f) != n)
		give_up(path);
}

#define FORMAT_PATH(path, fmt)                                                                     \
	va_list ap_;                                                                               \
	va_start(ap_, fmt);                                                                        \
	AUTO_FREE char *path = xvasprintf(fmt, ap_);                                               \
	va_end(ap_)

void files_put(const char *dir, const char *text, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	write_file(dir, path, "we", text, strlen(text));
}

void files_put_n(const char *dir, const char *text, size_t n, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	write_file(dir, path, "we", text, n);
}

void files_append(const char *dir, const char *text, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	write_file(dir, path, "ae", text, strlen(text));
}

void files_link(const char *dir, const char *target, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	AUTO_FREE char *full = xasprintf("%s/%s", dir, path);
	if (symlink(target, full) < 0 && errno != EEXIST)
		give_up(full);
}

void files_put_number(const char *dir, long long number, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	char text[24];
	write_file(dir, path, "we", text, (size_t)snprintf(text, sizeof text, "%lld\n", number));
}

void files_put_list(const char *dir, const struct cpuset *set, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	AUTO_FREE char *list = cpuset_format_list(set), *line = xasprintf("%s\n", list);
	write_file(dir, path, "we", line, strlen(line));
}

void files_put_mask(const char *dir, const struct cpuset *set, int n_cpus, const char *fmt, ...)
{
	FORMAT_PATH(path, fmt);
	AUTO_FREE char *mask = files_mask(set, n_cpus), *line = xasprintf("%s\n", mask);
	write_file(dir, path, "we", line, strlen(line));
}

struct cpuset files_set(const char *list)
{
	struct cpuset set;
	if (cpuset_parse_list(list, &set) < 0)
		give_up(list);
	return set;
}

/* A digit for each 4 CPUs, a comma behind each 32 from the right. */
char *files_mask(const struct cpuset *set, int n_cpus)
{
	AUTO_FREE char *mask = cpuset_format_mask(set);
	AUTO_STRBUF struct strbuf b = { 0 };
	size_t digits = ((size_t)n_cpus + 3) / 4, width = digits + (digits - 1) / 8;
	for (size_t left = width; left > strlen(mask); left--)
		strbuf_puts(&b, left % 9 == 0 ? "," : "0");
	strbuf_puts(&b, mask);
	return TAKE(b.s);
}

/* ---- threads ---- */

/* Documentation/filesystems/proc.rst, tables 1-2 and 1-4 */
void files_put_thread(const char *dir, const struct made_thread *t)
{
	struct cpuset set = files_set(t->allowed);
	AUTO_FREE char *mask = files_mask(&set, t->n_cpus);
	AUTO_FREE char *stat = xasprintf("%d (%s) S %d %d %d 0 -1 %u 100 0 0 0 25 10 0 0 20 %d %d "
					 "0 %llu 0 0 0 0 0 0 0 0 0 0 "
					 "0 0 0 0 0 17 %d %d %d 0 0 0 0 0 0 0 0 0 0 0\n",
		t->tid, t->comm, t->ppid, t->pid, t->pid, t->flags, t->nice,
		/* A thread of the kernel is a process of its own; others may have more. */
		(t->flags & FILES_KTHREAD) == FILES_KTHREAD ? 1 : 9, (unsigned long long)t->start,
		t->cpu, t->rt_priority, t->policy);
	AUTO_FREE char *status = xasprintf(
		"Name:\t%s\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nCpus_allowed:\t%s\n"
		"Cpus_allowed_list:\t%s\nMems_allowed_list:\t%s\n",
		t->comm, t->pid, t->tid, t->ppid, mask, t->allowed, t->mems ? t->mems : "0");
	AUTO_FREE char *cgroup = xasprintf("0::/%s\n", t->group),
		       *comm = xasprintf("%s\n", t->comm);
	AUTO_FREE char *number = xasprintf("%d\n", t->tid);
	const char *const places[] = { "", "task/" };
	for (size_t i = t->tid == t->pid ? 0 : 1; i < N_ELEMENTS(places); i++) {
		AUTO_FREE char *at = i ? xasprintf("task/%d/", t->tid) : xstrdup("");
		files_put(dir, stat, "proc/%d/%sstat", t->pid, at);
		files_put(dir, status, "proc/%d/%sstatus", t->pid, at);
		files_put(dir, cgroup, "proc/%d/%scgroup", t->pid, at);
		files_put(dir, comm, "proc/%d/%scomm", t->pid, at);
	}
	AUTO_FREE char *group = xasprintf("%s/sys/fs/cgroup/%s", dir, t->group);
	if (access(group, F_OK) < 0)
		return;
	files_append(dir, number, "sys/fs/cgroup/%s/cgroup.threads", t->group);
	if (t->tid == t->pid)
		files_append(dir, number, "sys/fs/cgroup/%s/cgroup.procs", t->group);
}

void files_put_cmdline(const char *dir, int pid, const char *words, char separator)
{
	AUTO_FREE char *text = xstrdup(words);
	size_t n = strlen(text);
	for (char *p = text; (p = strchr(p, separator));)
		*p++ = 0;
	files_put_n(dir, text, n ? n + 1 : 0, "proc/%d/cmdline", pid);
}

/* ---- cgroups ---- */

void files_put_group(const char *dir, const struct made_group *g)
{
	AUTO_FREE char *at = xasprintf("sys/fs/cgroup%s%s", *g->path ? "/" : "", g->path);
	AUTO_FREE char *controllers = xasprintf("%s\n", g->controllers);
	AUTO_FREE char *given = xasprintf("%s%s", g->given, *g->given ? "\n" : "");
	AUTO_FREE char *cpus = xasprintf("%s\n", g->cpus ? g->cpus : "");
	AUTO_FREE char *effective = xasprintf("%s\n", g->effective),
		       *mems = xasprintf("%s\n", g->mems);
	files_put(dir, controllers, "%s/cgroup.controllers", at);
	files_put(dir, given, "%s/cgroup.subtree_control", at);
	files_put(dir, "", "%s/cgroup.procs", at);
	files_put(dir, "", "%s/cgroup.threads", at);
	if (*g->path)
		files_put(dir, "domain\n", "%s/cgroup.type", at);
	if (!g->has_cpuset)
		return;
	files_put(dir, effective, "%s/cpuset.cpus.effective", at);
	files_put(dir, mems, "%s/cpuset.mems.effective", at);
	if (!*g->path) {
		if (!g->is_old)
			files_put(dir, "\n", "%s/cpuset.cpus.isolated", at);
		return;
	}
	files_put(dir, cpus, "%s/cpuset.cpus", at);
	files_put(dir, "\n", "%s/cpuset.mems", at);
	files_put(dir, "member\n", "%s/cpuset.cpus.partition", at);
	if (g->is_old)
		return;
	files_put(dir, "\n", "%s/cpuset.cpus.exclusive", at);
	files_put(dir, "\n", "%s/cpuset.cpus.exclusive.effective", at);
}

/* ---- interrupts ---- */

/* Documentation/core-api/irq/irq-affinity.rst */
static void put_irq(const char *dir, const struct made_irq *irq)
{
	struct cpuset set = files_set(irq->cpus);
	AUTO_FREE char *action = xasprintf("%s/proc/irq/%d/%s", dir, irq->irq, irq->action);
	AUTO_FREE char *name = xasprintf("%s/proc/irq/%d/smp_affinity_list", dir, irq->irq);
	files_put_list(dir, &set, "proc/irq/%d/smp_affinity_list", irq->irq);
	files_put_number(dir, cpuset_first(&set), "proc/irq/%d/effective_affinity_list", irq->irq);
	if ((mkdir(action, 0755) < 0 && errno != EEXIST) ||
		(irq->is_fixed && chmod(name, 0444) < 0))
		give_up(action);
}

void files_put_irqs(const char *dir, const struct cpuset *online, const struct made_irq *irqs,
	size_t n_irqs, int (*count)(int irq, int n))
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "      ");
	cpuset_for_each (cpu, online)
		strbuf_printf(&b, "     CPU%-3d", cpu);
	strbuf_puts(&b, "\n");
	for (size_t i = 0; i < n_irqs; i++) {
		int n = 0;
		strbuf_printf(&b, "%4d:", irqs[i].irq);
		cpuset_for_each (cpu, online)
			strbuf_printf(&b, " %10d", count(irqs[i].irq, n++));
		strbuf_printf(&b, "  %s      %s\n", irqs[i].chip, irqs[i].action);
		put_irq(dir, &irqs[i]);
	}
	strbuf_puts(&b, " ERR:          0\n");
	files_put(dir, b.s, "proc/interrupts");
	files_put_mask(dir, online, cpuset_count(online), "proc/irq/default_smp_affinity");
}
