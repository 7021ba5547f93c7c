/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How commands that change the host begin and end. */
#include "cmd/cmd.h"
#include "session/recovery.h"
#include "view/undo.h"

enum outcome begin_change(struct context *c, struct recovery *begun, struct err *e)
{
	enum outcome outcome = recovery_begin(c->h, begun, e);
	recovery_report(begun, c->report);
	if (begun->ended || begun->former)
		c->done = "undone";
	return outcome;
}

enum exit_code end_change(const struct recovery *begun, enum outcome outcome)
{
	enum outcome first = recovery_outcome(begun);
	bool is_done = outcome == OUTCOME_DONE || outcome == OUTCOME_REPORT;
	return exit_code_of(is_done && first > outcome ? first : outcome);
}
