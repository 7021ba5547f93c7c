/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What apply did, beside what plan says. */
#pragma once

#include "host/host.h"

struct changes;
struct intruders;
struct planning;
struct report;

/* What it cost: "writes", "writes_ns", "all_ns". */
void cost_report(struct host_cost cost, struct report *r);

/* The sums, what stays where it is, and who may run on the claimed CPUs all the same (NULL: nobody
 * asked); changes_report() must have been called. */
void apply_report(const struct planning *p, struct host_cost cost,
	const struct intruders *intruders, struct report *r);

/* What could not be taken back; back may be NULL. */
void apply_failed_report(const struct changes *back, struct report *r);
