/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time that was lost waiting for a resource: /proc/pressure/{cpu,memory,io}, and
 * {cpu,memory,io}.pressure of a cgroup (Documentation/accounting/psi.rst). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/* Since boot, in us: at least one thread waited; all that were not idle waited. */
struct pressure {
	uint64_t some_us, full_us;
};

/*
 *	some avg10=0.00 avg60=0.00 avg300=0.00 total=41312
 *	full avg10=0.00 avg60=0.00 avg300=0.00 total=40411
 *
 * cpu has no line "full" before 5.13: it is 0 then. Returns 0, or -EINVAL where there is no whole
 * line "some".
 */
int pressure_parse(const char *text, struct pressure *ret) MUST_CHECK;
