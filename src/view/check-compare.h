/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two hosts side by side: what check finds on one and not on the other, and what they are set to.
 */
#pragma once

struct check;
struct limits;
struct reading;
struct report;
struct snapshot;

/* A host that was looked at; name: its recording's. */
struct compared {
	const char *name;
	const struct check *check;
	const struct snapshot *s;
	const struct reading *reading;
};

/* Why 'a' is slower than 'b'. Returns how many findings of warning and above only 'a' has. */
int check_compare_report(const struct compared *a, const struct compared *b,
	const struct limits *limits, struct report *r);
