/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the step begins, and what comes of its end. */
#include <sys/wait.h>

#include "base/log.h"
#include "daemon/internal.h"

/* Steps begin at once as long as there is credit: ten of them, which ten seconds give back. Whoever
 * gives reasons without end gets a step a second. */
enum { STEP_US = 1000000, CREDIT_US = 10 * STEP_US };
/* For what the kernel does not announce. As long as what was done may still show later (irqbalance
 * looks every 10 s) a sweep is a step, then a glance; and a step where that shows a change, or was
 * enough so many times. */
enum { SWEEP_S = 10, SWEEPS = 4, GLANCES = 30 };
/* A step that failed is tried again soon, as what it met may be over (a VM that was about to start
 * or to end); then less and less often. */
enum { RETRY_S = 1, RETRY_MAX_S = 300 };

static uint64_t sweep_us(const struct daemon *d)
{
	uint64_t s = d->n_failures ? RETRY_S : SWEEP_S;
	for (unsigned int i = 1; i < d->n_failures && s < RETRY_MAX_S; i++)
		s *= 2;
	return (s < RETRY_MAX_S ? s : RETRY_MAX_S) * 1000000;
}

static void sweep_later(struct daemon *d)
{
	sd_event_source_set_time_relative(d->sweep, sweep_us(d));
	sd_event_source_set_enabled(d->sweep, SD_EVENT_ONESHOT);
}

static void looked(struct daemon *d)
{
	struct err e;
	d->keeper.n_looks++;
	sd_event_now(d->event, CLOCK_REALTIME, &d->keeper.last_us);
	if (keeper_write(d->h, &d->keeper, &e) < 0)
		log_debug("%s", e.text);
	sweep_later(d);
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *context)
{
	struct daemon *d = context;
	bool is_whole = info->si_code == CLD_EXITED && info->si_status <= 1;
	(void)source;
	log_debug("step ended: %d", info->si_status);
	d->child_source = sd_event_source_disable_unref(d->child_source);
	d->child = 0;
	d->n_failures = is_whole ? 0 : d->n_failures + 1;
	d->keeper.code = info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status;
	looked(d);
	if (d->is_ending)
		return sd_event_exit(d->event, 0);
	bool is_again = d->is_wanted;
	d->is_wanted = false;
	d->refresh(d);
	d->follow(d);
	d->glance = glance(d);
	d->told = glance_at_told(d);
	d->threads = glance_at_threads(d);
	d->n_glances = 0;
	if (is_again)
		daemon_look(d, "there was more meanwhile");
	return 0;
}

static void step_start(struct daemon *d)
{
	d->is_wanted = false;
	if (step_spawn(d->h, "--once", d->keeper.is_shadow, false, &d->child) < 0 ||
		sd_event_add_child(d->event, &d->child_source, d->child, WEXITED, on_end, d) < 0) {
		/* the sweep tries again */
		d->child = 0;
		d->n_failures++;
		sweep_later(d);
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

static void want_step(struct daemon *d, const char *why)
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

static int on_sweep(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *d = context;
	(void)source;
	(void)usec;
	if (d->child)
		return 0; /* its end sets the next */
	if (d->n_failures || ++d->n_sweeps <= SWEEPS || ++d->n_glances >= GLANCES)
		want_step(d, "it is time");
	else if (glance(d) != d->glance ||
		(!d->are_births_told && glance_at_threads(d) != d->threads))
		daemon_look(d, "something changed");
	else
		looked(d);
	if (!d->is_wanted)
		d->refresh(d);
	return 0;
}

void daemon_look(struct daemon *d, const char *why)
{
	d->n_sweeps = 0;
	want_step(d, why);
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
