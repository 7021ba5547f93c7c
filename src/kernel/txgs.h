/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a ZFS pool takes to write: /proc/spl/kstat/zfs/POOL/txgs (OpenZFS,
 * module/zfs/spa_stats.c; zfs_txg_history in zfs(4)). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

/* A transaction group: what was written for some seconds, and goes to the disks as one. */
struct txg {
	uint64_t number;
	bool is_committed; /* else its times are not all there yet */
	uint64_t sync_ns;  /* it took to be written */
};

struct txgs {
	struct txg *v; /* from the oldest on; the last 100 */
	size_t n;
};

/*
 *	txg      birth            state ndirty       nread        nwritten     reads    writes otime
 *qtime        wtime        stime 8375     51939492104      C     1130496      0            2265088
 *0        161      5119907158   9391         105463       63310225
 *
 * By the names of its columns; older modules have fewer, and a line of figures before them. In the
 * arena. Returns 0, the number of the first line that is not so (left out, as all such are, and one
 * that the end of the text cut), or -EINVAL: no line names the columns.
 */
int txgs_parse(struct arena *a, const char *text, struct txgs *ret) MUST_CHECK;
