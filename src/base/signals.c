/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/signals.h"

#include <stdbool.h>
#include <time.h>

static const int asking[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

/* Those that are ignored ask nothing, as under nohup(1): held back they would come all the same.
 * But SIGPIPE, which a program ignores to get EPIPE instead: that nobody listens is heard so. */
static sigset_t asking_set(void)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < N_ELEMENTS(asking); i++) {
		struct sigaction is;
		if (asking[i] == SIGPIPE ||
			(sigaction(asking[i], NULL, &is) == 0 && is.sa_handler != SIG_IGN))
			sigaddset(&set, asking[i]);
	}
	return set;
}

void signals_hold(struct signals_held *ret)
{
	sigset_t set = asking_set();
	sigprocmask(SIG_BLOCK, &set, &ret->before);
}

int signals_came(void)
{
	sigset_t pending, set = asking_set();
	sigpending(&pending);
	for (size_t i = 0; i < N_ELEMENTS(asking); i++)
		if (sigismember(&pending, asking[i]) == 1 && sigismember(&set, asking[i]) == 1)
			return asking[i];
	return 0;
}

/* An outer hold has them still to come. */
static bool is_nested(const struct signals_held *s)
{
	for (size_t i = 0; i < N_ELEMENTS(asking); i++)
		if (sigismember(&s->before, asking[i]) == 1)
			return true;
	return false;
}

int signals_release(const struct signals_held *s)
{
	static const struct timespec at_once;
	sigset_t set = asking_set();
	int came = 0;
	for (int n; !is_nested(s) && (n = sigtimedwait(&set, NULL, &at_once)) > 0;)
		came = came ? came : n;
	sigprocmask(SIG_SETMASK, &s->before, NULL);
	return came;
}
