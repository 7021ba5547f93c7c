/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "root.h"

#include "base/alloc.h"
#include "base/str.h"
#include "files.h"
#include "shape.h"

const char *const root_names[N_ROOTS] = { "6.12", "7.0", "6.1", "no systemd" };

struct root {
	const char *dir;
	enum root_kind kind;
};

static const struct shape shape = { .sockets = 2,
	.nodes = 1,
	.l3s = 1,
	.cores = 6,
	.threads = 2,
	.is_interleaved = true,
	.l3_kib = 32768,
	.mem_mib = 64306,
	.no_memory = -1,
	.is_lean = true };

static void put_topology(const struct root *r)
{
	struct shape_layout l;
	shape_lay_out(&l, &shape);
	shape_put(&l, r->dir);
	shape_done(&l);
	for (int node = 0; node < 2; node++) {
		AUTO_FREE char *meminfo = xasprintf("Node %d MemTotal:       65849216 kB\n"
						    "Node %d MemFree:        32924608 kB\n",
			node, node);
		files_put(r->dir, meminfo, "sys/devices/system/node/node%d/meminfo", node);
		files_put(r->dir, node ? "21 10\n" : "10 21\n",
			"sys/devices/system/node/node%d/distance", node);
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

static const char all[] = "0-23", user_cpus[] = "0-19"; /* of user.slice, on ROOT_7 */

static bool is_leaf(const char *path)
{
	return str_has_suffix(path, ".scope") || str_has_suffix(path, ".service") ||
		streq(path, "batch");
}

static void put_groups(const struct root *r)
{
	bool is_on = r->kind == ROOT_7;
	files_put_group(r->dir,
		&(struct made_group){ .path = "",
			.controllers = "cpuset cpu io memory hugetlb pids rdma misc",
			.given = is_on ? "cpuset memory pids" : "memory pids",
			.has_cpuset = true,
			.is_old = r->kind == ROOT_6_1,
			.effective = all,
			.mems = "0-1" });
	for (size_t i = 0; i < N_ELEMENTS(groups); i++) {
		const struct group *g = &groups[i];
		bool has_cpuset = is_on && g->has_cpuset, is_user = streq(g->path, "user.slice");
		files_put_group(r->dir,
			&(struct made_group){ .path = g->path,
				.controllers = has_cpuset ? "cpuset memory pids" : "memory pids",
				.given = is_leaf(g->path) ? "" : "memory pids",
				.has_cpuset = has_cpuset,
				.cpus = is_user ? user_cpus : "",
				.effective = is_user ? user_cpus : all,
				.mems = "0-1" });
	}
}

/* ---- threads ---- */

enum { KTHREAD = FILES_KTHREAD, BOUND = FILES_BOUND, USER = FILES_USER };

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
	bool is_limited = r->kind == ROOT_7 && str_after(t->group, "user.slice");
	files_put_thread(r->dir,
		&(struct made_thread){ .pid = t->pid,
			.tid = t->tid,
			.ppid = 1,
			.comm = t->comm,
			.flags = t->flags,
			.start = (uint64_t)(1000 + t->tid),
			.allowed = t->cpus   ? t->cpus
				: is_limited ? user_cpus
					     : all,
			.mems = "0-1",
			.n_cpus = 24,
			.group = t->group });
}

static void put_threads(const struct root *r)
{
	for (size_t i = 0; i < N_ELEMENTS(threads); i++)
		put_thread(r, &threads[i]);
	files_put_cmdline(r->dir, DB01,
		"/usr/bin/qemu-system-x86_64 -name guest=db01,debug-threads=on -accel kvm "
		"-smp 4,sockets=1,cores=2,threads=2 -m 4096 -object iothread,id=disk0 "
		"-object iothread,id=disk1",
		' ');
	files_put_cmdline(r->dir, DB02,
		"/usr/bin/qemu-system-x86_64 -name guest=db02,debug-threads=on -accel kvm "
		"-smp 2 -m 1024 -object iothread,id=disk0",
		' ');
	files_put_cmdline(r->dir, 410, "/usr/sbin/irqbalance --foreground", ' ');
}

/* ---- interrupts and the rest ---- */

static const struct made_irq irqs[] = {
	{ 0, "IO-APIC    2-edge", "timer", "0-23", true },
	{ 9, "IO-APIC    9-fasteoi", "acpi", "0-23", false },
	{ 24, "PCI-MSIX-0000:00:03.0   0-edge", "virtio0-config", "0-23", false },
	{ 25, "PCI-MSIX-0000:00:03.0   1-edge", "virtio0-req.0", "5", true },
	{ 26, "PCI-MSIX-0000:3b:00.0   0-edge", "eth0-TxRx-0", "4", false },
	{ 27, "PCI-MSIX-0000:3b:00.0   1-edge", "eth0-TxRx-1", "16,20", false },
	{ 28, "PCI-MSIX-0000:af:00.0   0-edge", "nvme0q0", "6-11,18-23", false },
};

static int count_of(int irq, int n)
{
	return n * irq;
}

static void put_kernel(const struct root *r)
{
	static const char *const words[N_ROOTS] = {
		[ROOT_7] = "clears-cpus\n", [ROOT_6_1] = "no-exclusive forgets-pins\n"
	};
	if (words[r->kind])
		files_put(r->dir, words[r->kind], ".kernel");
	files_put(
		r->dir, "6f2a8c2e-0000-4000-8000-000000000001\n", "proc/sys/kernel/random/boot_id");
	files_put(r->dir, "1\n", "proc/sys/vm/stat_interval");
	files_put(r->dir, "testhost\n", "proc/sys/kernel/hostname");
	AUTO_FREE char *release = xasprintf("%s-test\n", root_names[r->kind]);
	files_put(r->dir, release, "proc/sys/kernel/osrelease");
	files_put(r->dir, "quiet\n", "proc/cmdline");
	files_put(r->dir, "ffffff\n", "sys/devices/virtual/workqueue/cpumask");
	if (r->kind != ROOT_6_1)
		files_put(r->dir, "ffffff\n", "sys/devices/virtual/workqueue/cpumask_requested");
	files_put(r->dir, "volatile\n", "run/README");
	if (r->kind == ROOT_PLAIN)
		return;
	files_put(r->dir, "\n", "run/irqbalance/banned");
	files_put(r->dir, "\n", "run/systemd/system/keep");
	files_put(r->dir, "\n", "run/systemd/system.control/keep");
	files_put(r->dir, "\n", "run/systemd/transient/keep");
	if (r->kind != ROOT_7)
		return;
	AUTO_FREE char *memory = xasprintf("user.slice AllowedCPUs %s\n", user_cpus);
	AUTO_FREE char *dropin = xasprintf("[Slice]\nAllowedCPUs=%s\n", user_cpus);
	files_put(r->dir, memory, ".systemd");
	files_put(r->dir, dropin, "run/systemd/system.control/user.slice.d/50-AllowedCPUs.conf");
}

void make_root(const char *dir, enum root_kind kind)
{
	struct root r = { dir, kind };
	put_topology(&r);
	put_groups(&r);
	put_threads(&r);
	struct cpuset online = files_set(all);
	files_put_irqs(dir, &online, irqs, N_ELEMENTS(irqs), count_of);
	put_kernel(&r);
}
