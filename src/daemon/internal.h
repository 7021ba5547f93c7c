/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's files among themselves. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
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

struct daemon {
	struct host *h;
	sd_event *event;
	int lock;
	struct keeper keeper;

	/* the step */
	void (*after_step)(struct daemon *d); /* the sources see to it that they go on */
	pid_t child;                          /* 0: none runs */
	bool is_wanted, is_ending;
	uint64_t credit_us; /* steps have used time up to then: see step.c */
	unsigned int n_failures;
	sd_event_source *child_source, *begin, *sweep;

	/* what the sources have */
	int inotify;
	ARRAY(int) watches; /* by row of the table in source-file.c */
	ARRAY(struct exit_watch) exits;
	sd_bus *bus;
};

/* A reason to look. It says nothing but that, and may say it too often. */
struct source {
	const char *name;
	/* Begins, or sees to it that it goes on: called at the beginning and after each step. What
	 * is not there (a directory, the bus) is tried again the next time. */
	void (*refresh)(struct daemon *d);
};
extern const struct source source_files, source_exits, source_bus;

/* It is time to look: a step begins now, or when the one that runs has ended. */
void daemon_look(struct daemon *d, const char *why);

int step_begin(struct daemon *d, struct err *e) MUST_CHECK;
