/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's counter files, text to numbers; pure functions.
 *
 * All return 0, -EINVAL (not such a file, or cut short) or -ENODATA (a well-formed file of a kernel
 * that does not count this), and write *ret only on success.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/attr.h"

/* /proc/PID/task/TID/schedstat: "1482331120 93811420 2712": time on a CPU, time runnable but
 * waiting for one, times it got one. Documentation/scheduler/sched-stats.rst. */
struct schedstat {
	uint64_t run_ns, wait_ns;
};
int proc_parse_schedstat(const char *text, struct schedstat *ret) MUST_CHECK;

/* /proc/PID/task/TID/stat: "6227 (CPU 0/KVM) R 6220 …". Field numbers as in proc(5). */
struct task_stat {
	char comm[64];      /* 2; kernel workers have long ones: "kworker/u16:2-events_unbound" */
	char state;         /* 3; 'R': running or waiting for a CPU */
	unsigned int flags; /* 9 */
	uint64_t start;     /* 22; clock ticks since boot: with the tid an identity */
	int last_cpu;       /* 39 */
};
int proc_parse_task_stat(const char *text, struct task_stat *ret) MUST_CHECK;

/* The two last lines of /proc/PID/task/TID/status: "voluntary_ctxt_switches:\t150" (it slept) and
 * "nonvoluntary_ctxt_switches:\t545" (somebody else got its CPU). */
struct switches {
	uint64_t voluntary, involuntary;
};
int proc_parse_switches(const char *status, struct switches *ret) MUST_CHECK;

/* /proc/PID/task/TID/sched: "se.nr_migrations                             :                   17"
 */
int proc_parse_migrations(const char *sched, uint64_t *ret) MUST_CHECK;

/* The lines "cpu", "cpu0", … of /proc/stat, in ticks of 1/100 s. */
struct cpu_ticks {
	int cpu;                                          /* -1: the sum over all */
	uint64_t user, system, idle, irq, softirq, steal; /* user with nice, idle with iowait */
};
struct cpu_times {
	struct cpu_ticks *cpus;
	size_t n_cpus;
};
enum { NS_PER_TICK = 10 * 1000 * 1000 }; /* USER_HZ is 100 wherever KVM's x86 is */
int proc_parse_stat(struct arena *a, const char *text, struct cpu_times *ret) MUST_CHECK;
/* The line of a CPU (-1: the sum), or NULL. */
const struct cpu_ticks *cpu_times_of(const struct cpu_times *t, int cpu);

/*
 * /proc/interrupts (a column per online CPU) and /proc/softirqs (a column per possible CPU):
 *
 *	           CPU0       CPU2
 *	 36:          0      44708 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0
 *	LOC:      19419      19861   Local timer interrupts
 *	ERR:          0
 *
 * Lines without a count per CPU (ERR, MIS, or cut short) are left out.
 */
struct count_line {
	const char *name;       /* "36", "LOC", "NET_RX" */
	const char *label;      /* who it is for: "virtio1-req.0", "Local timer interrupts", "" */
	bool is_device;         /* the name is a number */
	const uint64_t *counts; /* by column */
};
struct counts {
	int *cpus; /* the CPU of each column */
	size_t n_cpus;
	struct count_line *lines;
	size_t n_lines;
};
int proc_parse_counts(struct arena *a, const char *text, struct counts *ret) MUST_CHECK;
/* The line of that name; hint: where it is likely to be. NULL: none. */
const struct count_line *counts_line(const struct counts *c, const char *name, size_t hint);
/* The column of a CPU, or -1. */
int counts_column(const struct counts *c, int cpu);

/* How much a counter of /proc/interrupts or softirqs grew. They are 32 bits wide and wrap; one that
 * fell by less than a wrap explains was started anew (the interrupt was freed and requested). */
uint64_t counter_delta(uint64_t before, uint64_t after);

/* All lines of 'after' with how much they grew since 'before', by after's columns. A CPU that had
 * no column before (it was offline) counts as 0; a line that had none, or that was another
 * device's, from 0. */
struct counts counts_delta(
	struct arena *a, const struct counts *before, const struct counts *after) MUST_CHECK;
