/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CPU time that a cgroup may have, and how often it was stopped for it: cpu.max and cpu.stat
 * (Documentation/admin-guide/cgroup-v2.rst, "CPU Interface Files"). */
#pragma once

#include <stdint.h>

#include "base/attr.h"

/* "200000 100000": 200 ms of each 100 ms; "max 100000": no limit, quota_us 0. Returns 0, or
 * -EINVAL. */
struct cpu_max {
	uint64_t quota_us, period_us;
};
int cpu_max_parse(const char *text, struct cpu_max *ret) MUST_CHECK;

/*
 *	usage_usec 77821000
 *	nr_periods 4127
 *	nr_throttled 391
 *	throttled_usec 19000311
 *
 * Numbers are 0 where the cpu controller is off, and there are no such lines. Returns 0, or -EINVAL
 * without usage_usec.
 */
struct cpu_stat {
	uint64_t usage_us, n_periods, n_throttled, throttled_us;
};
int cpu_stat_parse(const char *text, struct cpu_stat *ret) MUST_CHECK;
