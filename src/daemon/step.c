/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The step as a process of this same program, and when it begins. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/log.h"
#include "daemon/internal.h"

extern char **environ;

/* Steps begin at once as long as there is credit: ten of them, which ten seconds give back. Whoever
 * gives reasons without end gets a step a second. */
enum { STEP_US = 1000000, CREDIT_US = 10 * STEP_US };
/* For what the kernel does not announce; after failures less and less often. */
enum { SWEEP_S = 10, SWEEP_MAX_S = 300 };

static int spawn(pid_t *ret)
{
	char program[] = "/proc/self/exe", name[] = "wideberth", command[] = "daemon",
	     once[] = "--once";
	char *const argv[] = { name, command, once, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	/* what it has to say is in the events */
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (!getenv("WIDEBERTH_DEBUG"))
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	int r = posix_spawn(ret, program, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static uint64_t sweep_us(const struct daemon *d)
{
	uint64_t s = SWEEP_S;
	for (unsigned int i = 0; i < d->n_failures && s < SWEEP_MAX_S; i++)
		s *= 2;
	return (s < SWEEP_MAX_S ? s : SWEEP_MAX_S) * 1000000;
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *context)
{
	struct daemon *d = context;
	struct err e;
	bool is_whole = info->si_code == CLD_EXITED && info->si_status <= 1;
	(void)source;
	log_debug("step ended: %d", info->si_status);
	d->child_source = sd_event_source_disable_unref(d->child_source);
	d->child = 0;
	d->n_failures = is_whole ? 0 : d->n_failures + 1;
	d->keeper.n_looks++;
	d->keeper.code = info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status;
	sd_event_now(d->event, CLOCK_REALTIME, &d->keeper.last_us);
	if (keeper_write(d->h, &d->keeper, &e) < 0)
		log_debug("%s", e.text);
	if (d->is_ending)
		return sd_event_exit(d->event, 0);
	bool is_again = d->is_wanted;
	d->is_wanted = false;
	d->after_step(d);
	sd_event_source_set_time_relative(d->sweep, sweep_us(d));
	sd_event_source_set_enabled(d->sweep, SD_EVENT_ONESHOT);
	if (is_again)
		daemon_look(d, "there was more meanwhile");
	return 0;
}

static void step_start(struct daemon *d)
{
	d->is_wanted = false;
	if (spawn(&d->child) < 0 ||
		sd_event_add_child(d->event, &d->child_source, d->child, WEXITED, on_end, d) < 0) {
		/* the sweep tries again */
		d->child = 0;
		d->n_failures++;
		sd_event_source_set_time_relative(d->sweep, sweep_us(d));
		sd_event_source_set_enabled(d->sweep, SD_EVENT_ONESHOT);
	}
}

static int on_begin(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *d = context;
	(void)source;
	(void)usec;
	if (!d->child && !d->is_ending)
		step_start(d);
	return 0;
}

static int on_sweep(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	daemon_look(context, "it is time");
	return 0;
}

void daemon_look(struct daemon *d, const char *why)
{
	uint64_t now;
	log_debug("look: %s%s", why, d->child ? " (a step runs)" : "");
	if (d->is_wanted && !d->child)
		return; /* it is about to */
	d->is_wanted = true;
	if (d->child)
		return;
	sd_event_now(d->event, CLOCK_MONOTONIC, &now);
	uint64_t used = d->credit_us > now ? d->credit_us : now;
	d->credit_us = used + STEP_US;
	uint64_t wait = d->credit_us > now + CREDIT_US ? d->credit_us - now - CREDIT_US : 0;
	sd_event_source_set_time(d->begin, now + wait);
	sd_event_source_set_enabled(d->begin, SD_EVENT_ONESHOT);
}

int step_begin(struct daemon *d, struct err *e)
{
	int r = sd_event_add_time_relative(d->event, &d->begin, CLOCK_MONOTONIC, 0, 1, on_begin, d);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->begin, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time_relative(
			d->event, &d->sweep, CLOCK_MONOTONIC, SWEEP_S * 1000000, 0, on_sweep, d);
	return r < 0 ? err_set(e, r, "set a timer") : 0;
}
