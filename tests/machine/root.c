/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "root.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/str.h"

enum { N_CPUS = 24, N_CORES = 12 };

const char *const root_names[N_ROOTS] = { "6.12", "7.0", "6.1", "no systemd" };

struct root {
	const char *dir;
	enum root_kind kind;
};

/* ---- files ---- */

static void make_dirs(const char *dir, const char *path)
{
	for (const char *p = path; (p = strchr(p, '/')); p++) {
		AUTO_FREE char *part = xasprintf("%s/%.*s", dir, (int)(p - path), path);
		mkdir(part, 0755);
	}
}

static void put_n(const struct root *r, const char *path, const char *text, size_t n)
{
	AUTO_FREE char *full = xasprintf("%s/%s", r->dir, path);
	make_dirs(r->dir, path);
	AUTO_FILE FILE *f = fopen(full, "we");
	if (!f || fwrite(text, 1, n, f) != n) {
		perror(full);
		exit(99);
	}
}

PRINTF_LIKE(3, 4) static void put(const struct root *r, const char *path, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	put_n(r, path, text, strlen(text));
}

PRINTF_LIKE(3, 4) static void put_at(const struct root *r, const char *text, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *path = xvasprintf(fmt, ap);
	va_end(ap);
	put_n(r, path, text, strlen(text));
}

static char *mask_of(const char *list)
{
	struct cpuset set;
	if (cpuset_parse_list(list, &set) < 0)
		abort();
	AUTO_FREE char *mask = cpuset_format_mask(&set);
	return xasprintf("%06lx", strtoul(mask, NULL, 16));
}

/* ---- CPUs: 0-5 and 12-17 are socket 0, n and n + 12 siblings ---- */

static const char *const socket_cpus[] = { "0-5,12-17", "6-11,18-23" };

static void put_cache(const struct root *r, int cpu, int index, int level, const char *cpus)
{
	AUTO_FREE char *dir = xasprintf("sys/devices/system/cpu/cpu%d/cache/index%d", cpu, index);
	AUTO_FREE char *mask = mask_of(cpus);
	put_at(r, level == 3 ? "3\n" : "2\n", "%s/level", dir);
	put_at(r, "Unified\n", "%s/type", dir);
	put_at(r, level == 3 ? "32768K\n" : "1024K\n", "%s/size", dir);
	put_at(r, "64\n", "%s/coherency_line_size", dir);
	put_at(r, mask, "%s/shared_cpu_map", dir);
	put_at(r, cpus, "%s/shared_cpu_list", dir);
}

static void put_cpu(const struct root *r, int cpu)
{
	int core = cpu % N_CORES, socket = core / (N_CORES / 2);
	AUTO_FREE char *dir = xasprintf("sys/devices/system/cpu/cpu%d/topology", cpu);
	AUTO_FREE char *siblings = xasprintf("%d,%d", core, core + N_CORES);
	AUTO_FREE char *core_mask = mask_of(siblings), *mask = mask_of(socket_cpus[socket]);
	AUTO_FREE char *core_id = xasprintf("%d\n", core % (N_CORES / 2));
	put_at(r, socket ? "1\n" : "0\n", "%s/physical_package_id", dir);
	put_at(r, core_id, "%s/core_id", dir);
	put_at(r, core_mask, "%s/core_cpus", dir);
	put_at(r, core_mask, "%s/thread_siblings", dir);
	put_at(r, mask, "%s/package_cpus", dir);
	put_at(r, mask, "%s/core_siblings", dir);
	put_cache(r, cpu, 0, 3, socket_cpus[socket]);
}

static void put_cpus(const struct root *r)
{
	static const char *const lists[] = { "online", "possible", "present" };
	for (size_t i = 0; i < N_ELEMENTS(lists); i++)
		put_at(r, "0-23\n", "sys/devices/system/cpu/%s", lists[i]);
	put(r, "sys/devices/system/cpu/isolated", "\n");
	for (int cpu = 0; cpu < N_CPUS; cpu++)
		put_cpu(r, cpu);
	put(r, "sys/devices/system/node/online", "0-1\n");
	put(r, "sys/devices/system/node/possible", "0-1\n");
	for (int node = 0; node < 2; node++) {
		AUTO_FREE char *mask = mask_of(socket_cpus[node]);
		AUTO_FREE char *meminfo = xasprintf("Node %d MemTotal:       65849216 kB\n"
						    "Node %d MemFree:        32924608 kB\n",
			node, node);
		put_at(r, mask, "sys/devices/system/node/node%d/cpumap", node);
		put_at(r, meminfo, "sys/devices/system/node/node%d/meminfo", node);
		put_at(r, node ? "21 10\n" : "10 21\n", "sys/devices/system/node/node%d/distance",
			node);
	}
}

/* ---- cgroups: directories with the files that the kernel gives them ---- */

struct group {
	const char *path;
	bool has_cpuset; /* where user.slice has an AllowedCPUs: the root's children */
};

static const struct group groups[] = {
	{ "init.scope", true }, { "system.slice", true },
	{ "system.slice/irqbalance.service", false }, { "system.slice/ssh.service", false },
	{ "system.slice/systemd-journald.service", false }, { "user.slice", true },
	{ "user.slice/user-0.slice", false }, { "user.slice/user-0.slice/session-1.scope", false },
	{ "qemu.slice", true }, { "qemu.slice/100.scope", false },
	{ "qemu.slice/101.scope", false }, { "batch", true }, /* made by hand, nobody's unit */
};

static const char user_cpus[] = "0-19"; /* on ROOT_7 */

static void put_group_file(
	const struct root *r, const char *group, const char *file, const char *text)
{
	put_at(r, text, "sys/fs/cgroup/%s%s%s", group, *group ? "/" : "", file);
}

static void put_cpuset(const struct root *r, const char *group)
{
	bool is_user = streq(group, "user.slice");
	const char *cpus = is_user ? "0-19\n" : "\n";
	put_group_file(r, group, "cpuset.cpus", cpus);
	put_group_file(r, group, "cpuset.cpus.effective", is_user ? cpus : "0-23\n");
	put_group_file(r, group, "cpuset.cpus.exclusive", "\n");
	put_group_file(r, group, "cpuset.cpus.exclusive.effective", "\n");
	put_group_file(r, group, "cpuset.cpus.partition", "member\n");
	put_group_file(r, group, "cpuset.mems", "\n");
	put_group_file(r, group, "cpuset.mems.effective", "0-1\n");
}

static bool is_leaf(const char *path)
{
	return str_has_suffix(path, ".scope") || str_has_suffix(path, ".service") ||
		streq(path, "batch");
}

static void put_groups(const struct root *r)
{
	bool is_on = r->kind == ROOT_7;
	put_group_file(
		r, "", "cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
	put_group_file(
		r, "", "cgroup.subtree_control", is_on ? "cpuset memory pids\n" : "memory pids\n");
	put_group_file(r, "", "cgroup.threads", "");
	put_group_file(r, "", "cpuset.cpus.effective", "0-23\n");
	put_group_file(r, "", "cpuset.mems.effective", "0-1\n");
	if (r->kind != ROOT_6_1)
		put_group_file(r, "", "cpuset.cpus.isolated", "\n");
	for (size_t i = 0; i < N_ELEMENTS(groups); i++) {
		const struct group *g = &groups[i];
		put_group_file(r, g->path, "cgroup.type", "domain\n");
		put_group_file(r, g->path, "cgroup.controllers",
			is_on && g->has_cpuset ? "cpuset memory pids\n" : "memory pids\n");
		put_group_file(r, g->path, "cgroup.subtree_control",
			is_leaf(g->path) ? "" : "memory pids\n");
		put_group_file(r, g->path, "cgroup.threads", "");
		put_group_file(r, g->path, "cgroup.procs", "");
		if (is_on && g->has_cpuset)
			put_cpuset(r, g->path);
	}
}

/* ---- threads ---- */

enum { KTHREAD = 0x00208040, BOUND = 0x04208040, USER = 0x00400100 };

struct thread {
	int pid, tid;
	const char *comm;
	unsigned int flags;
	const char *cpus; /* NULL: what its group has */
	const char *group;
};

static const struct thread threads[] = {
	{ 1, 1, "systemd", USER, NULL, "init.scope" },
	{ 2, 2, "kthreadd", KTHREAD, NULL, "" },
	{ 11, 11, "rcu_preempt", KTHREAD, NULL, "" },
	{ 15, 15, "ksoftirqd/0", BOUND, "0", "" },
	{ 22, 22, "migration/4", BOUND, "4", "" },
	{ 23, 23, "kworker/4:1-events", BOUND, "4", "" },
	{ 24, 24, "ksoftirqd/16", BOUND, "16", "" },
	{ 51, 51, "kswapd0", KTHREAD, "0-5,12-17", "" },
	{ 52, 52, "kswapd1", KTHREAD, "6-11,18-23", "" },
	{ 53, 53, "khugepaged", KTHREAD, NULL, "" },
	{ 60, 60, "watch (me) :)", USER, NULL, "" },
	{ 61, 61, "pinned-agent", USER, "1,13", "" },
	{ 400, 400, "systemd-journal", USER, NULL, "system.slice/systemd-journald.service" },
	{ 410, 410, "irqbalance", USER, NULL, "system.slice/irqbalance.service" },
	{ 410, 412, "gmain", USER, NULL, "system.slice/irqbalance.service" },
	{ 420, 420, "sshd", USER, "1-4,13", "system.slice/ssh.service" },
	{ 500, 500, "bash", USER, NULL, "user.slice/user-0.slice/session-1.scope" },
	{ 501, 501, "make", USER, "7", "user.slice/user-0.slice/session-1.scope" },
	{ 700, 700, "crunch", USER, NULL, "batch" },
	{ DB01, DB01, "qemu-system-x86", USER, NULL, "qemu.slice/100.scope" },
	{ DB01, DB01 + 1, "call_rcu", USER, NULL, "qemu.slice/100.scope" },
	{ DB01, DB01 + 2, "IO disk0", USER, NULL, "qemu.slice/100.scope" },
	{ DB01, DB01 + 3, "IO disk1", USER, NULL, "qemu.slice/100.scope" },
	{ DB01, DB01 + 5, "CPU 0/KVM", USER, NULL, "qemu.slice/100.scope" },
	{ DB01, DB01 + 6, "CPU 1/KVM", USER, "2-3", "qemu.slice/100.scope" },
	{ DB01, DB01 + 7, "CPU 2/KVM", USER, NULL, "qemu.slice/100.scope" },
	{ DB01, DB01 + 8, "CPU 3/KVM", USER, NULL, "qemu.slice/100.scope" },
	{ DB01, DB01 + 9, "vhost-3085", USER, NULL, "qemu.slice/100.scope" },
	{ DB01, DB01 + 10, "worker", USER, NULL, "qemu.slice/100.scope" },
	{ 3100, 3100, "kvm-pit/3085", KTHREAD, NULL, "" },
	{ DB02, DB02, "qemu-system-x86", USER, NULL, "qemu.slice/101.scope" },
	{ DB02, DB02 + 1, "call_rcu", USER, NULL, "qemu.slice/101.scope" },
	{ DB02, DB02 + 2, "IO disk0", USER, NULL, "qemu.slice/101.scope" },
	{ DB02, DB02 + 3, "CPU 0/KVM", USER, NULL, "qemu.slice/101.scope" },
	{ DB02, DB02 + 4, "CPU 1/KVM", USER, NULL, "qemu.slice/101.scope" },
	{ DB02, DB02 + 6, "worker", USER, NULL, "qemu.slice/101.scope" },
};

static void put_thread(const struct root *r, const struct thread *t)
{
	AUTO_FREE char *dir = xasprintf("proc/%d/task/%d", t->pid, t->tid);
	bool is_limited = r->kind == ROOT_7 && str_after(t->group, "user.slice");
	const char *cpus = t->cpus ? t->cpus : is_limited ? user_cpus : "0-23";
	AUTO_FREE char *mask = mask_of(cpus);
	AUTO_FREE char *stat =
		xasprintf("%d (%s) S 1 %d %d 0 -1 %u 0 0 0 0 0 0 0 0 20 0 9 0 %d 0 0 "
			  "0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0\n",
			t->tid, t->comm, t->pid, t->pid, t->flags, 1000 + t->tid);
	AUTO_FREE char *status = xasprintf("Name:\t%s\nTgid:\t%d\nPid:\t%d\nCpus_allowed:\t%s\n"
					   "Cpus_allowed_list:\t%s\nMems_allowed_list:\t0-1\n",
		t->comm, t->pid, t->tid, mask, cpus);
	AUTO_FREE char *cgroup = xasprintf("0::/%s\n", t->group);
	put_at(r, stat, "%s/stat", dir);
	put_at(r, status, "%s/status", dir);
	put_at(r, cgroup, "%s/cgroup", dir);
	if (t->tid == t->pid) {
		put_at(r, stat, "proc/%d/stat", t->pid);
		put_at(r, status, "proc/%d/status", t->pid);
		put_at(r, cgroup, "proc/%d/cgroup", t->pid);
	}
	AUTO_FREE char *list = xasprintf("%s/sys/fs/cgroup/%s/cgroup.threads", r->dir, t->group);
	AUTO_FILE FILE *f = fopen(list, "ae");
	if (!f || fprintf(f, "%d\n", t->tid) < 0)
		exit(99);
}

/* NULs stand between the words. */
static void put_cmdline(const struct root *r, int pid, const char *words)
{
	AUTO_FREE char *path = xasprintf("proc/%d/cmdline", pid), *text = xstrdup(words);
	size_t n = strlen(text);
	for (char *p = text; (p = strchr(p, ' '));)
		*p++ = 0;
	put_n(r, path, text, n + 1);
}

static void put_threads(const struct root *r)
{
	for (size_t i = 0; i < N_ELEMENTS(threads); i++)
		put_thread(r, &threads[i]);
	put_cmdline(r, DB01,
		"/usr/bin/qemu-system-x86_64 -name guest=db01,debug-threads=on -accel kvm "
		"-smp 4,sockets=1,cores=2,threads=2 -m 4096 -object iothread,id=disk0 "
		"-object iothread,id=disk1");
	put_cmdline(r, DB02,
		"/usr/bin/qemu-system-x86_64 -name guest=db02,debug-threads=on -accel kvm "
		"-smp 2 -m 1024 -object iothread,id=disk0");
	put_cmdline(r, 410, "/usr/sbin/irqbalance --foreground");
}

/* ---- interrupts and the rest ---- */

struct irq {
	int irq;
	const char *chip, *action, *cpus;
	bool is_fixed;
};

static const struct irq irqs[] = {
	{ 0, "IO-APIC    2-edge", "timer", "0-23", true },
	{ 9, "IO-APIC    9-fasteoi", "acpi", "0-23", false },
	{ 24, "PCI-MSIX-0000:00:03.0   0-edge", "virtio0-config", "0-23", false },
	{ 25, "PCI-MSIX-0000:00:03.0   1-edge", "virtio0-req.0", "5", true },
	{ 26, "PCI-MSIX-0000:3b:00.0   0-edge", "eth0-TxRx-0", "4", false },
	{ 27, "PCI-MSIX-0000:3b:00.0   1-edge", "eth0-TxRx-1", "16,20", false },
	{ 28, "PCI-MSIX-0000:af:00.0   0-edge", "nvme0q0", "6-11,18-23", false },
};

static void put_irqs(const struct root *r)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "    ");
	for (int cpu = 0; cpu < N_CPUS; cpu++)
		strbuf_printf(&b, " %7s%d", "CPU", cpu);
	strbuf_puts(&b, "\n");
	for (size_t i = 0; i < N_ELEMENTS(irqs); i++) {
		const struct irq *irq = &irqs[i];
		struct cpuset set;
		strbuf_printf(&b, "%3d:", irq->irq);
		for (int cpu = 0; cpu < N_CPUS; cpu++)
			strbuf_printf(&b, " %10d", cpu * irq->irq);
		strbuf_printf(&b, "  %s      %s\n", irq->chip, irq->action);
		if (cpuset_parse_list(irq->cpus, &set) < 0)
			abort();
		AUTO_FREE char *list = xasprintf("%s\n", irq->cpus);
		AUTO_FREE char *first = xasprintf("%d\n", cpuset_first(&set));
		AUTO_FREE char *name =
			xasprintf("%s/proc/irq/%d/smp_affinity_list", r->dir, irq->irq);
		AUTO_FREE char *action =
			xasprintf("%s/proc/irq/%d/%s", r->dir, irq->irq, irq->action);
		put_at(r, list, "proc/irq/%d/smp_affinity_list", irq->irq);
		put_at(r, first, "proc/irq/%d/effective_affinity_list", irq->irq);
		mkdir(action, 0755);
		if (irq->is_fixed && chmod(name, 0444) < 0)
			exit(99);
	}
	strbuf_puts(&b, "ERR:          0\n");
	put(r, "proc/interrupts", "%s", b.s);
	put(r, "proc/irq/default_smp_affinity", "ffffff\n");
}

static void put_kernel(const struct root *r)
{
	static const char *const words[N_ROOTS] = {
		[ROOT_7] = "clears-cpus\n", [ROOT_6_1] = "no-exclusive forgets-pins\n"
	};
	if (words[r->kind])
		put(r, ".kernel", "%s", words[r->kind]);
	put(r, "proc/sys/kernel/random/boot_id", "6f2a8c2e-0000-4000-8000-000000000001\n");
	put(r, "proc/sys/kernel/hostname", "testhost\n");
	put(r, "proc/sys/kernel/osrelease", "%s-test\n", root_names[r->kind]);
	put(r, "proc/cmdline", "quiet\n");
	put(r, "sys/devices/virtual/workqueue/cpumask", "ffffff\n");
	if (r->kind != ROOT_6_1)
		put(r, "sys/devices/virtual/workqueue/cpumask_requested", "ffffff\n");
	put(r, "run/README", "volatile\n");
	if (r->kind == ROOT_PLAIN)
		return;
	put(r, "run/irqbalance/banned", "\n");
	put(r, "run/systemd/system/keep", "\n");
	put(r, "run/systemd/system.control/keep", "\n");
	put(r, "run/systemd/transient/keep", "\n");
	if (r->kind != ROOT_7)
		return;
	put(r, ".systemd", "user.slice AllowedCPUs %s\n", user_cpus);
	put(r, "run/systemd/system.control/user.slice.d/50-AllowedCPUs.conf",
		"[Slice]\nAllowedCPUs=%s\n", user_cpus);
}

void make_root(const char *dir, enum root_kind kind)
{
	struct root r = { dir, kind };
	put_cpus(&r);
	put_groups(&r);
	put_threads(&r);
	put_irqs(&r);
	put_kernel(&r);
}
