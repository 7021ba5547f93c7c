/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For each rule of check a host that has what it looks for, and one that nearly has. */
#pragma once

#include "../machine/fake-check.h"
#include "base/str.h"

/* ---- load ---- */

static void disk_slow(struct fix *f, bool nearly)
{
	f->disks[0] = (struct disk_rate){ "sda", 0.97, 120, nearly ? 2 : 45 };
	f->disks[1] = (struct disk_rate){ "sda1", 0.97, 120, nearly ? 2 : 45 };
	f->rates.n_disks = 2;
}

/* Two of its groups took long, which is no mean; or all of them did, and the last is not done. */
static void zfs_slow(struct fix *f, bool nearly)
{
	for (size_t i = 0; i < N_ELEMENTS(f->groups_of_pool); i++)
		f->groups_of_pool[i] =
			(struct txg){ 7000 + i, i < 11, nearly && i > 1 ? 300000000 : 7000000000 };
	f->pools[0] = (struct pool_reading){ "tank",
		{ f->groups_of_pool, N_ELEMENTS(f->groups_of_pool) } };
	f->reading.n_pools = 1;
}

static void storage_wait(struct fix *f, bool nearly)
{
	f->group_rates[f->rates.n_groups++] = (struct group_rate){ "qemu.slice/db01.scope", 0,
		nearly ? 0.05 : 0.4, 0.02, 0, 0, 0 };
	f->groups[0] = "qemu.slice/db01.scope";
}

static void host_steal(struct fix *f, bool nearly)
{
	for (int cpu = 0; cpu < (nearly ? 2 : 24); cpu++)
		f->cpus[cpu].steal = 0.04;
}

static void softirq_hot(struct fix *f, bool nearly)
{
	/* What is hot beside the VM is none of its business. */
	f->cpus[nearly ? 5 : 2].softirq = 0.41;
	fix_irq(f, 36, "eth0-TxRx-1", "0-23", nearly ? 5 : 2, 900);
}

static void irq_hot(struct fix *f, bool nearly)
{
	fix_irq(f, 36, "nvme0q1", "0-23", 2, nearly ? 700 : 4000);
}

static void hog(struct fix *f, bool nearly)
{
	/* Somebody else on CPU 2 is not enough: it ran for less than a hog, or elsewhere. */
	fix_task(f, 9000, "backup", "0-23", 2, nearly ? 0.03 : 0.7);
	fix_busy(f, "2", 0.4);
	fix_task(f, 9001, "make", "0-23", 7, 0.9);
	fix_task(f, 9002, "dd", "0-23", nearly ? 2 : 7, 0.93);
}

static void quota(struct fix *f, bool nearly)
{
	f->groups[f->rates.n_groups++] = "qemu.slice/db01.scope";
	f->group_readings[0] = (struct group_reading){ .has_max = true,
		.has_stat = true,
		.max = { nearly ? 0 : 200000, 100000 },
		.stat = { 5, 100, nearly ? 0 : 39, 5 } };
	f->group_rates[0] =
		(struct group_rate){ "qemu.slice/db01.scope", 0, 0, 0, 0, nearly ? 0 : 0.4, 5 };
}

static void waits(struct fix *f, double wait)
{
	for (int i = 1; i <= 4; i++)
		fix_rate(f, f->vm->pid + i)->wait = wait;
}

static void caged(struct fix *f, bool nearly)
{
	waits(f, 0.2);
	for (int cpu = 0; nearly && cpu < 24; cpu++)
		f->cpus[cpu].idle = 0.2;
}

static void oversubscribed(struct fix *f, bool nearly)
{
	struct vm *vm = fix_vm(f, "web", nearly ? 20 : 21, "0");
	fix_mask(f, vm, ROLE_VCPU, "0-23");
}

static void sibling_busy(struct fix *f, bool nearly)
{
	f->cpus[nearly ? 17 : 14].idle = 0.1; /* 14 is CPU 2's sibling, 17 CPU 5's */
}

static void vcpu_wait(struct fix *f, bool nearly)
{
	waits(f, nearly ? 0.01 : 0.2);
}

/* ---- pins ---- */

static void stacked_vcpus(struct fix *f, bool nearly)
{
	fake_boot_isolated(f->h, nearly ? "1-3" : "1-4");
	fix_mask(f, f->vm, ROLE_VCPU, "1-4");
}

static void too_few_cpus(struct fix *f, bool nearly)
{
	fix_mask(f, f->vm, ROLE_VCPU, nearly ? "1-4" : "1-2");
}

static void half_pinned(struct fix *f, bool nearly)
{
	f->vm->threads[3].allowed = fix_keep(f, nearly ? "4" : "0-23");
}

static void overlap(struct fix *f, bool nearly)
{
	fix_vm(f, "clone", 4, nearly ? "7-10" : "1-4");
}

static void siblings_shared(struct fix *f, bool nearly)
{
	fix_vm(f, "web", 2, nearly ? "19-20" : "14-15");
}

static void emulator_on_vcpus(struct fix *f, bool nearly)
{
	fix_mask(f, f->vm, ROLE_EMULATOR, nearly ? "0,5-23" : "0-23");
}

static void iothread_on_vcpus(struct fix *f, bool nearly)
{
	fix_mask(f, f->vm, ROLE_IOTHREAD, nearly ? "0,5-23" : "0-23");
}

static void smt_blind(struct fix *f, bool nearly)
{
	fix_pin(f, f->vm, "1-2,13-14");
	f->vm->guest_threads = nearly ? 2 : 1;
}

static void crosses_nodes(struct fix *f, bool nearly)
{
	fix_pin(f, f->vm, nearly ? "1-4" : "1-2,7-8");
}

static void crosses_l3(struct fix *f, bool nearly)
{
	/* Two L3 domains on one node. */
	f->h->s.l3s[0].cpus = cpus("0-2,12-14");
	f->h->s.l3s[1].cpus = cpus("3-11,15-23");
	fix_pin(f, f->vm, nearly ? "3-5,15" : "1-4");
}

static void cpu0_for_vm(struct fix *f, bool nearly)
{
	fix_pin(f, f->vm, nearly ? "1-4" : "0-3");
}

static void mixed_cores(struct fix *f, bool nearly)
{
	fake_kind(f->h, "0-3,12-15", CPU_PERFORMANCE);
	fake_kind(f->h, "4-11,16-23", CPU_EFFICIENCY);
	fix_pin(f, f->vm, nearly ? "0-3" : "1-4");
}

static void fifo_vcpus(struct fix *f, bool nearly)
{
	f->vm->threads[0].policy = nearly ? "batch" : "fifo";
	f->vm->threads[0].priority = nearly ? 0 : 1;
}

/* ---- does it hold ---- */

static void partition_invalid(struct fix *f, bool nearly)
{
	int g = fix_group(f, "qemu.slice/db01.scope/vcpus", "1-4");
	f->h->s.cgroups[g].cpus = "1-4";
	f->h->s.cgroups[g].partition =
		nearly ? "isolated" : "isolated invalid (Cpu list in cpuset.cpus not exclusive)";
}

static struct placement *place(struct fix *f)
{
	struct placement *p = &f->placements[f->n_placements++];
	*p = (struct placement){ .vm = "db01",
		.pid = f->vm->pid,
		.start = f->vm->start,
		.level = LEVEL_ISOLATED,
		.claim_cpus = cpus("1-4"),
		.vcpu_cpus = cpus("1-4") };
	return p;
}

static void isolation_lost(struct fix *f, bool nearly)
{
	static struct intruder redis;
	const struct cpuset on = cpus("1-4");
	place(f);
	redis = (struct intruder){ .what = "thread",
		.tid = 4711,
		.irq = -1,
		.comm = "redis-server",
		.unit = "redis.service",
		.vm = nearly ? "other" : "db01",
		.cpus = cpuset_keep(&f->h->s.arena, &on),
		.why = "its mask has them" };
	f->has_intruders = true;
	f->intruders.found = (struct intruder_list){ &redis, 1 };
}

static void container_on_vcpus(struct fix *f, bool nearly)
{
	int slice = fix_group(f, "system.slice", "0-23");
	int g = fix_group(f, "system.slice/docker-0123.scope", nearly ? "5-6" : "2-6");
	(void)slice;
	fix_task(f, 9000, "nginx", nearly ? "5-6" : "2-6", 6, 0)->cgroup = g;
	f->h->s.cgroups[g].cpus = nearly ? "5-6" : "2-6";
}

static void irqbalance(struct fix *f, bool nearly)
{
	fix_task(f, 700, "irqbalance", "0-23", 7, 0);
	fix_irq(f, 36, "eth0-TxRx-1", "0-23", 2, 10);
	f->has_irqbalance = true;
	f->irqbalance = (struct irqbalance){ .file = "etc/default/irqbalance",
		.banned_cpus = cpus(nearly ? "1-4" : "1-3") };
}

static void irqs_at_vcpus(struct fix *f, bool nearly)
{
	fix_irq(f, 36, "eth0-TxRx-1", "0-23", nearly ? 5 : 2, 10);
}

static void not_isolated(struct fix *f, bool nearly)
{
	fix_task(f, 9000, "sshd", nearly ? "0,5-23" : "0-23", 7, 0);
}

static void boot_line(struct fix *f, const char *text)
{
	boot_params_parse(&f->h->s.arena, text, &f->h->s.boot_params);
	f->h->s.cmdline = text;
}

static void boot_lists(struct fix *f, bool nearly)
{
	boot_line(f,
		nearly ? "isolcpus=managed_irq,domain,1-4 nohz_full=1-4 rcu_nocbs=1-4"
		       : "isolcpus=managed_irq,domain,1-4 nohz_full=1-4 rcu_nocbs=1-6");
}

static void boot_no_effect(struct fix *f, bool nearly)
{
	boot_line(f, "quiet isolcpus=1-4");
	fake_boot_isolated(f->h, nearly ? "1-4" : "1-2");
}

static void boot_housekeeping(struct fix *f, bool nearly)
{
	fake_boot_isolated(f->h, nearly ? "1-4" : "0-4");
}

static void boot_unused(struct fix *f, bool nearly)
{
	fake_boot_isolated(f->h, nearly ? "1-4" : "1-7");
}

/* ---- memory ---- */

static void memory_on(struct fix *f, uint64_t kib0, uint64_t kib1)
{
	struct arena *a = &f->h->s.arena;
	struct vm_memory *m = &f->memory[0];
	m->source = "numa_maps";
	*list_push(a, &m->nodes) = (struct memory_node){ .node = 0, .kib = kib0 };
	*list_push(a, &m->nodes) = (struct memory_node){ .node = 1, .kib = kib1 };
}

static void memoryless_node(struct fix *f, bool nearly)
{
	f->h->s.nodes[nearly ? 1 : 0].has_memory = false;
}

static void memory_remote(struct fix *f, bool nearly)
{
	memory_on(f, 4 << 20, nearly ? 100 << 10 : 4 << 20);
}

static void memory_may_wander(struct fix *f, bool nearly)
{
	f->memory[0].mems_allowed = fix_keep(f, nearly ? "0" : "0-1");
}

static void larger_than_node(struct fix *f, bool nearly)
{
	f->config[0].memory_mib = nearly ? 60 << 10 : 100 << 10;
}

static void min_free(struct fix *f, bool nearly)
{
	f->h->s.nodes[1].mem_free_kib = 200 << 10;
	f->tunables.min_free_kbytes = nearly ? 300 << 10 : 500 << 10;
}

static void numa_balancing(struct fix *f, bool nearly)
{
	f->tunables.numa_balancing = nearly ? 2 : 1;
}

static void ksm(struct fix *f, bool nearly)
{
	f->tunables.ksm_run = nearly ? 0 : 1;
	f->tunables.ksm_pages_sharing = 4711;
}

static void small_pages(struct fix *f, bool nearly)
{
	f->tunables.thp_enabled = "never";
	f->config[0].hugepages_kib = nearly ? 2048 : HUGEPAGES_NONE;
}

/* 8 GiB in pages of 2 MiB, a quarter of them there already. */
static void huge(struct fix *f, uint64_t free0, uint64_t free1)
{
	static struct hugepages pools[2];
	pools[0] = (struct hugepages){ 2048, 8192, free0, 0 };
	pools[1] = (struct hugepages){ 2048, 8192, free1, 0 };
	for (int i = 0; i < 2; i++) {
		f->h->s.nodes[i].hugepages = &pools[i];
		f->h->s.nodes[i].n_hugepages = 1;
	}
	f->config[0].hugepages_kib = 2048;
	f->memory[0].hugetlb_kib = 2 << 20;
}

static void hugepages_short(struct fix *f, bool nearly)
{
	huge(f, 1000, nearly ? 2072 : 2071);
}

static void hugepages_far(struct fix *f, bool nearly)
{
	huge(f, nearly ? 3072 : 3071, 4000);
}

static void hugepages_idle(struct fix *f, bool nearly)
{
	huge(f, 3072, nearly ? 3000 : 8192);
	f->h->s.nodes[0].mem_total_kib = f->h->s.nodes[1].mem_total_kib = 60 << 20;
}

static void hugepages_given_back(struct fix *f, bool nearly)
{
	huge(f, 4000, 4000);
	f->vm->manager = "proxmox";
	f->config[0].keeps_hugepages = nearly;
}

static void balloon(struct fix *f, bool nearly)
{
	f->config[0].balloon_mib = nearly ? 8192 : 2048;
}

static void device_far(struct fix *f, bool nearly)
{
	static struct vm_device gpu;
	gpu = (struct vm_device){
		.kind = "pci", .address = "0000:41:00.0", .node = nearly ? 0 : 1
	};
	f->vm->devices = &gpu;
	f->vm->n_devices = 1;
}

/* ---- power ---- */

static void throttled(struct fix *f, bool nearly)
{
	f->cpu_power[2].core_throttle_count = nearly ? 0 : 17;
	f->rates.heat_cpus = cpuset_of(2);
	f->rates.hot_cpus = nearly ? CPUSET_EMPTY : cpuset_of(2);
	f->rates.hot_times = nearly ? 0 : 3;
}

static void frequency_capped(struct fix *f, bool nearly)
{
	f->policies[nearly ? 5 : 2].max_khz = 2000000;
}

static void power_limit(struct fix *f, bool nearly)
{
	f->packages[0] =
		(struct package_rate){ "intel-rapl:0", "package-0", nearly ? 90 : 99.5, 100, 150 };
	f->rates.n_packages = 1;
}

static void governor(struct fix *f, bool nearly)
{
	f->policies[2].governor = "powersave";
	f->policies[2].driver = nearly ? "intel_pstate" : "acpi-cpufreq";
}

static void frequency_low(struct fix *f, bool nearly)
{
	static int64_t khz[1];
	khz[0] = 1600000;
	f->rates.freq_cpus = cpus("2");
	f->rates.khz = khz;
	f->rates.n_khz = 1;
	f->cpus[2].idle = nearly ? 0.9 : 0.1;
}

static void turbo_off(struct fix *f, bool nearly)
{
	f->tunables.no_turbo = nearly ? 0 : 1;
}

static void deep_idle(struct fix *f, bool nearly)
{
	f->idle[1] = (struct idle_state){ "C6", 133, 5, 5, nearly ? 1 : 0 };
}

static void idle_poll(struct fix *f, bool nearly)
{
	boot_line(f, nearly ? "quiet idle=nomwait" : "quiet idle=poll");
}

static void clocksource(struct fix *f, bool nearly)
{
	f->tunables.clocksource = nearly ? "kvm-clock" : "hpet";
}

/* ---- recipes ---- */

static void no_kvm(struct fix *f, bool nearly)
{
	f->vm->accel = nearly ? "kvm" : "tcg";
}

static void vcpus_unknown(struct fix *f, bool nearly)
{
	f->vm->how_to_tell = "start it with debug-threads=on";
	for (size_t i = 0; i < f->vm->n_threads && !nearly; i++)
		f->vm->threads[i].role = ROLE_WORKER;
}

static void config_trap(struct fix *f, bool nearly)
{
	*list_push(&f->h->s.arena, &f->config[0].notes) = nearly
		? "its disk will not start again"
		: "config: affinity: '1, 2': Proxmox VE takes the blanks, but taskset does not";
}

static void affinity(struct fix *f, const char *list)
{
	f->vm->manager = "proxmox";
	f->config[0].affinity = list;
	f->config[0].affinity_cpus = fix_keep(f, list);
}

static void affinity_out_of_range(struct fix *f, bool nearly)
{
	affinity(f, nearly ? "20-23" : "20-25");
	fix_pin(f, f->vm, "20-23");
}

static void affinity_not_in_force(struct fix *f, bool nearly)
{
	affinity(f, nearly ? "1-4" : "5-8");
}

static void affinity_blocked(struct fix *f, bool nearly)
{
	affinity(f, "1-4");
	f->h->s.cgroups[snapshot_cgroup(&f->h->s, "qemu.slice/db01.scope")].effective =
		fix_keep(f, nearly ? "0-4" : "3-23");
}

static void guest_cpus_as_host(struct fix *f, bool nearly)
{
	*list_push(&f->h->s.arena, &f->config[0].nodes) =
		(struct vm_node){ .node = 0, .cpus = nearly ? "0-3" : "2-3,6-7", .mib = 8192 };
}

static void numa_flag_only(struct fix *f, bool nearly)
{
	f->config[0].has_numa = true;
	*list_push(&f->h->s.arena, &f->config[0].nodes) = (struct vm_node){
		.node = 0, .cpus = "0-3", .hostnodes = nearly ? "0" : NULL, .policy = "bind"
	};
}

static void one_mask(struct fix *f, bool nearly)
{
	affinity(f, "1-4");
	if (!nearly)
		fix_mask(f, f->vm, ROLE_VCPU, "1-4");
}

static void hook_pins(struct fix *f, bool nearly)
{
	f->config[0].hookscript = nearly ? NULL : "local:snippets/pin.sh";
}

static void slices_all_cpus(struct fix *f, bool nearly)
{
	int g = fix_group(f, "system.slice", "0-23");
	f->h->s.cgroups[g].cpus = nearly ? "0-7" : "0-23";
}

static const struct {
	const char *id;
	void (*make)(struct fix *f, bool nearly);
} cases[] = {
	{ "disk-slow", disk_slow },
	{ "zfs-slow", zfs_slow },
	{ "storage-wait", storage_wait },
	{ "host-steal", host_steal },
	{ "softirq-hot", softirq_hot },
	{ "irq-hot", irq_hot },
	{ "hog", hog },
	{ "quota", quota },
	{ "caged", caged },
	{ "oversubscribed", oversubscribed },
	{ "sibling-busy", sibling_busy },
	{ "vcpu-wait", vcpu_wait },
	{ "stacked-vcpus", stacked_vcpus },
	{ "too-few-cpus", too_few_cpus },
	{ "half-pinned", half_pinned },
	{ "overlap", overlap },
	{ "siblings-shared", siblings_shared },
	{ "emulator-on-vcpus", emulator_on_vcpus },
	{ "iothread-on-vcpus", iothread_on_vcpus },
	{ "smt-blind", smt_blind },
	{ "crosses-nodes", crosses_nodes },
	{ "crosses-l3", crosses_l3 },
	{ "cpu0-for-vm", cpu0_for_vm },
	{ "mixed-cores", mixed_cores },
	{ "fifo-vcpus", fifo_vcpus },
	{ "partition-invalid", partition_invalid },
	{ "isolation-lost", isolation_lost },
	{ "container-on-vcpus", container_on_vcpus },
	{ "irqbalance", irqbalance },
	{ "irqs-at-vcpus", irqs_at_vcpus },
	{ "not-isolated", not_isolated },
	{ "boot-lists", boot_lists },
	{ "boot-no-effect", boot_no_effect },
	{ "boot-housekeeping", boot_housekeeping },
	{ "boot-unused", boot_unused },
	{ "memoryless-node", memoryless_node },
	{ "memory-remote", memory_remote },
	{ "memory-may-wander", memory_may_wander },
	{ "larger-than-node", larger_than_node },
	{ "min-free", min_free },
	{ "numa-balancing", numa_balancing },
	{ "ksm", ksm },
	{ "small-pages", small_pages },
	{ "hugepages-short", hugepages_short },
	{ "hugepages-far", hugepages_far },
	{ "hugepages-idle", hugepages_idle },
	{ "hugepages-given-back", hugepages_given_back },
	{ "balloon", balloon },
	{ "device-far", device_far },
	{ "throttled", throttled },
	{ "frequency-capped", frequency_capped },
	{ "power-limit", power_limit },
	{ "governor", governor },
	{ "frequency-low", frequency_low },
	{ "turbo-off", turbo_off },
	{ "deep-idle", deep_idle },
	{ "idle-poll", idle_poll },
	{ "clocksource", clocksource },
	{ "no-kvm", no_kvm },
	{ "vcpus-unknown", vcpus_unknown },
	{ "config-trap", config_trap },
	{ "affinity-out-of-range", affinity_out_of_range },
	{ "affinity-not-in-force", affinity_not_in_force },
	{ "affinity-blocked", affinity_blocked },
	{ "guest-cpus-as-host", guest_cpus_as_host },
	{ "numa-flag-only", numa_flag_only },
	{ "one-mask", one_mask },
	{ "hook-pins", hook_pins },
	{ "slices-all-cpus", slices_all_cpus },
};
