/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work on what strangers made, in a process of its own: what it does wrong there ends that process,
 * and is a message here.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"

/* Makes a text, malloc'ed. Runs in the child: what it changes there is gone afterwards. */
typedef int confined_fn(const void *context, char **ret_text, struct err *e);

/* Looks, in the parent, for why the child is not done yet: it may be waiting for ever. */
typedef int confined_look_fn(const void *context, struct err *e);

/* A child at work. pid 0: none. */
struct confined {
	pid_t pid;
	int fd;
};

/* Begins fn in a child, which has a copy of the context. */
int confined_start(
	confined_fn *fn, const void *context, struct confined *ret, struct err *e) MUST_CHECK;
/* Waits for it, and hands over the text that it made or its error. -EBADMSG: it crashed, took too
 * long, or wanted more memory than there is for it. look may be NULL; it is called when the child
 * takes longer than most do, and its error ends the child. *c has none in any case. */
int confined_finish(struct confined *c, confined_look_fn *look, const void *context,
	char **ret_text, struct err *e) MUST_CHECK;
/* Ends it, where there is one. */
void confined_stop(struct confined *c);

/* For the child: from here on no path leads out of the directory, whatever links are in it.
 * *ret_root is what it is called now; static or dir itself. -EPERM where this kernel lets nobody do
 * so. */
int confine_to_tree(const char *dir, const char **ret_root, struct err *e) MUST_CHECK;
/* No path leads anywhere any more, and a root's child is nobody. */
int confine_to_nothing(struct err *e) MUST_CHECK;
