/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree of files that somebody packed to mail it, unpacked for a while. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct archive;

/* Unpacks the archive (whatever tar(1) knows) into a new directory below $TMPDIR. It may have
 * files, directories and links in it, of sizes that a host's files have; what else there is in it
 * is looked for before anything is written. */
int archive_unpack(const char *file, struct archive **ret, struct err *e) MUST_CHECK;
/* Removes the directory; that happens too when the process ends, in whatever way. */
void archive_free(struct archive *a);
DEFINE_CLEANUP(struct archive, archive_free)

/* The directory that it was unpacked to. */
const char *archive_dir(const struct archive *a);
