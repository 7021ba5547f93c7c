/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What show lists beside the picture: interrupts by the heat of their CPUs, cgroups with the state
 * of their partitions. */
#pragma once

#include "base/attr.h"

struct report;
struct snapshot;

/* Interrupts of devices that each CPU took since boot, by CPU number, in an array of CPUSET_MAX;
 * -1 for CPUs that are not in the table. malloc'ed; NULL when there is no table. */
double *interrupts_by_cpu(const struct snapshot *s) MUST_CHECK;

void show_irqs(const struct snapshot *s, struct report *r);
void show_cgroups(const struct snapshot *s, struct report *r);
