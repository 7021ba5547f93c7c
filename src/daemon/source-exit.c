/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a VM's process: pidfd_open(2). */
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/internal.h"
#include "model/task.h"

static void forget(struct exit_watch *w)
{
	sd_event_source_disable_unref(w->source);
	close(w->fd);
}

static int on_exit_of(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	(void)fd;
	(void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	daemon_look(context, "a VM has ended");
	return 0;
}

static void watch(struct daemon *d, const struct placement *p)
{
	array_for_each (w, &d->exits) {
		if (w->pid == p->pid && w->start == p->start) {
			w->is_wanted = true;
			return;
		}
	}
	struct exit_watch w = { p->pid, p->start, (int)syscall(SYS_pidfd_open, p->pid, 0), NULL,
		true };
	if (w.fd < 0)
		return;
	/* asked after it was opened: it is the same process then */
	if (task_check(d->h, p->pid, p->start) != 0 ||
		sd_event_add_io(d->event, &w.source, w.fd, EPOLLIN, on_exit_of, d) < 0) {
		close(w.fd);
		return;
	}
	*array_push(&d->exits) = w;
}

static void follow(struct daemon *d)
{
	size_t n = 0;
	array_for_each (w, &d->exits)
		w->is_wanted = false;
	array_for_each (p, &d->ledger->placements)
		watch(d, p);
	array_for_each (w, &d->exits) {
		if (w->is_wanted)
			d->exits.v[n++] = *w;
		else
			forget(w);
	}
	d->exits.n = n;
}

const struct source source_exits = { "exits", NULL, follow };
