/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts of the kernel's files → numbers: what it writes, and what only looks like it. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "kernel/boot-params.h"
#include "kernel/choice.h"
#include "kernel/counts.h"
#include "kernel/cpu-quota.h"
#include "kernel/cpu-times.h"
#include "kernel/cpus.h"
#include "kernel/disks.h"
#include "kernel/irq-state.h"
#include "kernel/locks.h"
#include "kernel/meminfo.h"
#include "kernel/mounts.h"
#include "kernel/numa-maps.h"
#include "kernel/partition.h"
#include "kernel/pressure.h"
#include "kernel/task-cgroup.h"
#include "kernel/task-sched.h"
#include "kernel/task-stat.h"
#include "kernel/task-status.h"
#include "kernel/txgs.h"
#include "kernel/zoneinfo.h"
#include "tap.h"

#define AUTO_ARENA CLEANUP(arena_done)

/* ---- lists and masks ---- */

typedef int parse_fn(const char *text, struct cpuset *ret);

/* The set as a list is 'want'; NULL: the text is none. */
static void is_set(parse_fn *parse, const char *text, const char *want, const char *what)
{
	struct cpuset set;
	int r = parse(text, &set);
	AUTO_FREE char *list = r == 0 ? cpuset_format_list(&set) : NULL;
	same_str(list, want, "%s", what);
}

/* 40 groups of 32 bits: CPU 1279 and CPU 0. */
static void wide_mask(void)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "80000000");
	for (int i = 0; i < 38; i++)
		strbuf_puts(&b, ",00000000");
	strbuf_puts(&b, ",00000001\n");
	is_set(cpuset_parse_mask, b.s, "0,1279", "a mask of more than 1024 CPUs");
}

static void sets(void)
{
	is_set(cpus_parse_list, "0-3,8\n", "0-3,8", "a list");
	is_set(cpus_parse_list, "  (null)\n", "", "\"  (null)\" in nohz_full is no CPU");
	is_set(cpus_parse_list, "\n", "", "an empty file is no CPU");
	is_set(cpus_parse_list, "", "", "... without a newline too");
	is_set(cpus_parse_list, "(null)x\n", NULL, "what only begins like (null)");
	is_set(cpus_parse_list, "0,2,4,6-7,12,1000\n", "0,2,4,6-7,12,1000", "offline holes");
	is_set(cpus_parse_list, "64-127,1024-1279\n", "64-127,1024-1279", "beyond 64 and 1024");
	is_set(cpus_parse_list, "3-1\n", NULL, "an inverted range");
	is_set(cpus_parse_list, "1-\n", NULL, "a list cut short");
	is_set(cpus_parse_list, "0-8192\n", NULL, "more CPUs than any kernel has");
	is_set(cpuset_parse_mask, "00000000,00000000\n", "", "an empty mask");
	is_set(cpuset_parse_mask, "1,00000000,80000001\n", "0,31,64", "groups of 32 bits");
	is_set(cpuset_parse_mask, "1,0\n", NULL, "a group of less than 32 bits");
	is_set(cpuset_parse_mask, "\n", NULL, "no mask at all");
	wide_mask();
	is_set(cpus_parse_words, "0 12\n", "0,12", "numbers as words");
	is_set(cpus_parse_words, "\n", "", "no word: no CPU");
	is_set(cpus_parse_words, "0 x\n", NULL, "a word that is no number");
}

/* ---- threads ---- */

static const char kvm_stat[] =
	"6227 (CPU 0/KVM) R 6220 6220 3899 0 -1 4194304 102 0 0 0 7 8 0 0 20 -5 3 0 116374"
	" 3133440 394 18446744073709551615 94534384943104 94534384962985 140723451293280"
	" 0 0 0 0 0 0 0 0 0 17 3 50 1 0 0 0 94534384978992 1 2 3 4 5 6 0\n";

static void is_named(const char *comm)
{
	AUTO_FREE char *text =
		xasprintf("12 (%s) S 1 0 0 0 -1 64 0 0 0 0 0 0 0 0 0 0 1 0 55 0\n", comm);
	struct task_stat s = { 0 };
	same_int(task_stat_parse(text, &s), 0, "a thread called '%s'", comm);
	same_str(s.comm, comm, "... its name");
	ok(s.state == 'S' && s.start == 55 && s.ppid == 1, "... and what is behind it");
}

static void task_stats(void)
{
	struct task_stat s;
	same_int(task_stat_parse(kvm_stat, &s), 0, "stat of a thread");
	ok(s.tid == 6227 && streq(s.comm, "CPU 0/KVM") && s.state == 'R', "who it is");
	ok(s.ppid == 6220 && s.flags == 4194304 && s.nice == -5 && s.n_threads == 3 &&
			s.run_ticks == 15 && s.start == 116374 && s.last_cpu == 3 &&
			s.rt_priority == 50 && s.policy == 1,
		"its fields");
	is_named("(kvm) x)");
	is_named("a) R 2 (b)");
	is_named("");
	is_named(" ) 1 ) ");
}

/* Wherever it ends, no number is half of another. */
static void task_stat_cut(void)
{
	size_t n_start = (size_t)(strstr(kvm_stat, " 116374 ") - kvm_stat) + strlen(" 116374 ");
	size_t n_cpu = (size_t)(strstr(kvm_stat, " 17 3 ") - kvm_stat) + strlen(" 17 3 ");
	int n_wrong = 0;
	for (size_t n = 0; n < sizeof kvm_stat; n++) {
		struct task_stat s = { 0 };
		AUTO_FREE char *cut = xstrndup(kvm_stat, n);
		int r = task_stat_parse(cut, &s);
		bool is_right = n < n_start ? r == -EINVAL
			: n < n_cpu         ? r == 0 && s.start == 116374 && s.last_cpu == -1
					    : r == 0 && s.start == 116374 && s.last_cpu == 3;
		n_wrong += !is_right;
	}
	same_int(n_wrong, 0, "stat, cut anywhere");
	struct task_stat s = { 0 };
	same_int(task_stat_parse("1 (a) R 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0 0 0 0 0 0 0"
				 " 0 0 0 0 0 0 0 17 -3080 0 0\n",
			 &s),
		0, "a stat with an absurd CPU");
	same_int(s.last_cpu, -1, "... which is none");
}

static void task_statuses(void)
{
	struct task_status s;
	task_status_parse(
		"Name:\tx\nTgid:\t3085\nUid:\t0\t107\t0\t0\nNSpid:\t3085\t12\nVmLck:\t  524288 kB\n"
		"HugetlbPages:\t       0 kB\nCpus_allowed:\tff,ffffffff\n"
		"Cpus_allowed_list:\t0-39\nMems_allowed:\t1\nMems_allowed_list:\t0\n"
		"voluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n",
		&s);
	ok(s.tgid == 3085 && s.uid == 0 && s.euid == 107 && s.n_pids == 2 && s.pid_here == 3085,
		"status: who");
	ok(s.locked_kib == 524288 && s.hugetlb_kib == 0, "status: memory");
	ok(s.voluntary == 150 && s.involuntary == 545, "status: switches");
	ok(s.has_cpus && cpuset_count(&s.cpus_allowed) == 40 && s.has_mems &&
			cpuset_count(&s.mems_allowed) == 1,
		"status: where it may be");
	task_status_parse("Name:\tUid:\\nTgid:\nvoluntary_ctxt_switches:\tx\n"
			  "Cpus_allowed_list:\t1-\nTgid:\t30",
		&s);
	ok(s.tgid == -1 && s.uid == -1 && s.n_pids == 0 && s.locked_kib == -1 &&
			s.voluntary == -1 && !s.has_cpus && !s.has_mems,
		"status: what is not there, no number, or cut");
	task_status_parse("Cpus_allowed_list:\t\n", &s);
	ok(s.has_cpus && cpuset_is_empty(&s.cpus_allowed), "status: an empty list is one");
}

static void is_in_group(const char *text, const char *want, const char *what)
{
	AUTO_FREE char *got = task_cgroup_parse(text);
	same_str(got, want, "%s", what);
}

static void task_cgroups(void)
{
	is_in_group("0::/qemu.slice/100.scope\n", "qemu.slice/100.scope", "a group");
	is_in_group("0::/\n", "", "the root");
	is_in_group("12:cpuset:/a\n1:name=systemd:/b\n0::/c\n", "c", "beside version 1");
	is_in_group("12:cpuset:/a\n", NULL, "version 1 only");
	is_in_group("0::/../../x\n", NULL, "outside of the namespace");
	is_in_group("0::/..a/x\n", "..a/x", "a name that begins with two dots");
	is_in_group("", NULL, "an empty file");
}

static void task_scheds(void)
{
	struct schedstat s = { 1, 2 };
	uint64_t n;
	same_int(schedstat_parse("1482331120 93811420 2712\n", &s), 0, "schedstat");
	ok(s.run_ns == 1482331120 && s.wait_ns == 93811420, "its run and wait time");
	same_int(schedstat_parse("1482331120 9381", &s), -EINVAL, "schedstat cut short");
	same_int(schedstat_parse("", &s), -EINVAL, "empty schedstat");
	same_int(schedstat_parse("a b c\n", &s), -EINVAL, "schedstat of words");
	same_int(schedstat_parse("99999999999999999999999 1 1\n", &s), -EINVAL, "overflow");
	ok(s.run_ns == 1482331120, "a failure writes nothing");
	same_int(sched_migrations_parse("CPU 0/KVM (6227, #threads: 9)\n---\n"
					"se.exec_start : 1.5\nse.nr_migrations      :     17\n",
			 &n),
		0, "sched");
	same_int(n, 17, "its migrations");
	same_int(sched_migrations_parse("se.exec_start : 1.5\n", &n), -ENODATA, "not counted");
}

/* ---- CPUs ---- */

static const struct count_row *row_of(const struct count_table *t, const char *name)
{
	static const struct count_row none = { .name = "", .text = "", .action = "" };
	const struct count_row *row = count_table_row(t, name, 0);
	return ok(row != NULL, "row %s", name) ? row : &none;
}

static void interrupts(void)
{
	AUTO_ARENA struct arena a = { 0 };
	struct count_table t;
	same_int(count_table_parse(&a,
			 "           CPU0       CPU2\n"
			 "  8:          0          0  IO-APIC   8-edge      rtc0\n"
			 "  9:          1          2  IO-APIC   9-edge\n"
			 " 36:          0      44708 PCI-MSIX-0000:00:02.0   1-edge      eth0, a  "
			 "b\n"
			 " 40:          5          6  xen-dyn    -event     eth1\n"
			 " 11:       1544        902     GICv3  27 Level     arch_timer\n"
			 " 41:          1          1  XT-PIC        timer 2\n"
			 "LOC:      19419 4294967290   Local timer interrupts\n"
			 "ERR:          7\n",
			 &t),
		0, "interrupts");
	ok(t.n_cpus == 2 && t.cpus[0] == 0 && t.cpus[1] == 2, "columns are the online CPUs");
	same_int(t.n_rows, 8, "all its rows");
	same_str(row_of(&t, "8")->action, "rtc0", "behind the trigger");
	same_str(row_of(&t, "9")->action, "", "requested by nobody");
	same_str(row_of(&t, "36")->action, "eth0, a  b", "shared, with blanks in a name");
	same_str(row_of(&t, "40")->action, "eth1", "of Xen");
	same_str(row_of(&t, "11")->action, "arch_timer", "of ARM");
	same_str(row_of(&t, "41")->action, "timer 2", "without a trigger");
	same_str(row_of(&t, "LOC")->action, "Local timer interrupts", "no device");
	ok(row_of(&t, "LOC")->irq == -1 && row_of(&t, "36")->irq == 36, "numbers are devices'");
	ok(!row_of(&t, "ERR")->is_per_cpu && row_of(&t, "ERR")->counts[0] == 7, "one count");
	ok(!count_table_row(&t, "MIS", 0) && count_table_column(&t, 1) == -1, "what is not there");
}

/* What is LOC and RES on x86 has numbers elsewhere. */
static void private_interrupts(void)
{
	static const struct {
		const char *text;
		bool is_device;
	} rows[] = {
		{ "GICv3  27 Level     arch_timer", false },
		{ "GICv2  30 Level     arch_timer", false },
		{ "GICv3  23 Level     arm-pmu", false },
		{ "GICv3   0 Edge      ipi", false },
		{ "GIC-0  29 Edge      twd", false },
		{ "GICv3 1060 Level     arm-pmu", false },
		{ "GICv3  37 Level     ttyS0", true },
		{ "ITS-MSI 27 Edge      nvme0q0", true },
		{ "RISC-V INTC   5 Edge      riscv-timer", false },
		{ "SiFive PLIC   8 Edge      virtio0", true },
		{ "CPUINTC  12  IPI", false },
		{ "XIVE-IPI   0 Edge      IPI-0", false },
		{ "xen-percpu    -virq      timer0", false },
		{ "xen-dyn    -event     eth0", true },
		{ "PCI-MSI-0000:00:1f.2   0-edge      ahci[0000:00:1f.2]", true },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_ARENA struct arena a = { 0 };
		AUTO_FREE char *text = xasprintf("  CPU0\n 11: 7 %s\n", rows[i].text);
		struct count_table t;
		ok(count_table_parse(&a, text, &t) == 0 && t.rows[0].is_device == rows[i].is_device,
			"%s: %s", rows[i].is_device ? "a device" : "each CPU's own", rows[i].text);
	}
}

static void odd_counts(void)
{
	static const char *const headers[] = { "", "\n", "   CPU0 what\n", "   CPU99999\n",
		"   CPU 0\n" };
	AUTO_ARENA struct arena a = { 0 };
	struct count_table t;
	same_int(count_table_parse(&a, "  CPU0\n 1: 5 x\n\n 2: 6 y\nno colon\n 3: 7", &t), 3,
		"the first odd line is told");
	ok(t.n_rows == 2 && t.rows[1].irq == 2, "the odd ones are left out, and only these");
	same_int(count_table_parse(&a, "  CPU0\n 99999999999: 5 x\n", &t), 2, "an absurd number");
	same_int(count_table_parse(&a, "  CPU0\n 1: 99999999999999999999999 x\n", &t), 2,
		"an absurd count");
	for (size_t i = 0; i < N_ELEMENTS(headers); i++)
		same_int(count_table_parse(&a, headers[i], &t), -EINVAL, "no header: %zu", i);
	same_int(
		count_table_parse(&a,
			"                    CPU0       CPU1\n          HI:          0          1\n"
			"      NET_TX:          4          0\n",
			&t),
		0, "softirqs");
	ok(t.n_rows == 2 && streq(t.rows[1].name, "NET_TX") && !*t.rows[1].text, "their rows");
}

static void times(void)
{
	AUTO_ARENA struct arena a = { 0 };
	struct cpu_times t;
	same_int(cpu_times_parse(&a,
			 "cpu  10 1 20 30 4 5 6 7 9 0\ncpu2 1 0 2 3 0 0 0 0 0 0\nintr 1 2 3\n", &t),
		0, "/proc/stat");
	const struct cpu_ticks *all = cpu_times_of(&t, -1), *cpu2 = cpu_times_of(&t, 2);
	ok(t.n == 2 && all && all->user == 10 && all->nice == 1 && all->idle == 30 &&
			all->iowait == 4 && all->steal == 7 && all->guest == 9,
		"the sum over all");
	ok(cpu2 && cpu2->user == 1 && !cpu_times_of(&t, 0), "CPU 2, and no CPU 0");
	same_int(cpu_times_parse(&a, "cpu  10 1 20 30\ncpu0 1 2\ncpu1 1 2 3 4", &t), 2,
		"a line that is too short is told, and one cut off");
	same_int(t.n, 1, "... and left out");
	same_int(cpu_times_parse(&a, "garbage\n", &t), -EINVAL, "not /proc/stat");
	same_int(cpu_times_parse(&a, "", &t), -EINVAL, "empty /proc/stat");
}

/* ---- memory ---- */

static void memory(void)
{
	AUTO_ARENA struct arena a = { 0 };
	struct zones z;
	uint64_t kib;
	ok(meminfo_value("Node 1 MemTotal:       65849216 kB\n", "MemTotal", &kib) &&
			kib == 65849216,
		"a node's meminfo");
	ok(!meminfo_value("FileMemTotal: 1 kB\nMemTotal: 12", "MemTotal", &kib), "cut meminfo");
	same_int(zoneinfo_parse(&a,
			 "Node 0, zone   Normal\n  pages free     5\n        min      1\n\n"
			 "        managed  9\n  pagesets\n              high:  348\n"
			 "Node x, zone Odd\n  pages free 3\n"
			 "Node 1, zone  DMA\n        managed  0\n",
			 &z),
		8, "zoneinfo: the first odd line is told");
	ok(z.n == 1 && z.v[0].free == 5 && z.v[0].min == 1 && z.v[0].managed == 9, "its zone");
}

static void numa(void)
{
	AUTO_ARENA struct arena a = { 0 };
	struct numa_memory m;
	numa_maps_parse(&a,
		"7f43 bind:1 anon=3 dirty=3 N1=2 N0=1 kernelpagesize_kB=4\n"
		"7f44 default file=/run/hugepages/x huge dirty=1 N0=1 kernelpagesize_kB=2048\n"
		"7f45 default file=/usr/lib/x.so mapped=9 N0=9 kernelpagesize_kB=4\n",
		&m);
	ok(m.n == 3 && m.v[0].node == 0 && m.v[0].page_kib == 4 && m.v[0].kib == 4 &&
			m.v[1].page_kib == 2048 && m.v[1].kib == 2048 && m.v[2].node == 1 &&
			m.v[2].kib == 8,
		"numa_maps: by node and page size");
	same_str(m.policy, "default", "... the policy of most of it");
	numa_stat_parse(&a, "anon N0=4096 N1=0\nfile N0=9999\nshmem N1=2048\n", &m);
	ok(m.n == 2 && m.v[0].kib == 4 && m.v[1].kib == 2 && !m.policy, "numa_stat");
}

/* ---- words ---- */

static void words(void)
{
	AUTO_ARENA struct arena a = { 0 };
	struct boot_params p;
	boot_params_parse(
		&a, "quiet isolcpus=1 nohz-full=1 dyndbg=\"a +p\" isolcpus=2 -- x=y\n", &p);
	same_str(boot_param(&p, "isolcpus"), "2", "the last one counts");
	same_str(boot_param(&p, "nohz_full"), "1", "'-' and '_' are the same");
	same_str(boot_param(&p, "dyndbg"), "*", "a quoted value is one, and not shown");
	ok(!boot_param(&p, "x") && streq(boot_param(&p, "quiet"), ""), "init's, and no value");
	char thp[] = "always [madvise] never\n", whole[] = " powersave \n", half[] = "a [b\n";
	same_str(choice_parse(thp), "madvise", "the word in brackets");
	same_str(choice_parse(whole), "powersave", "the whole word");
	same_str(choice_parse(half), NULL, "half a bracket");
	struct irq_state s;
	irq_state_parse("dstate: 0x1\n            IRQD_ACTIVATED\n", &s);
	ok(!s.is_managed, "an interrupt that can be moved");
	irq_state_parse("            IRQD_AFFINITY_MANAGED\n", &s);
	ok(s.is_managed, "a managed one");
	static const char locks[] = "1: FLOCK  ADVISORY  WRITE 4113 00:1b:1254 0 EOF\n"
				    "2: -> FLOCK  ADVISORY  WRITE 4 00:1b:1255 0 EOF\n";
	ok(locks_has_flock(locks, 1254) && !locks_has_flock(locks, 1255), "locks");
}

static void mounted(void)
{
	AUTO_ARENA struct arena a = { 0 };
	struct mounts m;
	same_int(
		mounts_parse(&a,
			"proc /proc proc rw,nosuid,hidepid=invisible 0 0\nodd\n"
			"hugetlbfs /mnt/my\\040huge hugetlbfs rw,nopagesize=1,pagesize=1024M 0 0\n",
			&m),
		2, "mounts: the first odd line is told");
	ok(m.n == 2 && streq(m.v[1].dir, "/mnt/my huge") && streq(m.v[1].type, "hugetlbfs"),
		"a blank in a name");
	same_str(mount_option(&m.v[1], "pagesize"), "1024M", "an option");
	ok(mount_option(&m.v[0], "hidepid") && !mount_option(&m.v[0], "pid"), "by its whole name");
}

static void is_partition(const char *text, const char *state, const char *reason)
{
	struct partition_state p = { 0 };
	int r = partition_parse(text, &p);
	AUTO_FREE char *got = r < 0 ? NULL : xstrndup(p.state, p.n_state);
	AUTO_FREE char *why = p.reason ? xstrndup(p.reason, p.n_reason) : NULL;
	same_str(got, state, "partition: %s", text);
	same_str(why, reason, "... and the reason");
}

static void partitions(void)
{
	is_partition("member\n", "member", NULL);
	is_partition("isolated", "isolated", NULL);
	is_partition("root invalid (Parent is not a partition root)\n", "root invalid",
		"Parent is not a partition root");
	is_partition("isolated invalid (a (b) c)\n", "isolated invalid", "a (b) c");
	is_partition("isolated invalid (cut", NULL, NULL);
	is_partition("isolatd\n", NULL, NULL);
	is_partition("", NULL, NULL);
}

/* Invariant I17: "  (null)" in nohz_full, empty files, empty affinity masks, groups of 32 bits,
 * more than 64 and 1024 CPUs, sparse numbers, offline holes, "(kvm) x)" as a name. */
static void i17_parsers(void)
{
	printf("# I17\n");
	sets();
	task_stats();
	task_stat_cut();
	task_statuses();
	task_cgroups();
	interrupts();
	private_interrupts();
	odd_counts();
}

static void pressures(void)
{
	struct pressure p;
	same_int(pressure_parse("some avg10=0.00 avg60=0.00 avg300=0.00 total=41312\n"
				"full avg10=0.00 avg60=0.00 avg300=0.00 total=40411\n",
			 &p),
		0, "pressure");
	same_int(p.some_us, 41312, "some");
	same_int(p.full_us, 40411, "full");
	same_int(pressure_parse("some avg10=0.00 total=7\n", &p), 0, "CPU pressure before 5.13");
	same_int(p.full_us, 0, "has no full");
	same_int(pressure_parse("some avg10=0.00 total=7", &p), -EINVAL, "a line that was cut");
	same_int(pressure_parse("full total=7\n", &p), -EINVAL, "without some");
}

static void disk_counts(void)
{
	AUTO_ARENA struct arena a = { 0 };
	struct disks d;
	same_int(disks_parse(&a,
			 "   8       0 sda 4127 1322 383346 1672 10353 8020 439218 9213 0 7332 "
			 "10886 0 0 0 0\n 259 0 nvme0n1 1 2 3\n",
			 &d),
		2, "the second line is cut");
	same_int(d.n, 1, "... and left out");
	const struct disk_counts *sda = disks_find(&d, "sda");
	ok(sda && sda->reads == 4127 && sda->read_ms == 1672, "what was read");
	ok(sda && sda->writes == 10353 && sda->write_ms == 9213, "what was written");
	same_int(sda ? sda->busy_ms : 0, 7332, "how long it was busy");
	ok(!disks_find(&d, "nvme0n1"), "no such device");
}

static void transaction_groups(void)
{
	AUTO_ARENA struct arena a = { 0 };
	struct txgs t;
	same_int(
		txgs_parse(&a,
			"txg      birth            state ndirty nread nwritten reads writes otime "
			"qtime wtime stime\n"
			"8375     51939492104      C     1 0 2 0 161 5119907158 9391 105 63310225\n"
			"8376     57059399262      S     0 0 0 0 0 5119910000 9000 0 0\n"
			"8377     62179306420      O     0 0 0\n",
			&t),
		4, "the last one is cut");
	same_int(t.n, 2, "and left out");
	ok(t.n && t.v[0].number == 8375 && t.v[0].is_committed && t.v[0].sync_ns == 63310225,
		"what took how long");
	ok(t.n > 1 && !t.v[1].is_committed, "one that is not done");
	same_int(txgs_parse(&a,
			 "24 0 0x01 100 11200 12391732437 8239485729384\n"
			 "txg birth state nreserved nread nwritten reads writes otime qtime stime\n"
			 "7 1 C 0 0 0 0 0 5 6 70\n",
			 &t),
		0, "an older module's");
	ok(t.n == 1 && t.v[0].sync_ns == 70, "by the names of the columns");
	same_int(txgs_parse(&a, "7 1 C 0 0 0 0 0 5 6 70\n", &t), -EINVAL, "no names");
	same_int(t.n, 0, "and no groups");
}

static void quotas(void)
{
	struct cpu_max m;
	struct cpu_stat s;
	same_int(cpu_max_parse("200000 100000\n", &m), 0, "two CPUs");
	same_int(m.quota_us, 200000, "so much");
	same_int(m.period_us, 100000, "of so much");
	same_int(cpu_max_parse("max 100000\n", &m), 0, "no limit");
	same_int(m.quota_us, 0, "is 0");
	same_int(cpu_max_parse("0 100000\n", &m), -EINVAL, "nothing at all is none");
	same_int(cpu_max_parse("200000\n", &m), -EINVAL, "no period");
	same_int(cpu_stat_parse("usage_usec 77\nuser_usec 5\nnr_periods 41\nnr_throttled 39\n"
				"throttled_usec 19000311\n",
			 &s),
		0, "cpu.stat");
	ok(s.n_periods == 41 && s.n_throttled == 39 && s.throttled_us == 19000311, "its counts");
	same_int(cpu_stat_parse("usage_usec 77\n", &s), 0, "without the controller");
	same_int(s.n_periods, 0, "there are none");
	same_int(cpu_stat_parse("", &s), -EINVAL, "not cpu.stat");
}

int main(void)
{
	i17_parsers();
	pressures();
	disk_counts();
	transaction_groups();
	quotas();
	task_scheds();
	times();
	memory();
	numa();
	words();
	partitions();
	mounted();
	return tap_done();
}
