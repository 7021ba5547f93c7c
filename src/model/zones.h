/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory zones and their watermarks: /proc/zoneinfo (Documentation/filesystems/proc.rst and
 * admin-guide/sysctl/vm.rst, min_free_kbytes). */
#pragma once

#include <stddef.h>

#include "base/alloc.h"

/* Numbers are pages. */
struct zone {
	int node;
	const char *name; /* "DMA32", "Normal" */
	uint64_t free, min, low, high, managed;
};

struct zones {
	struct zone *v;
	size_t n;
};

/* Returns 0, or the number of the line that is not in the kernel's format. Zones without pages are
 * left out. */
int zones_parse(struct arena *a, const char *text, struct zones *ret) MUST_CHECK;
