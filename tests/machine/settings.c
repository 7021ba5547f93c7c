/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a made-up desktop is set to. */
#include "host.h"

#include "base/alloc.h"
#include "files.h"

static const struct {
	const char *path, *text;
} settings[] = {
	{ "proc/cmdline",
		"BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet nohz_full=12-15 rcu_nocbs=12-15 "
		"hugepagesz=1G hugepages=4 amd_pstate=active" },
	{ "sys/devices/system/cpu/nohz_full", "12-15" },
	{ "sys/devices/system/cpu/isolated", "" },
	{ "proc/sys/vm/min_free_kbytes", "67584" },
	{ "proc/sys/vm/stat_interval", "1" },
	{ "proc/sys/vm/compaction_proactiveness", "20" },
	{ "proc/sys/kernel/numa_balancing", "0" },
	{ "proc/sys/kernel/sched_rt_runtime_us", "-1" },
	{ "proc/sys/kernel/sched_rt_period_us", "1000000" },
	{ "proc/sys/kernel/timer_migration", "1" },
	{ "proc/sys/kernel/watchdog", "1" },
	{ "proc/sys/kernel/nmi_watchdog", "0" },
	{ "proc/sys/kernel/soft_watchdog", "1" },
	{ "proc/sys/kernel/watchdog_thresh", "10" },
	{ "proc/sys/kernel/watchdog_cpumask", "0-11" },
	{ "sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never" },
	{ "sys/kernel/mm/transparent_hugepage/defrag",
		"always defer defer+madvise [madvise] never" },
	{ "sys/kernel/mm/transparent_hugepage/shmem_enabled",
		"always within_size advise [never] deny force" },
	{ "sys/kernel/mm/transparent_hugepage/khugepaged/defrag", "1" },
	{ "sys/kernel/mm/ksm/run", "1" },
	{ "sys/kernel/mm/ksm/pages_sharing", "81234" },
	{ "sys/kernel/mm/ksm/merge_across_nodes", "1" },
	{ "sys/module/kvm/parameters/halt_poll_ns", "200000" },
	{ "sys/module/kvm/parameters/halt_poll_ns_grow", "2" },
	{ "sys/module/kvm/parameters/halt_poll_ns_shrink", "0" },
	{ "sys/module/kvm/parameters/nx_huge_pages", "N" },
	{ "sys/module/kvm/parameters/nx_huge_pages_recovery_ratio", "60" },
	{ "sys/module/kvm/parameters/nx_huge_pages_recovery_period_ms", "0" },
	{ "sys/module/kvm/parameters/kvmclock_periodic_sync", "Y" },
	{ "sys/module/kvm/parameters/tdp_mmu", "Y" },
	{ "sys/module/kvm_amd/parameters/avic", "N" },
	{ "sys/module/kvm_amd/parameters/pause_filter_count", "3000" },
	{ "sys/devices/system/cpu/cpufreq/boost", "1" },
	{ "sys/devices/system/cpu/amd_pstate/status", "active" },
	{ "sys/devices/system/cpu/cpuidle/current_driver", "acpi_idle" },
	{ "sys/devices/system/cpu/cpuidle/current_governor", "menu" },
	{ "sys/devices/system/cpu/smt/control", "on" },
	{ "sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc" },
	{ "sys/fs/resctrl/schemata", "L3:0=ffff" },
	{ "sys/fs/resctrl/vms/schemata", "L3:0=ff00" },
	{ "sys/fs/resctrl/info/.keep", "" },
	{ "sys/fs/resctrl/mon_data/.keep", "" },
};

/* Documentation/filesystems/proc.rst, "zoneinfo" */
static const char zoneinfo[] = "Node 0, zone      DMA\n"
			       "  pages free     3840\n"
			       "        min      15\n"
			       "        low      18\n"
			       "        high     21\n"
			       "        spanned  4095\n"
			       "        present  3998\n"
			       "        managed  3840\n"
			       "        protection: (0, 63000, 63000, 63000)\n"
			       "  pagesets\n"
			       "    cpu: 0\n"
			       "              count: 0\n"
			       "              high:  0\n"
			       "Node 0, zone   Normal\n"
			       "  pages free     8388608\n"
			       "        min      16881\n"
			       "        low      33292\n"
			       "        high     49703\n"
			       "        spanned  16777216\n"
			       "        present  16777216\n"
			       "        managed  16416820\n"
			       "        protection: (0, 0, 0, 0)\n";

#define CPU "sys/devices/system/cpu/"

static void put_cpufreq(const char *dir, int cpu, bool is_fast)
{
	AUTO_FREE char *at = xasprintf(CPU "cpufreq/policy%d", cpu);
	files_put_number(dir, cpu, "%s/affected_cpus", at);
	files_put(dir, "amd-pstate-epp\n", "%s/scaling_driver", at);
	files_put(dir, is_fast ? "performance\n" : "powersave\n", "%s/scaling_governor", at);
	files_put(dir, "performance powersave\n", "%s/scaling_available_governors", at);
	files_put(dir, is_fast ? "performance\n" : "balance_performance\n",
		"%s/energy_performance_preference", at);
	files_put_number(dir, 400000, "%s/scaling_min_freq", at);
	files_put_number(dir, 5050000, "%s/scaling_max_freq", at);
	files_put_number(dir, 400000, "%s/cpuinfo_min_freq", at);
	files_put_number(dir, 5050000, "%s/cpuinfo_max_freq", at);
	files_put_number(dir, 3000000 + cpu * 1000, "%s/scaling_cur_freq", at);
}

static void put_cpuidle(const char *dir, int cpu, bool is_fast)
{
	const struct {
		const char *name;
		int latency, usage, time, disable;
	} states[] = { { "POLL\n", 0, 100 + cpu, 1000, 0 },
		{ "C2\n", 18, 20000, 900000, is_fast } };
	for (int i = 0; i < 2; i++) {
		AUTO_FREE char *at = xasprintf(CPU "cpu%d/cpuidle/state%d", cpu, i);
		files_put(dir, states[i].name, "%s/name", at);
		files_put_number(dir, states[i].latency, "%s/latency", at);
		files_put_number(dir, states[i].usage, "%s/usage", at);
		files_put_number(dir, states[i].time, "%s/time", at);
		files_put_number(dir, states[i].disable, "%s/disable", at);
	}
	files_put(dir, is_fast ? "n/a\n" : "0\n", CPU "cpu%d/power/pm_qos_resume_latency_us", cpu);
}

/* tuned */
static void put_service(const char *dir, int n_cpus)
{
	AUTO_FREE char *all = xasprintf("0-%d", n_cpus - 1);
	files_put_thread(dir,
		&(struct made_thread){ .pid = 812,
			.tid = 812,
			.ppid = 1,
			.comm = "tuned",
			.flags = FILES_USER,
			.start = 1812,
			.allowed = all,
			.n_cpus = n_cpus,
			.group = "system.slice" });
	files_put_cmdline(dir, 812, "", ' ');
}

void settings_put(const char *dir, int n_cpus)
{
	for (size_t i = 0; i < N_ELEMENTS(settings); i++) {
		AUTO_FREE char *line = xasprintf("%s\n", settings[i].text);
		files_put(dir, line, "%s", settings[i].path);
	}
	AUTO_FREE char *host = xasprintf("0-%d\n", n_cpus - 5);
	AUTO_FREE char *vms = xasprintf("%d-%d\n", n_cpus - 4, n_cpus - 1);
	files_put(dir, host, "sys/fs/resctrl/cpus_list");
	files_put(dir, vms, "sys/fs/resctrl/vms/cpus_list");
	files_put(dir, zoneinfo, "proc/zoneinfo");
	for (int cpu = 0; cpu < n_cpus; cpu++) {
		put_cpufreq(dir, cpu, cpu >= n_cpus - 4);
		put_cpuidle(dir, cpu, cpu >= n_cpus - 4);
	}
	put_service(dir, n_cpus);
}
