/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state directory: $WIDEBERTH_STATE_DIR, else run/wideberth below the host's root. Reading,
 * locking, and files that are whole or not there.
 */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct host;

/* The directory as a path, malloc'ed. NULL on a recording. */
char *state_dir(const struct host *h) MUST_CHECK;
/* A file of it as people find it, malloc'ed. */
char *state_shown_path(struct host *h, const char *name) MUST_CHECK;
/* Whether it is to be believed: what is in a directory of somebody else's would be carried out by
 * us. One that is not there is. */
int state_check(struct host *h, struct err *e) MUST_CHECK;
/* A whole file, malloc'ed; as host_read(). Below the root it is read as part of the host, so that
 * recordings have it. */
int state_read(struct host *h, const char *name, char **ret_text) MUST_CHECK;

/* The directory as a descriptor, made when it is missing. A tree's own stays in the tree, whatever
 * its links say. */
int state_open(struct host *h, int *ret, struct err *e) MUST_CHECK;
/* Serialises those who change things: waits for the lock; released with close(2). */
int state_lock(struct host *h, int *ret_fd, struct err *e) MUST_CHECK;

/* Whole or not at all: a temporary file, synced, renamed, and the directory synced. */
int state_write(struct host *h, const char *name, const char *text, struct err *e) MUST_CHECK;
int state_rename(struct host *h, const char *from, const char *to, struct err *e) MUST_CHECK;
/* One that is not there is removed. */
int state_remove(struct host *h, const char *name, struct err *e) MUST_CHECK;

/*
 * Room that is kept for the undo of what the file of that name says: where others have filled the
 * disk since, it is given back, and the undo finds it. As much as two files of its size need, or
 * none where there is no room for that.
 */
void state_reserve(struct host *h, const char *name);
/* Gives it back. False when there was none. */
bool state_use_reserve(struct host *h);
/* Whether a file could not be written for want of room. */
bool state_is_full(int error);
