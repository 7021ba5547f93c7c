/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the scheduler counts for a thread: /proc/PID/task/TID/{schedstat,sched}
 * (Documentation/scheduler/sched-stats.rst, sched-debug.rst). */
#pragma once

#include <stdint.h>

#include "base/attr.h"

/* "1482331120 93811420 2712": time on a CPU, time runnable but waiting for one, times it got one.
 * Returns 0, or -EINVAL for what is not such a text, or cut short. */
struct schedstat {
	uint64_t run_ns, wait_ns;
};
int schedstat_parse(const char *text, struct schedstat *ret) MUST_CHECK;

/* "se.nr_migrations                             :                   17" of sched. Returns 0,
 * -ENODATA (this kernel does not count them) or -EINVAL. */
int sched_migrations_parse(const char *text, uint64_t *ret) MUST_CHECK;
