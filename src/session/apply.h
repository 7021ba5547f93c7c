/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doing what was planned, as one transaction. */
#pragma once

#include "session/planning.h"
#include "session/recovery.h"
#include "session/verdict.h"

/*
 * Makes the planned changes, with the lock of 'begun' held; their results are in p->changes. With
 * confirm_wait_ns they are undone by themselves unless confirmed in that time.
 *
 * OUTCOME_UNCHANGED: it failed and all was taken back. OUTCOME_RESIDUE: not all of it; *ret_back
 * has what could not be, when it is known, and is the caller's to free.
 */
enum outcome apply_planned(struct host *h, const struct planning *p, const struct recovery *begun,
	uint64_t confirm_wait_ns, struct changes **ret_back, struct err *e) MUST_CHECK;

/*
 * The kernel's word for what was applied: who may run on the claimed CPUs. Threads that came while
 * the changes were made are moved by one more transaction, whose changes are added to p->changes:
 * systemd makes kernel threads when units are reloaded. The verdict is to be freed with
 * verdict_done() in any case.
 */
int apply_prove(struct host *h, struct planning *p, struct verdict *ret, struct err *e) MUST_CHECK;
