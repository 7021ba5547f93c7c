/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/signals.h"

#include <time.h>

static const int asking[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

static sigset_t asking_set(void)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < N_ELEMENTS(asking); i++)
		sigaddset(&set, asking[i]);
	return set;
}

void signals_hold(struct signals_held *ret)
{
	sigset_t set = asking_set();
	sigprocmask(SIG_BLOCK, &set, &ret->before);
}

int signals_came(void)
{
	sigset_t pending;
	sigpending(&pending);
	for (size_t i = 0; i < N_ELEMENTS(asking); i++)
		if (sigismember(&pending, asking[i]) == 1)
			return asking[i];
	return 0;
}

int signals_release(const struct signals_held *s)
{
	static const struct timespec at_once;
	sigset_t set = asking_set();
	int came = 0;
	/* an outer hold has them still to come */
	for (int n; sigismember(&s->before, SIGINT) != 1 &&
		(n = sigtimedwait(&set, NULL, &at_once)) > 0;)
		came = came ? came : n;
	sigprocmask(SIG_SETMASK, &s->before, NULL);
	return came;
}
