/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "life.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "files.h"
#include "host/host-write.h"
#include "kernel.h"
#include "machine.h"

enum { USER = 0x00400100, FIRST_VCPU = 10 };

static struct host *open_host(const struct machine *m)
{
	struct err e;
	struct host *h;
	if (host_open(&h, m->dir, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		exit(99);
	}
	return h;
}

/* ---- VMs ---- */

/* The CPUs of the nearest group above that has a set. */
static char *group_cpus(const struct machine *m, const char *group)
{
	AUTO_FREE char *path = xstrdup(group);
	for (;;) {
		const char *cpus = machine_read(
			m, "sys/fs/cgroup/%s%scpuset.cpus.effective", path, *path ? "/" : "");
		if (*cpus || !*path)
			return xstrdup(*cpus ? cpus : "0-23");
		char *slash = strrchr(path, '/');
		*(slash ? slash : path) = 0;
	}
}

static void put_thread(const struct machine *m, const struct guest *g, int tid, const char *comm,
	const char *cpus, const char *group)
{
	files_put_thread(m->dir,
		&(struct made_thread){ .pid = g->pid,
			.tid = tid,
			.ppid = 1,
			.comm = comm,
			.flags = USER,
			.start = g->start,
			.allowed = cpus,
			.mems = "0-1",
			.n_cpus = 24,
			.group = group });
}

static void put_vcpu(
	const struct machine *m, const struct guest *g, int n, const char *cpus, const char *group)
{
	AUTO_FREE char *comm = xasprintf("CPU %d/KVM", n);
	put_thread(m, g, g->pid + FIRST_VCPU + n, comm, cpus, group);
}

void guest_start(const struct machine *m, struct guest *g, int pid, uint64_t start)
{
	AUTO_HOST struct host *h = open_host(m);
	AUTO_FREE char *group = xasprintf("qemu.slice/%s", g->scope);
	AUTO_FREE char *dir = xasprintf("sys/fs/cgroup/%s", group);
	if (!tree_exists(h, dir) && tree_mkdir_cgroup(h, dir) < 0)
		exit(99);
	AUTO_FREE char *cpus = group_cpus(m, group);
	AUTO_FREE char *words = xasprintf("/usr/bin/qemu-system-x86_64 -name "
					  "guest=%s,debug-threads=on -accel kvm -smp %d -m 1024",
		g->name, g->n_vcpus);
	g->pid = pid;
	g->start = start;
	put_thread(m, g, pid, "qemu-system-x86", cpus, group);
	put_thread(m, g, pid + 1, "call_rcu", cpus, group);
	for (int i = 0; i < g->n_vcpus; i++)
		put_vcpu(m, g, i, cpus, group);
	files_put_cmdline(m->dir, pid, words, ' ');
}

/* Takes the number out of the list of a group. */
static void leave_group(const struct machine *m, const char *group, int tid)
{
	static const char *const lists[] = { "cgroup.threads", "cgroup.procs" };
	for (size_t i = 0; i < N_ELEMENTS(lists); i++) {
		AUTO_FREE char *path = xasprintf("sys/fs/cgroup/%s/%s", group, lists[i]);
		AUTO_FREE char *text = xstrdup(machine_read(m, "%s", path));
		AUTO_STRBUF struct strbuf b = { 0 };
		char *next = text;
		for (char *line; (line = str_next_line(&next));)
			if (*line && atoi(line) != tid)
				strbuf_printf(&b, "%s\n", line);
		if (machine_has(m, path))
			machine_write(m, path, b.s ? b.s : "");
	}
}

static void remove_process(const struct machine *m, int pid)
{
	AUTO_FREE char *command = xasprintf("rm -r '%s/proc/%d'", m->dir, pid);
	if (system(command) != 0)
		exit(99);
}

/* systemd's own drop-ins of a transient unit go with it; in what it remembers, too. */
static void forget_unit(const struct machine *m, const char *unit)
{
	AUTO_FREE char *command = xasprintf("rm -rf '%s/run/systemd/transient/%s.d'", m->dir, unit);
	AUTO_FREE char *text = xstrdup(machine_read(m, ".systemd"));
	AUTO_STRBUF struct strbuf b = { 0 };
	char *next = text;
	if (system(command) != 0)
		exit(99);
	if (!machine_has(m, ".systemd"))
		return;
	for (char *line; (line = str_next_line(&next));)
		if (*line && !str_after(line, unit))
			strbuf_printf(&b, "%s\n", line);
	if (b.n) {
		machine_write(m, ".systemd", b.s);
	} else {
		AUTO_FREE char *path = xasprintf("%s/.systemd", m->dir);
		unlink(path);
	}
}

/* What is below goes first; nobody is in there any more. */
static void remove_group(const struct machine *m, struct host *h, const char *group)
{
	AUTO_FREE char *dir = xasprintf("sys/fs/cgroup/%s", group);
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, "%s", dir) < 0)
		exit(99);
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *child = xasprintf("%s/%s", group, names.v[i]);
		AUTO_FREE char *type = xasprintf("sys/fs/cgroup/%s/cgroup.type", child);
		if (machine_has(m, type))
			remove_group(m, h, child);
	}
	int r = tree_rmdir_cgroup(h, dir);
	if (r < 0) {
		fprintf(stderr, "rmdir %s: %s\n", dir, strerror(-r));
		exit(99);
	}
}

void guest_stop(const struct machine *m, struct guest *g)
{
	AUTO_HOST struct host *h = open_host(m);
	AUTO_NAMES struct host_names tids = { 0 };
	AUTO_FREE char *group = xasprintf("qemu.slice/%s", g->scope);
	if (host_list(h, &tids, "proc/%d/task", g->pid) < 0)
		exit(99);
	for (size_t i = 0; i < tids.n; i++) {
		AUTO_FREE char *in = NULL;
		if (tree_task_cgroup(h, atoi(tids.v[i]), &in) < 0)
			exit(99);
		leave_group(m, in, atoi(tids.v[i]));
	}
	remove_process(m, g->pid);
	remove_group(m, h, group);
	forget_unit(m, g->scope);
	g->pid = 0;
}

void guest_add_vcpu(const struct machine *m, struct guest *g)
{
	AUTO_HOST struct host *h = open_host(m);
	AUTO_FREE char *group = NULL;
	struct cpuset mask;
	if (tree_task_cgroup(h, g->pid, &group) < 0 || host_get_affinity(h, g->pid, &mask) < 0)
		exit(99);
	AUTO_FREE char *cpus = cpuset_format_list(&mask);
	put_vcpu(m, g, g->n_vcpus++, cpus, group);
}

/* ---- others ---- */

/* Refused or not: the kernel answers whoever asked. */
static void told(int r)
{
	(void)r;
}

void foreign_affinity(const struct machine *m, int tid, const struct cpuset *cpus)
{
	AUTO_HOST struct host *h = open_host(m);
	told(host_set_affinity(h, tid, cpus));
}

void foreign_irq(const struct machine *m, int irq, const struct cpuset *cpus)
{
	AUTO_HOST struct host *h = open_host(m);
	AUTO_FREE char *list = cpuset_format_list(cpus);
	told(host_write(h, list, "proc/irq/%d/smp_affinity_list", irq));
}

void foreign_unit_cpus(const struct machine *m, const char *unit, const struct cpuset *cpus)
{
	AUTO_HOST struct host *h = open_host(m);
	told(host_set_unit_list(h, unit, "AllowedCPUs", cpus));
}

void foreign_partition(const struct machine *m, const char *cpus)
{
	AUTO_HOST struct host *h = open_host(m);
	told(host_mkdir(h, "sys/fs/cgroup/theirs"));
	told(host_write(h, cpus, "sys/fs/cgroup/theirs/cpuset.cpus.exclusive"));
	told(host_write(h, "isolated", "sys/fs/cgroup/theirs/cpuset.cpus.partition"));
}

void daemon_reload(const struct machine *m)
{
	AUTO_HOST struct host *h = open_host(m);
	told(host_reload_units(h));
}
