/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would be done, told and not done: to see what the daemon, or apply, decides before it may.
 */
#pragma once

#include "session/events.h"
#include "session/outcome.h"
#include "session/recall.h"

struct host;
struct planning;

/* Adds an event for each VM that would get CPUs, others, or none any more, that would be refused or
 * moved, and for each setting that would be repaired. recall: what was told before is not told
 * again; NULL: all is told. */
void shadow_tell(
	struct host *h, const struct planning *p, struct recall *recall, struct events *ret);

/* The daemon's step, but that it only plans: nothing of the host is changed, and nothing that is
 * unfinished is ended. It writes down what it has told. Outcomes as reconcile(). */
enum outcome shadow_step(struct host *h, struct events *ret, struct err *e) MUST_CHECK;
