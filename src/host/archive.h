/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host's tree as an archive: a dump that somebody packed to mail it. */
#pragma once

#include "base/err.h"

/* Unpacks the archive (whatever tar(1) knows) into a new directory below $TMPDIR. *ret is that
 * directory, to be freed after archive_remove(). */
int archive_unpack(const char *file, char **ret, struct err *e) MUST_CHECK;
/* Where the tree is: the directory itself, or the only one in it. Malloc'ed. */
char *archive_top(const char *dir) MUST_CHECK;
/* Removes the directory and what is in it; symlinks are not followed. */
void archive_remove(const char *dir);
