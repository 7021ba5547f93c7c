/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fake machines for tests of finding VMs: a directory with /proc and a cgroup tree. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "model/snapshot.h"
#include "../unit/tap.h"
#include "files.h"
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

#define put(text, n, ...) files_put_n(root, text, n, __VA_ARGS__)

struct fake_thread {
	int tid;
	const char *comm;
	const char *cgroup; /* NULL: the process's */
};

UNUSED static void put_thread(int pid, int ppid, int start, unsigned int flags,
	const struct fake_thread *t, const char *cgroup)
{
	files_put_thread(root,
		&(struct made_thread){ .pid = pid,
			.tid = t->tid,
			.ppid = ppid,
			.comm = t->comm,
			.flags = flags,
			.start = (uint64_t)start,
			.cpu = t->tid % 4,
			.nice = -5,
			.rt_priority = 3,
			.policy = SCHED_FIFO,
			.allowed = "0-3",
			.n_cpus = 4,
			.group = t->cgroup ? t->cgroup : cgroup });
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
