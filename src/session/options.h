/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of plan and apply in the order in which they were given: --policy FILE, --vm VM, and
 * the policy's keys. */
#pragma once

#include <stddef.h>

struct option_value {
	const char *name, *value; /* value: NULL for options without argument */
};

/* Made with array_push(). */
struct option_values {
	struct option_value *v;
	size_t n, room;
};
