/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals that ask the program to end (SIGINT, SIGTERM, SIGHUP, SIGPIPE) held back, for what must
 * not end in the middle; those that the caller ignores, but SIGPIPE, stay ignored. May be nested.
 */
#pragma once

#include <signal.h>

#include "base/attr.h"

struct signals_held {
	sigset_t before;
};

void signals_hold(struct signals_held *ret);
/* One that came meanwhile, or 0: whoever looks may break off in good order. */
int signals_came(void) MUST_CHECK;
/* Ends the hold: what came is done with, and returned; 0: nothing. */
int signals_release(const struct signals_held *s);
