/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/stat and /proc/PID/task/TID/stat (Documentation/filesystems/proc.rst, table 1-4). */
#pragma once

#include <stdint.h>

#include "base/attr.h"

enum { TASK_COMM_SIZE = 64 }; /* proc_task_name() in fs/proc/array.c: with the final NUL */

enum { /* include/linux/sched.h, flags */
	PF_KTHREAD_FLAG = 0x00200000,
	PF_NO_SETAFFINITY_FLAG = 0x04000000,
};

/* The fields by their number in proc(5). */
struct task_stat {
	int tid;                   /* 1 */
	char comm[TASK_COMM_SIZE]; /* 2: without its parentheses */
	char state;                /* 3: 'R' runs, or waits for a CPU */
	int ppid;                  /* 4 */
	unsigned int flags;        /* 9: PF_… */
	uint64_t run_ticks;        /* 14 and 15, utime and stime: in clock ticks */
	int nice;                  /* 19 */
	int n_threads;             /* 20: of the thread group */
	uint64_t start;            /* 22: clock ticks since boot; with the tid an identity */
	int last_cpu;              /* 39; -1 where the text ends before it */
	int rt_priority, policy;   /* 40, 41: SCHED_…; 0 where the text ends before them */
};

/*
 *	3089 (CPU 0/KVM) S 1 3085 3085 0 -1 4194560 …
 *
 * The name is what the program calls itself, blanks, parentheses and ") R 1 (" included: the last
 * ')' ends it. A number that the end of the text may have cut through is no number: behind each
 * comes a blank or a newline. Returns 0, or -EINVAL where not even fields 1 to 22 are there.
 */
int task_stat_parse(const char *text, struct task_stat *ret) MUST_CHECK;
