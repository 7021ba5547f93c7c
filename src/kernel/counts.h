/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts per CPU since boot: /proc/interrupts, /proc/softirqs (Documentation/filesystems/proc.rst,
 * 1.2 and 1.7). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

struct count_row {
	const char *name;   /* "24", "LOC", "NET_RX" */
	int irq;            /* the name as a number; -1: LOC, RES, … */
	const char *text;   /* what stands behind the counts; "" where nothing does */
	const char *action; /* of numbered ones: who requested it, "" when nobody did; else text */
	bool is_per_cpu;    /* a count in each column; ERR and MIS have one in all */
	bool is_device;     /* has a number, and is no timer, counter or IPI of each CPU's own */
	const uint32_t *counts; /* by column; 0 where the row has fewer */
};

/* The columns of /proc/interrupts are the online CPUs, those of /proc/softirqs the possible ones:
 * the header says which. */
struct count_table {
	int *cpus;
	size_t n_cpus;
	struct count_row *rows;
	size_t n_rows;
};

/*
 *	           CPU0       CPU2
 *	 36:          0      44708  PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0
 *	 11:       1544        902     GICv3  27 Level     arch_timer
 *	LOC:      19419      19861   Local timer interrupts
 *	ERR:          0
 *
 * What is LOC on x86 has a number elsewhere, as 11 here: hardware interrupts below 32 of a GIC are
 * each CPU's own (Documentation/devicetree/bindings/interrupt-controller/arm,gic-v3.yaml).
 *
 * Each count is an unsigned int of the kernel's (kernel/irq/proc.c, show_interrupts(): "%10u";
 *fs/proc/softirqs.c), and wraps as one. Rows are kept in the arena. Returns 0, the number of the
 *first line that is none of these (it is left out, as all such are: a blank line, or one that the
 *end of the text cut), or -EINVAL where not even the header is one.
 */
int count_table_parse(struct arena *a, const char *text, struct count_table *ret) MUST_CHECK;

/* The row of that name; hint: where it is likely to be. NULL: none. */
const struct count_row *count_table_row(const struct count_table *t, const char *name, size_t hint);
/* The column of a CPU, or -1. */
int count_table_column(const struct count_table *t, int cpu);
