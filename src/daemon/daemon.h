/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the host as the policy says: one event loop, no threads, level-triggered.
 *
 * Sources only say that it is time to look; the step that looks at everything, plans and applies
 * (session/reconcile.h) is a process of its own, so that nothing that it waits for blocks the loop,
 * and that it can be killed at any time: the next one goes on from the journal.
 */
#pragma once

#include "base/err.h"
#include "session/events.h"

struct host;

/* Runs until SIGTERM or SIGINT, and then leaves everything as it is. is_shadow: its steps only tell
 * what they would do. Returns 0, or a negative errno
 * when it could not begin: -EALREADY where another one runs. */
int daemon_run(struct host *h, bool is_shadow, struct err *e) MUST_CHECK;

/* One step in a process of its own, which lives on beside us, in shadow where the daemon is; waits
 * at most so many ms for its end.
 */
int daemon_step_beside(struct host *h, int wait_ms, struct err *e) MUST_CHECK;

/* What a step tells: to the journal, where the machine is a live one, and to the events of the
 * host. */
int daemon_tell(struct host *h, const struct events *l, struct err *e) MUST_CHECK;
