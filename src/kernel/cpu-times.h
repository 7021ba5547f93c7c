/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What CPUs spent their time on: /proc/stat (Documentation/filesystems/proc.rst, 1.7). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

enum { NS_PER_TICK = 10 * 1000 * 1000 }; /* USER_HZ is 100 wherever KVM is */

/* In ticks since boot. Guests' time is part of user and nice too. Fields that an old kernel does
 * not have are 0. */
struct cpu_ticks {
	int cpu; /* -1: the sum over all */
	uint64_t user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice;
};

struct cpu_times {
	struct cpu_ticks *v;
	size_t n;
};

/*
 *	cpu  4705 150 1120 16250 520 30 20 0 0 0
 *	cpu0 2352 75 560 8125 260 15 10 0 0 0
 *	intr 114930548 113199788 …
 *
 * In the arena. Returns 0, the number of the first line "cpu…" that is not so, or that the end of
 * the text cut (left out, as all such are), or -EINVAL without any that is.
 */
int cpu_times_parse(struct arena *a, const char *text, struct cpu_times *ret) MUST_CHECK;

/* The line of a CPU (-1: the sum), or NULL. */
const struct cpu_ticks *cpu_times_of(const struct cpu_times *t, int cpu);
