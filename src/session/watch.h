/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What check finds at the VMs in force, and was not told yet. */
#pragma once

#include "session/events.h"
#include "session/outcome.h"

struct host;

/*
 * Looks for an interval, and adds an event for each finding of warning and above, consequences
 * apart, about a VM in force or the host, that the last look did not have. Changes nothing but what
 * was told, in "recall" (session/recall.h), where status finds it. Else than with OUTCOME_DONE, e
 * says what failed.
 */
enum outcome watch_findings(
	struct host *h, double window_s, struct events *ret, struct err *e) MUST_CHECK;
