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
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/str.h"

static struct {
	int sockets, nodes, l3s, cores, threads, l3_kib, cache, private, mem_mib, no_memory,
		memory_nodes;
	int small, tiny, small_l3s, gap, irqs, kthreads, processes, pci;
	const char *numbering, *offline;
} shape = { .sockets = 1,
	.nodes = 1,
	.l3s = 1,
	.cores = 4,
	.threads = 1,
	.l3_kib = 32768,
	.cache = 1,
	.mem_mib = 65536,
	.no_memory = -1,
	.numbering = "adjacent",
	.offline = "" };

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
	{ "cache", &shape.cache },
	{ "private", &shape.private },
	{ "mem_mib", &shape.mem_mib },
	{ "no_memory", &shape.no_memory },
	{ "memory_nodes", &shape.memory_nodes },
	{ "small", &shape.small },
	{ "tiny", &shape.tiny },
	{ "small_l3s", &shape.small_l3s },
	{ "gap", &shape.gap },
	{ "irqs", &shape.irqs },
	{ "kthreads", &shape.kthreads },
	{ "processes", &shape.processes },
	{ "pci", &shape.pci },
};

enum kind { BIG, SMALL, TINY };

struct cpu {
	int nr, core, core_id, l3, node, socket; /* core_id: in its socket; l3 -1: none */
	enum kind kind;
	bool is_online;
};

static ARRAY(struct cpu) cpus;
static int n_nodes, n_l3s, n_cores;
static struct cpuset online, present, of_node[1024], of_socket[1024], of_l3[1024];
static struct cpuset of_core[CPUSET_MAX], of_kind[3];

static void die(const char *what)
{
	fprintf(stderr, "make-tree: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void make_parents(char *path)
{
	for (char *p = path; (p = strchr(p + 1, '/'));) {
		*p = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			die(path);
		*p = '/';
	}
}

__attribute__((format(printf, 2, 3))) static void put(const char *text, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *path = xvasprintf(fmt, ap);
	va_end(ap);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 && errno == ENOENT) {
		make_parents(path);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	}
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0)
		die(path);
}

#define put_number(number, ...)                                                                    \
	do {                                                                                       \
		char text_[24];                                                                    \
		snprintf(text_, sizeof text_, "%lld\n", (long long)(number));                      \
		put(text_, __VA_ARGS__);                                                           \
	} while (0)

static void put_list(const struct cpuset *set, const char *path)
{
	AUTO_FREE char *list = cpuset_format_list(set), *line = xasprintf("%s\n", list);
	put(line, "%s", path);
}

static void put_mask(const struct cpuset *set, const char *path)
{
	AUTO_FREE char *mask = cpuset_format_mask(set), *line = xasprintf("%s\n", mask);
	put(line, "%s", path);
}

/* "DIR/thread_siblings" and "DIR/thread_siblings_list" */
static void put_set(const struct cpuset *set, const char *dir, const char *mask, const char *list)
{
	AUTO_FREE char *mask_path = xasprintf("%s/%s", dir, mask);
	AUTO_FREE char *list_path = xasprintf("%s/%s", dir, list);
	put_mask(set, mask_path);
	put_list(set, list_path);
}

static void add_cpu(int nr, int core, int core_id, int l3, int node, int socket, enum kind kind)
{
	*array_push(&cpus) = (struct cpu){ nr, core, core_id, l3, node, socket, kind, true };
}

/* Big cores by number, then small and tiny ones. */
static void lay_out(void)
{
	n_nodes = shape.sockets * shape.nodes;
	n_l3s = n_nodes * shape.l3s;
	n_cores = n_l3s * shape.cores;
	int n = n_cores * shape.threads;
	for (int nr = 0; nr < n; nr++) {
		bool is_apart = streq(shape.numbering, "interleaved");
		int core = is_apart ? nr % n_cores : nr / shape.threads;
		int l3 = core / shape.cores, node = l3 / shape.l3s, socket = node / shape.nodes;
		add_cpu(nr + (nr >= n / 2 ? shape.gap : 0), core, core % (n_cores / shape.sockets),
			shape.l3_kib ? l3 : -1, node, socket, BIG);
	}
	n += shape.gap;
	for (int i = 0; i < shape.small + shape.tiny; i++, n_cores++)
		add_cpu(n + i, n_cores, n_cores, i < shape.small ? n_l3s - 1 : -1, n_nodes - 1,
			shape.sockets - 1, i < shape.small ? SMALL : TINY);
	struct cpuset off;
	if (cpuset_parse_list(shape.offline, &off) < 0)
		die(shape.offline);
	array_for_each (c, &cpus) {
		c->is_online = !cpuset_has(&off, c->nr);
		cpuset_add(&present, c->nr);
		if (!c->is_online)
			continue;
		cpuset_add(&online, c->nr);
		cpuset_add(&of_node[c->node], c->nr);
		cpuset_add(&of_socket[c->socket], c->nr);
		cpuset_add(&of_core[c->core], c->nr);
		cpuset_add(&of_kind[c->kind], c->nr);
		if (c->l3 >= 0)
			cpuset_add(&of_l3[c->l3], c->nr);
	}
}

static void put_cache(
	int nr, int index, int level, const char *type, int kib, const struct cpuset *shared)
{
	AUTO_FREE char *dir = xasprintf("sys/devices/system/cpu/cpu%d/cache/index%d", nr, index);
	put_number(level, "%s/level", dir);
	put(type, "%s/type", dir);
	AUTO_FREE char *size = xasprintf("%dK\n", kib);
	put(size, "%s/size", dir);
	put("64\n", "%s/coherency_line_size", dir);
	put("16\n", "%s/ways_of_associativity", dir);
	put_number(kib, "%s/number_of_sets", dir);
	put_set(shared, dir, "shared_cpu_map", "shared_cpu_list");
}

/* Four small cores share an L2. */
static struct cpuset l2_of(const struct cpu *c)
{
	struct cpuset set = of_core[c->core];
	int first_small = n_cores - shape.small - shape.tiny;
	array_for_each (o, &cpus)
		if (c->kind == SMALL && o->kind == SMALL && o->is_online &&
			(o->core - first_small) / 4 == (c->core - first_small) / 4)
			cpuset_add(&set, o->nr);
	return set;
}

static void put_caches(const struct cpu *c)
{
	struct cpuset l1 = shape.private ? cpuset_of(c->nr) : of_core[c->core];
	struct cpuset l2 = shape.private ? l1 : l2_of(c);
	put_cache(c->nr, 0, 1, "Data\n", 32, &l1);
	put_cache(c->nr, 1, 1, "Instruction\n", 32, &l1);
	put_cache(c->nr, 2, 2, "Unified\n", c->kind == BIG ? 1024 : 2048, &l2);
	if (c->l3 < 0)
		return;
	bool is_small = c->l3 % shape.l3s >= shape.l3s - shape.small_l3s;
	put_cache(c->nr, 3, 3, "Unified\n", is_small ? shape.l3_kib / 3 : shape.l3_kib,
		&of_l3[c->l3]);
}

static void put_cpu(const struct cpu *c)
{
	static const int mhz[] = { 5600, 4300, 2500 };
	AUTO_FREE char *cpu = xasprintf("sys/devices/system/cpu/cpu%d", c->nr);
	AUTO_FREE char *dir = xasprintf("%s/topology", cpu);
	put_number(c->is_online, "%s/online", cpu);
	if (!c->is_online)
		return;
	put_number(c->core_id, "%s/core_id", dir);
	put_number(c->socket, "%s/physical_package_id", dir);
	put_number(0, "%s/die_id", dir);
	put_set(&of_core[c->core], dir, "thread_siblings", "thread_siblings_list");
	put_set(&of_core[c->core], dir, "core_cpus", "core_cpus_list");
	put_set(&of_socket[c->socket], dir, "core_siblings", "core_siblings_list");
	put_set(&of_socket[c->socket], dir, "package_cpus", "package_cpus_list");
	put_set(&of_socket[c->socket], dir, "die_cpus", "die_cpus_list");
	put_number(mhz[c->kind] * 1000, "%s/cpufreq/cpuinfo_max_freq", cpu);
	put_number(800000, "%s/cpufreq/cpuinfo_min_freq", cpu);
	put_number(mhz[c->kind] * 1000, "%s/cpufreq/scaling_max_freq", cpu);
	put_number(800000, "%s/cpufreq/scaling_min_freq", cpu);
	put("schedutil\n", "%s/cpufreq/scaling_governor", cpu);
	put("acpi-cpufreq\n", "%s/cpufreq/scaling_driver", cpu);
	if (shape.cache)
		put_caches(c);
}

static void put_cpus(void)
{
	put_list(&present, "sys/devices/system/cpu/possible");
	put_list(&present, "sys/devices/system/cpu/present");
	put_list(&online, "sys/devices/system/cpu/online");
	put("\n", "sys/devices/system/cpu/isolated");
	AUTO_STRBUF struct strbuf info = { 0 }, stat = { 0 };
	strbuf_puts(&stat, "cpu  0 0 0 0 0 0 0 0 0 0\n");
	array_for_each (c, &cpus) {
		put_cpu(c);
		if (!c->is_online)
			continue;
		strbuf_printf(&info, "processor\t: %d\nvendor_id\t: GenuineIntel\n\n", c->nr);
		strbuf_printf(&stat, "cpu%d %d 0 50 90000 4 0 3 0 0 0\n", c->nr, 10 * c->nr);
	}
	strbuf_puts(&stat, "intr 0\nctxt 1\nbtime 1700000000\nprocesses 1\n");
	put(info.s, "proc/cpuinfo");
	put(stat.s, "proc/stat");
	if (shape.small || shape.tiny) {
		struct cpuset small = cpuset_or(&of_kind[SMALL], &of_kind[TINY]);
		put_list(&of_kind[BIG], "sys/devices/cpu_core/cpus");
		put_list(&small, "sys/devices/cpu_atom/cpus");
	}
}

static void put_node(int node, int n)
{
	AUTO_FREE char *dir = xasprintf("sys/devices/system/node/node%d", node);
	bool has_memory = node != shape.no_memory;
	long kib = has_memory ? shape.mem_mib * 1024L : 0;
	put_set(&of_node[node], dir, "cpumap", "cpulist");
	AUTO_FREE char *meminfo =
		xasprintf("Node %d MemTotal: %13ld kB\nNode %d MemFree: %14ld kB\n", node, kib,
			node, kib / (node + 2));
	put(meminfo, "%s/meminfo", dir);
	AUTO_STRBUF struct strbuf distance = { 0 };
	for (int i = 0; i < n; i++) {
		bool is_near = i < n_nodes && i / shape.nodes == node / shape.nodes;
		strbuf_printf(&distance, i ? " %d" : "%d", i == node ? 10 : is_near ? 12 : 32);
	}
	strbuf_puts(&distance, "\n");
	put(distance.s, "%s/distance", dir);
	if (!has_memory)
		return;
	put_number(kib / 2048 / 4, "%s/hugepages/hugepages-2048kB/nr_hugepages", dir);
	put_number(kib / 2048 / 8, "%s/hugepages/hugepages-2048kB/free_hugepages", dir);
	put_number(0, "%s/hugepages/hugepages-2048kB/surplus_hugepages", dir);
	put_number(4, "%s/hugepages/hugepages-1048576kB/nr_hugepages", dir);
	put_number(1, "%s/hugepages/hugepages-1048576kB/free_hugepages", dir);
	put_number(0, "%s/hugepages/hugepages-1048576kB/surplus_hugepages", dir);
}

static void put_nodes(void)
{
	int n = n_nodes + shape.memory_nodes;
	struct cpuset nodes = CPUSET_EMPTY;
	for (int i = 0; i < n; i++) {
		put_node(i, n);
		cpuset_add(&nodes, i);
	}
	put_list(&nodes, "sys/devices/system/node/online");
	put_list(&nodes, "sys/devices/system/node/possible");
	AUTO_FREE char *meminfo = xasprintf("MemTotal: %13ld kB\nMemFree: %14ld kB\n",
		shape.mem_mib * 1024L * n, shape.mem_mib * 512L * n);
	put(meminfo, "proc/meminfo");
}

/* A GPU, a NIC, an NVMe disk in turn, on the nodes in turn. */
static void put_pci(void)
{
	static const struct {
		const char *class, *driver;
	} kinds[] = { { "0x030000", "vfio-pci" }, { "0x020000", "mlx5_core" },
		{ "0x010802", "nvme" } };
	for (int i = 0; i < shape.pci; i++) {
		AUTO_FREE char *dir = xasprintf("sys/bus/pci/devices/0000:%02x:00.0", i + 1);
		AUTO_FREE char *class = xasprintf("%s\n", kinds[i % 3].class);
		put(class, "%s/class", dir);
		put("0x10de\n", "%s/vendor", dir);
		put("0x2684\n", "%s/device", dir);
		put_number(i % n_nodes, "%s/numa_node", dir);
		AUTO_FREE char *driver = xasprintf("../../drivers/%s", kinds[i % 3].driver);
		AUTO_FREE char *group = xasprintf("../../../../kernel/iommu_groups/%d", 10 + i);
		AUTO_FREE char *driver_path = xasprintf("%s/driver", dir);
		AUTO_FREE char *group_path = xasprintf("%s/iommu_group", dir);
		if (symlink(driver, driver_path) < 0 || symlink(group, group_path) < 0)
			die(dir);
	}
}

static void put_irqs(void)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "           ");
	int n = 0;
	array_for_each (c, &cpus)
		if (c->is_online)
			strbuf_printf(&b, " CPU%-7d", c->nr);
	strbuf_puts(&b, "\n");
	for (int i = 0; i < shape.irqs; i++) {
		strbuf_printf(&b, "%4d:", 24 + i);
		n = 0;
		array_for_each (c, &cpus)
			if (c->is_online)
				strbuf_printf(
					&b, " %10d", n++ % 97 == i % 97 ? 50 + i * 7919 % 9973 : 0);
		strbuf_printf(&b, "  PCI-MSIX-0000:%02x:00.0 %3d-edge      nvme0q%d\n", i / 32 + 1,
			i % 32, i % 32);
		struct cpuset one = cpuset_of(cpus.v[(size_t)i % cpus.n].nr);
		AUTO_FREE char *dir = xasprintf("proc/irq/%d", 24 + i);
		AUTO_FREE char *affinity = xasprintf("%s/smp_affinity_list", dir);
		AUTO_FREE char *effective = xasprintf("%s/effective_affinity_list", dir);
		put_list(&online, affinity);
		put_list(&one, effective);
	}
	strbuf_puts(&b, " ERR:          0\n");
	put(b.s, "proc/interrupts");
	put_mask(&online, "proc/irq/default_smp_affinity");
}

static void put_thread(int pid, int tid, const char *comm, unsigned int flags, const char *cgroup)
{
	AUTO_FREE char *list = cpuset_format_list(&online);
	AUTO_FREE char *stat = xasprintf(
		"%d (%s) S %d %d %d 0 -1 %u 0 0 0 0 5 7 0 0 20 0 %d 0 %d 0 "
		"0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 %d 0 0 0 0 0\n",
		tid, comm, flags ? 2 : 1, pid, pid, flags, flags ? 1 : 10, 100 + tid, cpus.v[0].nr);
	AUTO_FREE char *status = xasprintf("Name:\t%s\nPid:\t%d\nCpus_allowed_list:\t%s\n"
					   "Mems_allowed_list:\t0\n",
		comm, tid, list);
	put(stat, "proc/%d/task/%d/stat", pid, tid);
	put(status, "proc/%d/task/%d/status", pid, tid);
	put(cgroup, "proc/%d/task/%d/cgroup", pid, tid);
	if (pid != tid)
		return;
	put(stat, "proc/%d/stat", pid);
	put(status, "proc/%d/status", pid);
	put(cgroup, "proc/%d/cgroup", pid);
	put(flags ? "" : "/usr/bin/service", "proc/%d/cmdline", pid);
}

static void put_group(const char *path)
{
	AUTO_FREE char *effective = xasprintf("sys/fs/cgroup%s/cpuset.cpus.effective", path);
	put("cpuset cpu memory pids\n", "sys/fs/cgroup%s/cgroup.controllers", path);
	put("cpuset cpu memory pids\n", "sys/fs/cgroup%s/cgroup.subtree_control", path);
	put_list(&online, effective);
	if (!*path)
		return;
	put("domain\n", "sys/fs/cgroup%s/cgroup.type", path);
	put("\n", "sys/fs/cgroup%s/cpuset.cpus", path);
	put("\n", "sys/fs/cgroup%s/cpuset.cpus.exclusive", path);
	put("member\n", "sys/fs/cgroup%s/cpuset.cpus.partition", path);
	put("\n", "sys/fs/cgroup%s/cpuset.mems", path);
}

static void put_tasks(void)
{
	int pid = 2;
	put_group("");
	for (int i = 0; i < shape.kthreads; i++, pid++) {
		char comm[16];
		snprintf(comm, sizeof comm, "kworker/%d:0", i % 10000);
		put_thread(pid, pid, comm, 0x04208040, "0::/\n");
	}
	if (shape.processes)
		put_group("/system.slice");
	for (int i = 0; i < shape.processes; i++) {
		AUTO_FREE char *path = xasprintf("/system.slice/service%d.service", i);
		AUTO_FREE char *line = xasprintf("0::%s\n", path);
		put_group(path);
		int first = pid;
		for (int k = 0; k < 10; k++, pid++)
			put_thread(first, pid, k ? "worker (pool)" : "service", 0, line);
	}
}

static void parse(const char *word)
{
	const char *value = strchr(word, '=');
	if (!value)
		die(word);
	size_t n = (size_t)(value++ - word);
	if (!strncmp(word, "numbering", n))
		shape.numbering = value;
	else if (!strncmp(word, "offline", n))
		shape.offline = value;
	else
		for (size_t i = 0; i <= N_ELEMENTS(numbers); i++) {
			errno = EINVAL;
			if (i == N_ELEMENTS(numbers))
				die(word);
			if (strlen(numbers[i].key) == n && !strncmp(numbers[i].key, word, n)) {
				if (str_to_int(value, numbers[i].value) < 0)
					die(word);
				break;
			}
		}
}

int main(int argc, char **argv)
{
	if (argc < 2 || (mkdir(argv[1], 0755) < 0 && errno != EEXIST) || chdir(argv[1]) < 0)
		die(argc < 2 ? "make-tree DIR [KEY=VALUE]..." : argv[1]);
	for (int i = 2; i < argc; i++)
		parse(argv[i]);
	lay_out();
	put_cpus();
	put_nodes();
	put_pci();
	put_irqs();
	put_tasks();
	put("example\n", "proc/sys/kernel/hostname");
	put("6.12.0-test\n", "proc/sys/kernel/osrelease");
	put("0f0f0f0f-0000-4000-8000-000000000001\n", "proc/sys/kernel/random/boot_id");
	put("quiet\n", "proc/cmdline");
	free(cpus.v);
	return 0;
}
