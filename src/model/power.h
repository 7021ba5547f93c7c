/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frequency, idle states and throttling of each CPU. Files are below /sys/devices/system/cpu.
 * Absent texts are NULL, absent numbers ABSENT.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cpuset.h"
#include "model/absent.h"

/* cpufreq/policyN (Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst, amd-pstate.rst) */
struct freq_policy {
	int policy;
	const struct cpuset *cpus;      /* affected_cpus: those online */
	const char *driver;             /* scaling_driver */
	const char *governor;           /* scaling_governor */
	const char *governors;          /* scaling_available_governors */
	const char *epp;                /* energy_performance_preference */
	int64_t min_khz, max_khz;       /* scaling_{min,max}_freq: the limits set */
	int64_t hw_min_khz, hw_max_khz; /* cpuinfo_{min,max}_freq: those of the hardware */
	int64_t cur_khz;                /* scaling_cur_freq */
};

/* cpuN/cpuidle/stateM (Documentation/admin-guide/pm/cpuidle.rst) */
struct idle_state {
	const char *name;
	int64_t latency_us, usage, time_us;
	int64_t disable; /* 1: switched off by an administrator */
};

struct cpu_power {
	int cpu;
	int policy; /* index in freq_policies, or -1 */
	struct idle_state *idle_states;
	size_t n_idle_states;
	/* cpuN/power/pm_qos_resume_latency_us: "0" is no constraint, "n/a" tolerates no latency
	 * (Documentation/ABI/testing/sysfs-devices-power) */
	const char *resume_latency;
	/* cpuN/thermal_throttle (Documentation/ABI/testing/sysfs-devices-system-cpu) */
	int64_t core_throttle_count, package_throttle_count;
};

struct power {
	struct freq_policy *policies;
	size_t n_policies;
	struct cpu_power *cpus; /* the online ones, ascending */
	size_t n_cpus;
};
