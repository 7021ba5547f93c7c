/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Once a minute, while something is in force: what disturbs these VMs? A process of its own, beside
 * the steps: it waits for an interval, and changes nothing. Where no step looked at the host since
 * the last time, and nothing came between the VMs, it would find what it found: the first such
 * minute is checked still, so that what was found and is over is known to be. */
#include <signal.h>

#include "base/log.h"
#include "daemon/internal.h"

enum { MINUTE_US = 60000000 };

static void check_later(struct daemon *d)
{
	sd_event_source_set_time_relative(d->check, MINUTE_US);
	sd_event_source_set_enabled(d->check, SD_EVENT_ONESHOT);
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *context)
{
	struct daemon *d = context;
	(void)source;
	log_debug("check ended: %d", info->si_status);
	d->check_end = sd_event_source_disable_unref(d->check_end);
	d->has_calm_check &= info->si_code == CLD_EXITED && info->si_status <= 1;
	check_later(d);
	return 0;
}

static int on_minute(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *d = context;
	pid_t child;
	(void)source;
	(void)usec;
	bool is_wanted = d->ledger && d->ledger->placements.n && !d->is_ending;
	uint64_t now_us = 0;
	sd_event_now(d->event, CLOCK_MONOTONIC, &now_us);
	bool is_calm = is_wanted && calm_look(d->h, d->ledger, now_us * 1000, &d->calm);
	is_wanted &= !(is_calm && d->has_calm_check);
	bool is_begun = is_wanted && step_spawn(d->h, "--check", false, false, &child) == 0 &&
		sd_event_add_child(d->event, &d->check_end, child, WEXITED, on_end, d) >= 0;
	d->has_calm_check = is_calm && (is_begun || d->has_calm_check);
	if (!is_begun)
		check_later(d);
	return 0;
}

static void refresh(struct daemon *d)
{
	if (!d->check)
		(void)sd_event_add_time_relative(
			d->event, &d->check, CLOCK_MONOTONIC, MINUTE_US, 0, on_minute, d);
}

static void follow(struct daemon *d)
{
	calm_forget(&d->calm);
}

const struct source source_check = { "check", refresh, follow };
