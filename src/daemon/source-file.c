/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories in which something appears when a VM begins or ends, or when the policy changes. */
#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "daemon/internal.h"
#include "host/host.h"

enum {
	APPEARS = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM,
	CHANGES = APPEARS | IN_CLOSE_WRITE
};

/* suffix: of the names that count, or NULL: all do. QEMU keeps its pid file open for writing as
 * long as it lives, so its end of writing says nothing: IN_MODIFY. */
static const struct row {
	const char *dir, *suffix, *why;
	uint32_t mask;
} rows[] = {
	{ "run/qemu-server", ".pid", "a pid file of Proxmox VE", APPEARS | IN_MODIFY },
	{ "run/libvirt/qemu", ".pid", "a pid file of libvirt", APPEARS | IN_MODIFY },
	/* libvirtd writes it anew whenever it changes: vCPUs, pins, devices, paused or not */
	{ "run/libvirt/qemu", ".xml", "libvirt's state of a domain", IN_MOVED_TO | IN_DELETE },
	{ "sys/fs/cgroup/qemu.slice", NULL, "a group in qemu.slice", APPEARS },
	{ "sys/fs/cgroup/machine.slice", NULL, "a group in machine.slice", APPEARS },
	{ "etc/wideberth", ".conf", "the policy", CHANGES },
	{ "etc/wideberth/wideberth.conf.d", ".conf", "the policy", CHANGES },
};

static void handle(struct daemon *d, const struct inotify_event *event)
{
	for (size_t i = 0; i < N_ELEMENTS(rows) && i < d->watches.n; i++) {
		const struct row *row = &rows[i];
		if (d->watches.v[i] != event->wd)
			continue;
		if (event->mask & IN_IGNORED)
			d->watches.v[i] = -1;
		else if (!row->suffix || (event->len && str_has_suffix(event->name, row->suffix)))
			daemon_look(d, row->why);
	}
}

static int on_events(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	struct daemon *d = context;
	_Alignas(struct inotify_event) char buffer[4096];
	ssize_t n = read(fd, buffer, sizeof buffer);
	(void)source;
	(void)revents;
	for (char *p = buffer; n > 0 && p < buffer + n;) {
		const struct inotify_event *event = (const void *)p;
		if (event->mask & IN_Q_OVERFLOW)
			daemon_look(d, "more changes than could be told");
		handle(d, event);
		p += sizeof *event + event->len;
	}
	return 0;
}

static void refresh(struct daemon *d)
{
	bool is_new = d->inotify < 0;
	if (is_new) {
		d->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (d->inotify < 0 ||
			sd_event_add_io(d->event, NULL, d->inotify, EPOLLIN, on_events, d) < 0)
			return;
		for (size_t i = 0; i < N_ELEMENTS(rows); i++)
			*array_push(&d->watches) = -1;
	}
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_FREE char *path = path_below(host_root(d->h), rows[i].dir);
		int wd = inotify_add_watch(d->inotify, path, rows[i].mask | IN_ONLYDIR);
		/* what came before it was watched was told by nobody */
		if (wd >= 0 && wd != d->watches.v[i] && !is_new)
			daemon_look(d, rows[i].why);
		d->watches.v[i] = wd;
	}
}

const struct source source_files = { "files", refresh, NULL };
