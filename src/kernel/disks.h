/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What block devices did since boot: /proc/diskstats (Documentation/admin-guide/iostats.rst). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

/* Requests that ended, and the sum of the times that they took; busy_ms: at least one was there. */
struct disk_counts {
	const char *name; /* "nvme0n1", "sda1" */
	uint64_t reads, read_ms, writes, write_ms, busy_ms;
};

struct disks {
	struct disk_counts *v;
	size_t n;
};

/*
 *	   8       0 sda 4127 1322 383346 1672 10353 8020 439218 9213 0 7332 10886 0 0 0 0
 *
 * In the arena. Returns 0, or the number of the first line that is not so (left out, as all such
 * are, and one that the end of the text cut).
 */
int disks_parse(struct arena *a, const char *text, struct disks *ret) MUST_CHECK;
/* The device, or NULL. */
const struct disk_counts *disks_find(const struct disks *d, const char *name);
