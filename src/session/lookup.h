/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the VMs that something is applied to a word means: undo, status and confirm ask here. */
#pragma once

#include <stdbool.h>

#include "apply/ledger.h"

struct host;

/* Sets *ret, an array of l->placements.n, malloc'ed: true where one of the words means the VM, by
 * the rule of vm/lookup.h; no words mean all. A VM need not run any more. -ENOENT: nothing is
 * applied for a word; -ENOTUNIQ: it fits two. */
int lookup_placements(struct host *h, const struct ledger *l, const char *const *words,
	size_t n_words, bool **ret, struct err *e) MUST_CHECK;
