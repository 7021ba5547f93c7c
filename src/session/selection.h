/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which VMs a plan is for, by words and by the policy. */
#pragma once

#include "session/planning.h"

struct indexes {
	ARRAY(size_t) v;
};

/* What selection_is_about() asks: an interest for vms_find_about(). */
struct about {
	const struct option_values *options;
	const struct planning *p;
};

/* context: a struct about. Those that a plan is for, and those in force, which are derived anew. */
bool selection_is_about(const void *context, const struct vm *vm);

/* With --vm those, else all that a section of the policy names: indexes into p->vms, to free.
 * Returns 0 or -errno with its text in e: a word or a section that means none or more than one, a
 * VM that is somebody else's, or, unless may_be_none, no VM at all. */
int selection_make(const struct option_values *options, const struct planning *p, bool may_be_none,
	struct indexes *ret, struct err *e) MUST_CHECK;
