/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fake machines for tests of finding VMs: a directory with /proc and a cgroup tree. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "model/snapshot.h"
#include "../unit/tap.h"
#include "vm/provider.h"

#define UNUSED __attribute__((unused))

/* A command line is written with '|' for NUL. */
static size_t cmdline_of(const char *text, char *ret, size_t size)
{
	size_t n = strlen(text) + 1;
	memcpy(ret, text, n < size ? n : size);
	for (size_t i = 0; i < n; i++)
		if (ret[i] == '|')
			ret[i] = 0;
	return n;
}

#define Q "/usr/bin/qemu-system-x86_64|"

static char root[] = "/tmp/wideberth-vm-XXXXXX";

static void put(const char *text, size_t n, const char *fmt, ...) PRINTF_LIKE(3, 4);
UNUSED static void put(const char *text, size_t n, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *path = xvasprintf(fmt, ap);
	va_end(ap);
	AUTO_FREE char *full = xasprintf("%s/%s", root, path);
	for (char *p = full + sizeof root; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(full, 0755);
		*p = '/';
	}
	AUTO_FILE FILE *f = fopen(full, "w");
	if (f)
		fwrite(text, 1, n, f);
}

struct fake_thread {
	int tid;
	const char *comm;
	const char *cgroup; /* NULL: the process's */
};

UNUSED static void put_thread(int pid, int ppid, int start, unsigned int flags,
	const struct fake_thread *t, const char *cgroup)
{
	AUTO_FREE char *stat =
		xasprintf("%d (%s) S %d %d %d 0 -1 %u 0 0 0 0 0 0 0 0 20 -5 1 0 %d 0 0"
			  " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 %d 3 1 0 0 0\n",
			t->tid, t->comm, ppid, pid, pid, flags, start, t->tid % 4);
	put(stat, strlen(stat), "proc/%d/task/%d/stat", pid, t->tid);
	static const char status[] = "Name:\tx\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n";
	put(status, sizeof status - 1, "proc/%d/task/%d/status", pid, t->tid);
	AUTO_FREE char *path = xasprintf("0::/%s\n", t->cgroup ? t->cgroup : cgroup);
	put(path, strlen(path), "proc/%d/task/%d/cgroup", pid, t->tid);
}

UNUSED static void put_process(int pid, int ppid, int start, const char *cmdline,
	const char *cgroup, const struct fake_thread *threads)
{
	char text[2048];
	size_t n = cmdline_of(cmdline, text, sizeof text);
	put(text, n, "proc/%d/cmdline", pid);
	put("0-3\n", 4, "sys/devices/system/cpu/online");
	for (; threads->tid; threads++)
		put_thread(pid, ppid, start, 0x400000, threads, cgroup);
}

UNUSED static void put_kthread(int tid, const char *comm, const char *cgroup)
{
	put("", 0, "proc/%d/cmdline", tid);
	put_thread(tid, 2, 50, PF_KTHREAD_FLAG, &(struct fake_thread){ tid, comm, NULL }, cgroup);
}

UNUSED static void put_cgroup(const char *path, const char *type)
{
	put("cpuset cpu\n", 11, "sys/fs/cgroup/%s/cgroup.controllers", path);
	put("\n", 1, "sys/fs/cgroup/%s/cgroup.subtree_control", path);
	put(type, strlen(type), "sys/fs/cgroup/%s/cgroup.type", path);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

UNUSED static void clear_root(void)
{
	nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#define T(...) ((const struct fake_thread[]){ __VA_ARGS__, { 0 } })

struct found {
	struct host *h;
	struct snapshot *s;
	struct vms *v;
};

UNUSED static bool find_all(struct found *f, const char *dir, const char *record)
{
	struct err e = { 0 };
	*f = (struct found){ 0 };
	if (!strcmp(dir ? dir : "", root))
		put("0\n", 2, "sys/devices/system/cpu/online");
	int r = host_open(&f->h, dir, &e);
	if (r == 0 && record)
		r = host_record_to(f->h, record, NULL, &e);
	if (r == 0)
		r = snapshot_read(f->h, SNAPSHOT_TASKS | SNAPSHOT_CGROUPS, &f->s, &e);
	if (r == 0)
		r = vms_find(f->h, f->s, &f->v, &e);
	if (r == 0)
		r = host_finish(f->h, &e);
	return ok(r == 0, "find VMs: %s", *e.text ? e.text : "done");
}

UNUSED static void found_done(struct found *f)
{
	if (f->v)
		vms_free(f->v);
	if (f->s)
		snapshot_free(f->s);
	if (f->h)
		host_free(f->h);
}

/* Replaces or adds an answer in the recording in 'dir'; question: "qmp /run/a.qmp". */
UNUSED static void edit_recording(const char *dir, const char *question, const char *answer)
{
	AUTO_FREE char *path = xasprintf("%s/recording", dir);
	AUTO_STRBUF struct strbuf b = { 0 };
	char line[65536];
	bool is_dropped = false;
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f)) {
		if (!strchr("\t!~", *line)) {
			line[strcspn(line, "\n")] = 0;
			is_dropped = !strcmp(line, question);
			strcat(line, "\n");
		}
		if (!is_dropped)
			strbuf_puts(&b, line);
	}
	if (f)
		fclose(f);
	strbuf_printf(&b, "%s\n", question);
	AUTO_FREE char *copy = xstrdup(answer);
	for (char *next = copy, *p; (p = strsep(&next, "\n"));)
		strbuf_printf(&b, "\t%s\n", p);
	f = fopen(path, "w");
	if (f) {
		fputs(b.s, f);
		fclose(f);
	}
}
