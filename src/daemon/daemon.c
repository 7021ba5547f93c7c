/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "apply/state-dir.h"
#include "base/log.h"
#include "daemon/internal.h"
#include "host/host.h"
#include "model/task.h"

static const struct source *const sources[] = { &source_files, &source_settings, &source_exits,
	&source_births, &source_bus, &source_devices, &source_check };

static void refresh(struct daemon *d)
{
	for (size_t i = 0; i < N_ELEMENTS(sources); i++)
		if (sources[i]->refresh)
			sources[i]->refresh(d);
}

static void follow(struct daemon *d)
{
	struct err e;
	ledger_freep(&d->ledger);
	d->ledger = NULL;
	if (ledger_read(d->h, &d->ledger, &e) < 0)
		return; /* a step says why */
	for (size_t i = 0; i < N_ELEMENTS(sources); i++)
		if (sources[i]->follow)
			sources[i]->follow(d);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct daemon *d = context;
	(void)source;
	(void)info;
	sd_notify(false, "STOPPING=1");
	d->is_ending = true;
	/* a step that runs ends first: it is not broken off in the middle */
	return d->child ? 0 : sd_event_exit(d->event, 0);
}

/* The policy is read in every step; this only says: now. And what was given up is tried again. */
static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct daemon *d = context;
	struct err e;
	(void)source;
	(void)info;
	if (!d->child && state_remove(d->h, "recall", &e) < 0)
		log_debug("%s", e.text);
	d->n_failures = 0;
	daemon_look(d, "reload");
	return 0;
}

static int begin_signals(struct daemon *d, struct err *e)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int r = sd_event_add_signal(d->event, NULL, SIGTERM, on_stop, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGINT, on_stop, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGHUP, on_reload, d);
	return r < 0 ? err_set(e, r, "wait for signals") : 0;
}

/* One per host: held as long as the process lives. */
static int take_lock(struct daemon *d, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	int r = state_open(d->h, &dir, e);
	if (r < 0)
		return r;
	d->lock = openat(dir, "daemon.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d->lock < 0)
		return err_set(e, -errno, "create daemon.lock in the state directory");
	if (flock(d->lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			? err_say(e, -EALREADY, "another one runs: see wideberth status")
			: err_set(e, -errno, "lock daemon.lock in the state directory");
	return 0;
}

static int begin(struct daemon *d, struct err *e)
{
	int r = take_lock(d, e);
	if (r < 0)
		return r;
	r = sd_event_new(&d->event);
	if (r < 0)
		return err_set(e, r, "make an event loop");
	r = begin_signals(d, e);
	if (r == 0)
		r = step_begin(d, e);
	if (r < 0)
		return r;
	sd_event_set_watchdog(d->event, true);
	sd_event_now(d->event, CLOCK_REALTIME, &d->keeper.since_us);
	d->keeper.pid = getpid();
	r = task_start(d->h, d->keeper.pid, &d->keeper.start);
	if (r)
		return err_set(e, r < 0 ? r : -ESRCH, "read when this process began");
	return keeper_write(d->h, &d->keeper, e);
}

static void daemon_done(struct daemon *d)
{
	array_for_each (w, &d->exits) {
		sd_event_source_disable_unref(w->source);
		close(w->fd);
	}
	free(d->exits.v);
	free(d->watches.v);
	sd_bus_close_unref(d->bus);
	sd_event_source_disable_unref(d->child_source);
	sd_event_source_disable_unref(d->begin);
	sd_event_source_disable_unref(d->sweep);
	sd_event_source_disable_unref(d->born);
	sd_event_source_disable_unref(d->check);
	sd_event_source_disable_unref(d->check_end);
	sd_device_monitor_unref(d->devices);
	const int fds[] = { d->inotify, d->settings, d->births };
	for (size_t i = 0; i < N_ELEMENTS(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(d->setting_watches.v);
	free(d->is_told.v);
	calm_forget(&d->calm);
	ledger_freep(&d->ledger);
	sd_event_unref(d->event);
	if (d->lock >= 0)
		close(d->lock);
}

int daemon_run(struct host *h, bool is_shadow, struct err *e)
{
	CLEANUP(daemon_done)
	struct daemon d = { .h = h,
		.lock = -1,
		.inotify = -1,
		.settings = -1,
		.births = -1,
		.refresh = refresh,
		.follow = follow };
	d.keeper.is_shadow = is_shadow;
	if (!host_is_live(h))
		return err_say(
			e, -EINVAL, "only the running machine can be kept; --once takes one step");
	int r = begin(&d, e);
	if (r < 0)
		return r;
	refresh(&d);
	follow(&d);
	daemon_look(&d, "the beginning");
	sd_notify(false, "READY=1");
	r = sd_event_loop(d.event);
	return r < 0 ? err_set(e, r, "wait for events") : 0;
}
