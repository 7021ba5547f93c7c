/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "files.h"

static const char controllers[] = "cpuset cpu io memory pids";

struct place {
	const struct shape_layout *l;
	const char *dir;
	char *all, *nodes; /* lists */
};

static void place_done(struct place *p)
{
	free(p->all);
	free(p->nodes);
}

static struct place place_of(const struct shape_layout *l, const char *dir)
{
	struct cpuset nodes = CPUSET_EMPTY;
	for (int i = 0; i < l->n_nodes + l->shape.memory_nodes; i++)
		cpuset_add(&nodes, i);
	return (struct place){ l, dir, cpuset_format_list(&l->online), cpuset_format_list(&nodes) };
}

static int count_of(int irq, int n)
{
	return n == irq % 7 ? 9000 : n * 100;
}

static void put_kernel(const struct place *p)
{
	const struct made_irq irqs[] = {
		{ 9, "IO-APIC   9-fasteoi", "acpi", p->all, false },
		{ 24, "PCI-MSIX-0000:00:03.0   0-edge", "nvme0q0", p->all, false },
		{ 25, "PCI-MSIX-0000:00:04.0   1-edge", "eth0-rx-0", p->all, false },
		{ 26, "PCI-MSIX-0000:00:04.0   2-edge", "eth0-tx-0", "1-3", false },
	};
	const char *slash = strrchr(p->dir, '/');
	AUTO_FREE char *name = xasprintf("%s\n", slash ? slash + 1 : p->dir);
	int n = (int)p->l->cpus.n;
	files_put(p->dir, name, "proc/sys/kernel/hostname");
	files_put(p->dir, "6.12.0-golden\n", "proc/sys/kernel/osrelease");
	files_put_irqs(p->dir, &p->l->online, irqs, N_ELEMENTS(irqs), count_of);
	files_put_mask(p->dir, &p->l->online, n, "sys/devices/virtual/workqueue/cpumask");
	files_put_mask(p->dir, &p->l->online, n, "sys/devices/virtual/workqueue/cpumask_requested");
}

static void put_group(const struct place *p, const char *path, bool is_leaf)
{
	files_put_group(p->dir,
		&(struct made_group){ .path = path,
			.controllers = controllers,
			.given = is_leaf ? "" : controllers,
			.has_cpuset = true,
			.effective = p->all,
			.mems = p->nodes });
}

static void put_thread(const struct place *p, int pid, int tid, const char *comm,
	unsigned int flags, int cpu, const char *allowed, const char *group)
{
	files_put_thread(p->dir,
		&(struct made_thread){ .pid = pid,
			.tid = tid,
			.ppid = pid == 1 || pid == 2  ? 0
				: flags == FILES_USER ? 1
						      : 2,
			.comm = comm,
			.flags = flags,
			.start = (uint64_t)(1000 + tid),
			.cpu = cpu,
			.allowed = allowed,
			.mems = p->nodes,
			.n_cpus = (int)p->l->cpus.n,
			.group = group });
	if (pid == tid)
		files_put_cmdline(p->dir, pid, "", ' ');
}

static void put_threads(const struct place *p)
{
	int last = (int)p->l->cpus.n - 1;
	AUTO_FREE char *last_cpu = xasprintf("%d", last), *name = xasprintf("ksoftirqd/%d", last);
	AUTO_FREE char *node0 = cpuset_format_list(&p->l->of_node[0]);
	put_thread(p, 1, 1, "systemd", FILES_USER, 0, p->all, "init.scope");
	put_thread(p, 2, 2, "kthreadd", FILES_KTHREAD, 1, p->all, "");
	put_thread(p, 3, 3, "rcu_sched", FILES_KTHREAD, 2, p->all, "");
	put_thread(p, 20, 20, "ksoftirqd/1", FILES_BOUND, 1, "1", "");
	put_thread(p, 21, 21, name, FILES_BOUND, last, last_cpu, "");
	put_thread(p, 22, 22, "kswapd0", FILES_KTHREAD, 0, node0, "");
	put_thread(p, 700, 700, "sshd", FILES_USER, 3, p->all, "system.slice/ssh.service");
}

void host_put(const struct shape_layout *l, const char *dir)
{
	CLEANUP(place_done) struct place p = place_of(l, dir);
	put_kernel(&p);
	put_group(&p, "", false);
	put_group(&p, "init.scope", true);
	put_group(&p, "system.slice", false);
	put_group(&p, "system.slice/ssh.service", true);
	put_group(&p, "user.slice", false);
	put_group(&p, "qemu.slice", false);
	files_put(dir, "", "run/systemd/system/.keep");
	put_threads(&p);
}

static void put_command(
	const struct place *p, int pid, int id, const char *name, int n_vcpus, int n_iothreads)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_printf(&b,
		"/usr/bin/kvm -id %d -name %s,debug-threads=on "
		"-uuid 00000000-0000-4000-8000-%012d -smp %d,sockets=1,cores=%d -m 4096",
		id, name, id, n_vcpus, n_vcpus);
	for (int i = 0; i < n_iothreads; i++)
		strbuf_printf(&b, " -object iothread,id=io%d", i);
	strbuf_printf(&b,
		" -qmp unix:/run/qemu-server/%d.qmp,server=on,wait=off "
		"-pidfile /run/qemu-server/%d.pid -daemonize",
		id, id);
	files_put_cmdline(p->dir, pid, b.s, ' ');
}

bool host_put_vm(const struct shape_layout *l, const char *dir, const char *vm)
{
	CLEANUP(place_done) struct place p = place_of(l, dir);
	int id, n_vcpus, n_iothreads, n = (int)l->cpus.n;
	char name[40], allowed[80];
	if (sscanf(vm, "%d:%39[^:]:%d:%d:%79s", &id, name, &n_vcpus, &n_iothreads, allowed) != 5)
		return false;
	int pid = id * 20;
	AUTO_FREE char *scope = xasprintf("qemu.slice/%d.scope", id);
	put_group(&p, scope, true);
	put_thread(&p, pid, pid, "kvm", FILES_USER, 4, p.all, scope);
	for (int i = 0; i < n_vcpus; i++) {
		AUTO_FREE char *comm = xasprintf("CPU %d/KVM", i);
		put_thread(&p, pid, pid + 3 + i, comm, FILES_USER, i % n, allowed, scope);
	}
	for (int i = 0; i < n_iothreads; i++) {
		AUTO_FREE char *comm = xasprintf("IO io%d", i);
		put_thread(&p, pid, pid + 3 + n_vcpus + i, comm, FILES_USER, 5, p.all, scope);
	}
	put_thread(&p, pid, pid + 1, "call_rcu", FILES_USER, 6, p.all, scope);
	AUTO_FREE char *pit = xasprintf("kvm-pit/%d", pid);
	int pit_pid = n_vcpus + n_iothreads < 16 ? pid + 19 : 100000 + pid;
	put_thread(&p, pit_pid, pit_pid, pit, FILES_KTHREAD, 2, p.all, "");
	put_command(&p, pid, id, name, n_vcpus, n_iothreads);
	AUTO_FREE char *conf =
		xasprintf("name: %s\nsockets: 1\ncores: %d\nmemory: 4096\n", name, n_vcpus);
	files_put_number(dir, pid, "run/qemu-server/%d.pid", id);
	files_put(dir, conf, "etc/pve/qemu-server/%d.conf", id);
	return true;
}
