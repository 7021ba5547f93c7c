/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of CPUs, and of nodes, as files of the kernel have them. What a list and a mask are says
 * base/cpuset.h, whose parsers take both with their newline; here is what files do beyond that.
 */
#pragma once

#include "base/cpuset.h"

/* A file with a list: "0-3,8", "" for no CPU; "(null)", with blanks around, where the kernel has no
 * mask at all, as /sys/devices/system/cpu/nohz_full up to 6.x (Documentation/timers/no_hz.rst).
 * Returns as cpuset_parse_list(). */
int cpus_parse_list(const char *text, struct cpuset *ret) MUST_CHECK;

/* A file with the numbers as words, "0 12", as cpufreq/policyN/affected_cpus
 * (Documentation/admin-guide/pm/cpufreq.rst). Returns 0 or -EINVAL. */
int cpus_parse_words(const char *text, struct cpuset *ret) MUST_CHECK;
