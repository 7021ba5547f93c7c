/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The picture of a host with placements on it: what plan, apply and show draw. */
#pragma once

#include "plan/plan.h"

struct picture;
struct snapshot;

struct heat {
	const double *by_cpu; /* CPUSET_MAX shares, 0 … 1 or negative for unknown */
	const char *label;    /* what it is, for the legend */
};

/* Draws n placements; housekeeping and heat may be NULL: there is none. The caller owns the
 * picture, which keeps nothing of what it was made from. */
struct picture *placements_picture(const struct snapshot *s, const struct placement *v, size_t n,
	const struct cpuset *housekeeping, const struct heat *heat) MUST_CHECK;
