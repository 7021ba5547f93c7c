/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much the kernel's counters grew; pure functions. */
#pragma once

#include "kernel/counts.h"

/* How much a counter of /proc/interrupts or softirqs grew. They are 32 bits wide and wrap; one that
 * fell by less than a wrap explains was started anew (the interrupt was freed and requested). */
uint64_t counter_delta(uint64_t before, uint64_t after);

/* The rows of 'after' that have a count per CPU, with how much they grew since 'before', by after's
 * columns. A CPU that had no column before (it was offline) counts as 0; a row that had none, or
 * that was another device's, from 0. Its texts are those of 'after'. */
struct count_table count_table_delta(struct arena *a, const struct count_table *before,
	const struct count_table *after) MUST_CHECK;
