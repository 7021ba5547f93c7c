/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of what is in force: who writes to one (irqbalance does, and it may be right still),
 * and the kernel where it makes a partition invalid, is told by inotify(7). A file of /proc can be
 * made anew behind its name, one of /sys/devices may change with another one, and masks of threads
 * are no files: these are the sweep's. */
#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "apply/knob.h"
#include "base/file.h"
#include "base/str.h"
#include "daemon/internal.h"
#include "host/host.h"

static int on_events(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	_Alignas(struct inotify_event) char buffer[4096];
	struct daemon *d = context;
	(void)source;
	(void)revents;
	while (read(fd, buffer, sizeof buffer) > 0) {
	}
	/* a step that runs may have seen it or not */
	if (d->child || glance_at_told(d) != d->told || glance(d) != d->glance)
		daemon_look(d, "somebody wrote a setting");
	return 0;
}

static bool begin(struct daemon *d)
{
	if (d->settings < 0)
		d->settings = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	else
		return true;
	return d->settings >= 0 &&
		sd_event_add_io(d->event, NULL, d->settings, EPOLLIN, on_events, d) >= 0;
}

static bool watch(struct daemon *d, const char *file)
{
	AUTO_FREE char *path = path_below(host_root(d->h), file);
	int wd = inotify_add_watch(d->settings, path, IN_MODIFY);
	bool is_known = wd < 0;
	array_for_each (w, &d->setting_watches) {
		w->is_wanted |= w->wd == wd;
		is_known |= w->wd == wd;
	}
	if (!is_known)
		*array_push(&d->setting_watches) = (struct setting_watch){ wd, true };
	return wd >= 0;
}

/* Whether all is told that changes the setting. A group's files go, untold, when the group above
 * takes the controller away, which is written there. */
static bool watch_setting(struct daemon *d, const struct entry *entry)
{
	const struct target t = { .key = entry->key, .id = entry->id };
	if (!entry->knob->path)
		return false;
	AUTO_FREE char *file = knob_path(entry->knob, &t);
	bool is_watched = watch(d, file);
	if (!str_after(file, "sys/fs/cgroup/"))
		return false;
	AUTO_FREE char *above = xasprintf("sys/fs/cgroup/%s/../cgroup.subtree_control", entry->key);
	return watch(d, above) && is_watched;
}

static void follow(struct daemon *d)
{
	size_t n = 0;
	d->is_told.n = 0;
	if (!begin(d))
		return;
	array_for_each (w, &d->setting_watches)
		w->is_wanted = false;
	array_for_each (entry, &d->ledger->entries)
		*array_push(&d->is_told) = watch_setting(d, entry);
	array_for_each (w, &d->setting_watches) {
		if (w->is_wanted)
			d->setting_watches.v[n++] = *w;
		else
			inotify_rm_watch(d->settings, w->wd);
	}
	d->setting_watches.n = n;
}

const struct source source_settings = { "settings", NULL, follow };
