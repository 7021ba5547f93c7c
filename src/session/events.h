/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon decided, and why: var/lib/wideberth/events below the host's root, or in
 * $WIDEBERTH_STATE_DIR. A file of at most EVENTS_MAX bytes, and the one before it, "events.1".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"

struct host;

enum event_kind {
	EVENT_APPLIED,   /* a VM has its CPUs */
	EVENT_ENDED,     /* it has ended, and they are free */
	EVENT_REPAIRED,  /* somebody changed a setting; it is as it was */
	EVENT_GAVE_UP,   /* somebody keeps changing it */
	EVENT_REFUSED,   /* a VM gets none */
	EVENT_FAILED,    /* a step failed; what was in force is */
	EVENT_RECOVERED, /* a transaction that did not end was ended */
	EVENT_POLICY,    /* the policy is bad, or good again */
	EVENT_FOUND,     /* check finds what it did not find before */
	EVENT_SHADOW,    /* what would be done, and is not */
	N_EVENTS,
};

struct event {
	uint64_t time_us; /* since the epoch */
	enum event_kind what;
	const char *vm, *name;            /* id and name; NULL: it is about no one VM */
	const char *knob, *key;           /* or NULL */
	const char *before, *after, *why; /* or NULL */
};

/* "gave-up" */
const char *event_name(enum event_kind what);
/* What journald knows it by: 32 hexadecimal digits. */
const char *event_message_id(enum event_kind what);
/* True for what a person should look at. */
bool event_is_warning(enum event_kind what);
/* As people read it: "100 (db01): applied on 2-5: …"; malloc'ed. */
char *event_text(const struct event *e) MUST_CHECK;

struct events {
	struct arena arena;
	ARRAY(struct event) v; /* the oldest first */
	size_t n_damaged;      /* lines that could not be read */
};

/* Adds a copy, with the time that it is now. */
void events_add(struct events *l, const struct event *e);
void events_done(struct events *l);
#define AUTO_EVENTS CLEANUP(events_done)

enum { EVENTS_MAX = 512 * 1024 };

/* Appends to the file. */
int events_write(struct host *h, const struct events *l, struct err *e) MUST_CHECK;
/* Reads what is kept, from that time on, of the VM that is called so (NULL: of all). */
int events_read(struct host *h, const char *vm, uint64_t since_us, struct events *ret,
	struct err *e) MUST_CHECK;
/* The directory as a path, to be watched; malloc'ed. NULL on a recording. */
char *events_dir(const struct host *h) MUST_CHECK;
