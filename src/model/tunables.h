/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single values that decide how much the kernel disturbs a vCPU. Each member names its file and
 * the kernel document; absent numbers are ABSENT, absent texts NULL. Of a choice with brackets
 * ("always [madvise] never") the text is the chosen word.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "model/absent.h"

struct tunables {
	/* Documentation/admin-guide/sysctl/vm.rst: /proc/sys/vm/… */
	int64_t min_free_kbytes;          /* min_free_kbytes */
	int64_t stat_interval;            /* stat_interval, s */
	int64_t compaction_proactiveness; /* compaction_proactiveness */
	/* Documentation/admin-guide/mm/transhuge.rst: /sys/kernel/mm/transparent_hugepage/… */
	const char *thp_enabled;   /* enabled: always, madvise, never */
	const char *thp_defrag;    /* defrag */
	const char *thp_shmem;     /* shmem_enabled */
	int64_t khugepaged_defrag; /* khugepaged/defrag */
	/* Documentation/admin-guide/mm/ksm.rst: /sys/kernel/mm/ksm/… */
	int64_t ksm_run;                /* run: 0, 1, 2 = stopped and unmerged */
	int64_t ksm_pages_sharing;      /* pages_sharing */
	int64_t ksm_merge_across_nodes; /* merge_across_nodes */

	/* Documentation/admin-guide/sysctl/kernel.rst: /proc/sys/kernel/… */
	int64_t numa_balancing;             /* numa_balancing: 0, 1, 2 = memory tiers */
	int64_t sched_rt_runtime_us;        /* sched_rt_runtime_us: -1 is no limit */
	int64_t sched_rt_period_us;         /* sched_rt_period_us */
	int64_t timer_migration;            /* timer_migration */
	int64_t watchdog;                   /* watchdog */
	int64_t nmi_watchdog;               /* nmi_watchdog */
	int64_t soft_watchdog;              /* soft_watchdog */
	int64_t watchdog_thresh;            /* watchdog_thresh, s */
	const struct cpuset *watchdog_cpus; /* watchdog_cpumask */

	/* Documentation/admin-guide/pm/{cpufreq,intel_pstate,amd-pstate}.rst:
	 * /sys/devices/system/cpu/… */
	int64_t boost;             /* cpufreq/boost */
	int64_t no_turbo;          /* intel_pstate/no_turbo */
	int64_t min_perf_pct;      /* intel_pstate/min_perf_pct */
	const char *intel_pstate;  /* intel_pstate/status: active, passive, off */
	const char *amd_pstate;    /* amd_pstate/status: active, passive, guided, disable */
	const char *idle_driver;   /* cpuidle/current_driver */
	const char *idle_governor; /* cpuidle/current_governor */
	/* Documentation/admin-guide/hw-vuln/l1tf.rst, "SMT control" */
	const char *smt_control; /* smt/control: on, off, forceoff, notsupported */
	/* Documentation/timers/no_hz.rst: the CPUs that nohz_full= took effect on */
	const struct cpuset *nohz_full_cpus; /* nohz_full; "(null)" is none, NULL no such file */
	/* Documentation/ABI/stable/sysfs-devices-system-clocksource */
	const char *clocksource; /* ../clocksource/clocksource0/current_clocksource */

	/* Documentation/virt/kvm/{halt-polling,x86/mmu}.rst and admin-guide/kernel-parameters.txt
	 * (kvm.…): /sys/module/{kvm,kvm_intel,kvm_amd}/parameters/… */
	int64_t halt_poll_ns; /* halt_poll_ns */
	int64_t halt_poll_ns_grow, halt_poll_ns_shrink;
	const char *nx_huge_pages;                /* nx_huge_pages: Y, N, never */
	int64_t nx_huge_pages_recovery_ratio;     /* nx_huge_pages_recovery_ratio */
	int64_t nx_huge_pages_recovery_period_ms; /* nx_huge_pages_recovery_period_ms */
	const char *kvmclock_periodic_sync;       /* kvmclock_periodic_sync: Y, N */
	const char *tdp_mmu;                      /* tdp_mmu: Y, N */
	const char *kvm_intel_apicv;              /* kvm_intel: enable_apicv: Y, N */
	int64_t kvm_intel_ple_gap;                /* kvm_intel: ple_gap */
	const char *kvm_amd_avic;                 /* kvm_amd: avic: Y, N */
	int64_t kvm_amd_pause_filter;             /* kvm_amd: pause_filter_count */
};

enum tunable_group { TUNABLE_MEMORY, TUNABLE_SCHEDULER, TUNABLE_POWER, TUNABLE_KVM };

/* What people are told of a member; name is the member's. */
struct tunable_row {
	enum tunable_group group;
	const char *name, *path, *unit, *about; /* unit: NULL where it has none */
	int kind;                               /* for the reader of the file */
	size_t offset;
};
const struct tunable_row *tunable_rows(size_t *ret_n);

/* One of the three; ABSENT and NULL where the host has none. */
struct tunable_value {
	bool is_number;
	int64_t number;
	const char *text;
	const struct cpuset *cpus;
};
struct tunable_value tunable_value(const struct tunables *t, const struct tunable_row *row);

/* A group of resctrl (Documentation/filesystems/resctrl.rst); "" is the default group. */
struct resctrl_group {
	const char *name;
	const char *schemata;      /* lines "L3:0=ffff;1=ffff" */
	const struct cpuset *cpus; /* cpus_list */
};
