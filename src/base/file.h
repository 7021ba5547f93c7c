/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of users that the program writes, files that it believes, and where a machine's files are.
 */
#pragma once

#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"

/* A file that is made anew, 0600, whole or not at all. It is written under a name that nobody
 * knows, and renamed in new_file_keep(): what lies in the way (a link, a FIFO) is not followed and
 * not opened; only a regular file is replaced. */
struct new_file {
	FILE *f;
	char *path, *temporary;
};

int new_file_open(struct new_file *ret, const char *path, struct err *e) MUST_CHECK;
int new_file_keep(struct new_file *f, struct err *e) MUST_CHECK;
/* Removes what was not kept. */
void new_file_done(struct new_file *f);
#define AUTO_NEW_FILE CLEANUP(new_file_done)

/* Where a machine whose files are below "root" ("/", or a tree's) has "path", which begins with no
 * slash: malloc'ed. */
char *path_below(const char *root, const char *path) MUST_CHECK;

/* Whether the open file or directory is to be believed: it belongs to root or to whom we act for,
 * and others may not write to it. Returns 0, or -EPERM with the reason; 'name' is what it calls
 * it. */
int file_check_owner(int fd, const char *name, struct err *e) MUST_CHECK;
