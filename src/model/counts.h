/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts per CPU since boot: /proc/interrupts, /proc/softirqs, /proc/stat
 * (Documentation/filesystems/proc.rst, 1.2, 1.7 "Kernel data").
 */
#pragma once

#include "base/alloc.h"

struct count_row {
	const char *label; /* "24", "LOC", "NET_RX": without the colon */
	const char *text;  /* what stands behind the counts; "" where nothing does */
	uint64_t *counts;  /* by column; 0 where the row has fewer */
};

/* The columns of /proc/interrupts are the online CPUs, those of /proc/softirqs the possible ones:
 * the header says which. */
struct count_table {
	int *cpus;
	size_t n_cpus;
	struct count_row *rows;
	size_t n_rows;
};

/* Returns 0, or the number of the line that is not in the kernel's format. */
int count_table_parse(struct arena *a, const char *text, struct count_table *ret) MUST_CHECK;

/* A line "cpuN" of /proc/stat, in ticks of 1/100 s; guest time is part of user time. Fields that
 * an old kernel does not have are 0. */
struct time_split {
	int cpu;
	uint64_t user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice;
};

struct time_splits {
	struct time_split *v;
	size_t n;
};

/* As count_table_parse(). */
int time_splits_parse(struct arena *a, const char *text, struct time_splits *ret) MUST_CHECK;
