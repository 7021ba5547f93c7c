/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the tree of a machine that nobody has: make-tree DIR [KEY=VALUE]...
 *
 *	sockets=1 nodes=1 l3s=1 cores=4 threads=1	each per the one before
 *	numbering=adjacent|interleaved			siblings n, n+1 or n, n+cores
 *	l3_kib=32768	0: no L3			cache=0: no cache files at all
 *	mem_mib=65536	per node			no_memory=N: node N has none
 *	memory_nodes=0	nodes without CPUs		offline=LIST
 *	private=0	1: each thread has caches of its own, as emulated CPUs have
 *	small=0 tiny=0	E cores beside the last L3's, low-power ones outside of it
 *	small_l3s=0	of each node the last so many L3s have a third of the size
 *	gap=0		CPU numbers left out before the second half
 *	irqs=0 kthreads=0 processes=0 pci=0		what runs there; 10 threads a process
 *	vm=VMID:NAME:VCPUS:IOTHREADS:ALLOWED		a Proxmox node with this VM (host.h), any
 *number settings=desktop				what such a machine is set to (settings.c)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/str.h"
#include "files.h"
#include "host.h"
#include "shape.h"

static struct shape shape = { .sockets = 1,
	.nodes = 1,
	.l3s = 1,
	.cores = 4,
	.threads = 1,
	.l3_kib = 32768,
	.mem_mib = 65536,
	.no_memory = -1 };
static int n_irqs, n_kthreads, n_processes, n_pci, cache = 1, is_private;
static bool has_settings;
static ARRAY(const char *) vms;

static const struct {
	const char *key;
	int *value;
} numbers[] = {
	{ "sockets", &shape.sockets },
	{ "nodes", &shape.nodes },
	{ "l3s", &shape.l3s },
	{ "cores", &shape.cores },
	{ "threads", &shape.threads },
	{ "l3_kib", &shape.l3_kib },
	{ "cache", &cache },
	{ "private", &is_private },
	{ "mem_mib", &shape.mem_mib },
	{ "no_memory", &shape.no_memory },
	{ "memory_nodes", &shape.memory_nodes },
	{ "small", &shape.small },
	{ "tiny", &shape.tiny },
	{ "small_l3s", &shape.small_l3s },
	{ "gap", &shape.gap },
	{ "irqs", &n_irqs },
	{ "kthreads", &n_kthreads },
	{ "processes", &n_processes },
	{ "pci", &n_pci },
};

static void die(const char *what)
{
	fprintf(stderr, "make-tree: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A GPU, a NIC, an NVMe disk in turn, on the nodes in turn. */
static void put_pci(const struct shape_layout *l, const char *dir)
{
	static const struct {
		const char *class, *driver;
	} kinds[] = { { "0x030000\n", "vfio-pci" }, { "0x020000\n", "mlx5_core" },
		{ "0x010802\n", "nvme" } };
	for (int i = 0; i < n_pci; i++) {
		AUTO_FREE char *at = xasprintf("sys/bus/pci/devices/0000:%02x:00.0", i + 1);
		AUTO_FREE char *driver = xasprintf("../../drivers/%s", kinds[i % 3].driver);
		AUTO_FREE char *group = xasprintf("../../../../kernel/iommu_groups/%d", 10 + i);
		files_put(dir, kinds[i % 3].class, "%s/class", at);
		files_put(dir, "0x10de\n", "%s/vendor", at);
		files_put(dir, "0x2684\n", "%s/device", at);
		files_put_number(dir, i % l->n_nodes, "%s/numa_node", at);
		files_link(dir, driver, "%s/driver", at);
		files_link(dir, group, "%s/iommu_group", at);
	}
}

static int count_of(int irq, int n)
{
	int i = irq - 24;
	return n % 97 == i % 97 ? 50 + i * 7919 % 9973 : 0;
}

static void put_irqs(const struct shape_layout *l, const char *dir)
{
	struct arena a = { 0 };
	AUTO_FREE char *all = cpuset_format_list(&l->online);
	struct made_irq *irqs = arena_alloc(&a, (size_t)n_irqs * sizeof *irqs);
	for (int i = 0; i < n_irqs; i++)
		irqs[i] = (struct made_irq){ .irq = 24 + i,
			.chip = arena_printf(
				&a, "PCI-MSIX-0000:%02x:00.0 %3d-edge", i / 32 + 1, i % 32),
			.action = arena_printf(&a, "nvme0q%d", i % 32),
			.cpus = all };
	files_put_irqs(dir, &l->online, irqs, (size_t)n_irqs, count_of);
	for (int i = 0; i < n_irqs; i++)
		files_put_number(dir, l->cpus.v[(size_t)i % l->cpus.n].nr,
			"proc/irq/%d/effective_affinity_list", 24 + i);
	arena_done(&a);
}

static void put_thread(const struct shape_layout *l, const char *dir, int pid, int tid,
	const char *comm, unsigned int flags, const char *group)
{
	AUTO_FREE char *all = cpuset_format_list(&l->online);
	files_put_thread(dir,
		&(struct made_thread){ .pid = pid,
			.tid = tid,
			.ppid = flags ? 2 : 1,
			.comm = comm,
			.flags = flags,
			.start = (uint64_t)(100 + tid),
			.cpu = l->cpus.v[0].nr,
			.allowed = all,
			.n_cpus = (int)l->cpus.n,
			.group = group });
	if (pid == tid)
		files_put_cmdline(dir, pid, flags ? "" : "/usr/bin/service", ' ');
}

static void put_group(const struct shape_layout *l, const char *dir, const char *path)
{
	AUTO_FREE char *all = cpuset_format_list(&l->online);
	files_put_group(dir,
		&(struct made_group){ .path = path,
			.controllers = "cpuset cpu memory pids",
			.given = "cpuset cpu memory pids",
			.has_cpuset = true,
			.effective = all,
			.mems = "0" });
}

static void put_tasks(const struct shape_layout *l, const char *dir)
{
	int pid = 2;
	put_group(l, dir, "");
	for (int i = 0; i < n_kthreads; i++, pid++) {
		char comm[16];
		snprintf(comm, sizeof comm, "kworker/%d:0", i % 10000);
		put_thread(l, dir, pid, pid, comm, FILES_BOUND, "");
	}
	if (n_processes)
		put_group(l, dir, "system.slice");
	for (int i = 0; i < n_processes; i++) {
		AUTO_FREE char *path = xasprintf("system.slice/service%d.service", i);
		put_group(l, dir, path);
		int first = pid;
		for (int k = 0; k < 10; k++, pid++)
			put_thread(l, dir, first, pid, k ? "worker (pool)" : "service", 0, path);
	}
}

/* Beside VMs: every fifth can be moved. */
static void put_kthreads(const struct shape_layout *l, const char *dir)
{
	for (int i = 0; i < n_kthreads; i++) {
		char comm[24];
		snprintf(comm, sizeof comm, "kthread%d", i);
		put_thread(l, dir, 200000 + i, 200000 + i, comm,
			i % 5 ? FILES_BOUND : FILES_KTHREAD, "");
	}
}

static void parse_number(const char *word, size_t n, const char *value)
{
	for (size_t i = 0; i < N_ELEMENTS(numbers); i++)
		if (strlen(numbers[i].key) == n && !strncmp(numbers[i].key, word, n) &&
			str_to_int(value, numbers[i].value) == 0)
			return;
	errno = EINVAL;
	die(word);
}

static void parse(const char *word)
{
	size_t n = strcspn(word, "=");
	const char *value = word + n + (word[n] == '=');
	if (str_after(word, "numbering="))
		shape.is_interleaved = streq(value, "interleaved");
	else if (str_after(word, "offline="))
		shape.offline = value;
	else if (str_after(word, "vm="))
		*array_push(&vms) = value;
	else if (streq(word, "settings=desktop"))
		has_settings = true;
	else
		parse_number(word, n, value);
}

int main(int argc, char **argv)
{
	const char *dir = argc < 2 ? "make-tree DIR [KEY=VALUE]..." : argv[1];
	if (argc < 2 || (mkdir(dir, 0755) < 0 && errno != EEXIST))
		die(dir);
	for (int i = 2; i < argc; i++)
		parse(argv[i]);
	shape.has_no_l3 = !shape.l3_kib;
	shape.has_no_caches = !cache;
	shape.has_private_caches = is_private;
	struct shape_layout l;
	shape_lay_out(&l, &shape);
	shape_put(&l, dir);
	put_pci(&l, dir);
	files_put(dir, "example\n", "proc/sys/kernel/hostname");
	files_put(dir, "6.12.0-test\n", "proc/sys/kernel/osrelease");
	files_put(dir, "0f0f0f0f-0000-4000-8000-000000000001\n", "proc/sys/kernel/random/boot_id");
	files_put(dir, "quiet\n", "proc/cmdline");
	if (vms.n) {
		host_put(&l, dir);
		array_for_each (vm, &vms)
			if (!host_put_vm(&l, dir, *vm))
				die(*vm);
		put_kthreads(&l, dir);
		if (n_irqs)
			put_irqs(&l, dir);
		files_put(dir, "", "run/systemd/system.control/.keep");
		files_put(dir, "", "run/systemd/transient/.keep");
	} else {
		put_irqs(&l, dir);
		put_tasks(&l, dir);
	}
	if (has_settings)
		settings_put(dir, (int)l.cpus.n);
	shape_done(&l);
	free(vms.v);
	return 0;
}
