/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's files among themselves. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-device.h>
#include <systemd/sd-event.h>

#include "apply/ledger.h"
#include "base/alloc.h"
#include "daemon/calm.h"
#include "daemon/daemon.h"
#include "session/keeper.h"

/* A process of a placed VM, whose end the kernel tells. */
struct exit_watch {
	int pid;
	uint64_t start;
	int fd;
	sd_event_source *source;
	bool is_wanted;
};

/* A file of a setting. */
struct setting_watch {
	int wd;
	bool is_wanted;
};

struct daemon {
	struct host *h;
	sd_event *event;
	int lock;
	struct keeper keeper;

	/* each source's (see there); the step calls back, it knows no source */
	void (*refresh)(struct daemon *d), (*follow)(struct daemon *d);

	/* the step */
	pid_t child; /* 0: none runs */
	bool is_wanted, is_ending;
	uint64_t credit_us; /* steps have used time up to then: see step.c */
	unsigned int n_failures;
	sd_event_source *child_source, *begin, *sweep;

	/* what the last step left, and the sweep */
	struct ledger *ledger;            /* NULL: not known */
	uint64_t glance, told, threads;   /* see glance(), glance_at_told(), glance_at_threads() */
	unsigned int n_sweeps, n_glances; /* since there was a reason to look; since a step */

	/* what the sources have */
	int inotify;
	ARRAY(int) watches; /* by row of the table in source-file.c */
	int settings;
	ARRAY(struct setting_watch) setting_watches;
	ARRAY(bool) is_told; /* by entry of the ledger; none: nothing is told */
	ARRAY(struct exit_watch) exits;
	sd_bus *bus;
	sd_device_monitor *devices;
	int births;
	bool has_no_births, are_births_told, has_new_vcpu;
	sd_event_source *born;
	sd_event_source *check, *check_end; /* the next one's time; the end of one that runs */
	struct calm calm;                   /* when it was time for it */
	bool has_calm_check;                /* it was calm since one ran, and when it did */
};

/* A reason to look. It says nothing but that, and may say it too often. */
struct source {
	const char *name;
	/* Begins, or sees to it that it goes on: called at the beginning, after each step and in
	 * each sweep. What is not there (a directory, the bus) is tried again the next time. */
	void (*refresh)(struct daemon *d);
	/* What is in force is another now: d->ledger. */
	void (*follow)(struct daemon *d);
};
extern const struct source source_files, source_settings, source_exits, source_births, source_bus,
	source_devices, source_check;

/* Begins "daemon WHAT" (--once, --check), with --shadow or not, as a process, in a session of its
 * own or not (spawn.c). */
int step_spawn(const struct host *h, const char *what, bool is_shadow, bool is_of_its_own,
	pid_t *ret) MUST_CHECK;

/* It is time to look: a step begins now, or when the one that runs has ended. */
void daemon_look(struct daemon *d, const char *why);

int step_begin(struct daemon *d, struct err *e) MUST_CHECK;

/*
 * What a glance at the host shows: a number that is another one when something changed that nobody
 * announces, or that is announced too often: settings that are not as they were set, but for those
 * of which the kernel tells; irqbalance's process; and the policy of a cluster, whose file system
 * tells nothing. Nobody is asked anything for it: no monitor, no bus.
 */
uint64_t glance(struct daemon *d);

/* The same of the settings of which the kernel tells, and of the VMs' threads: how many there are.
 */
uint64_t glance_at_told(struct daemon *d);
uint64_t glance_at_threads(struct daemon *d);
