/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpuset.cpus.partition of a cgroup (Documentation/admin-guide/cgroup-v2.rst, "Cpuset Interface
 * Files"). */
#pragma once

#include <stddef.h>

#include "base/attr.h"

/* Parts of the text that they were parsed from. reason: NULL where there is none. */
struct partition_state {
	const char *state, *reason;
	size_t n_state, n_reason;
};

/*
 * "member", "root", "isolated", or why it is none:
 *
 *	isolated invalid (Cpu list in cpuset.cpus not exclusive)
 *
 * The state is all before the parenthesis, without blanks at its end. Returns 0, or -EINVAL for a
 * text that is none of these.
 */
int partition_parse(const char *text, struct partition_state *ret) MUST_CHECK;
