/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doing what was planned, as one transaction. */
#pragma once

#include "session/planning.h"
#include "session/recovery.h"

/*
 * Makes the planned changes, with the lock of 'begun' held; their results are in p->changes. With
 * confirm_wait_ns they are undone by themselves unless confirmed in that time.
 *
 * OUTCOME_UNCHANGED: it failed and all was taken back. OUTCOME_RESIDUE: not all of it; *ret_back
 * has what could not be, when it is known, and is the caller's to free.
 */
enum outcome apply_planned(struct host *h, const struct planning *p, const struct recovery *begun,
	uint64_t confirm_wait_ns, struct changes **ret_back, struct err *e) MUST_CHECK;
