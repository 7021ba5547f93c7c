/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory zones and their watermarks: /proc/zoneinfo (Documentation/filesystems/proc.rst and
 * admin-guide/sysctl/vm.rst, min_free_kbytes). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

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

/*
 *	Node 0, zone   Normal
 *	  pages free     59204
 *	        boost    0
 *	        min      10865
 *	        low      13581
 *	        high     16297
 *	        spanned  6029312
 *	        present  6029312
 *	        managed  5922086
 *	        …
 *	  pagesets
 *	    cpu: 0
 *	              count: 312
 *	              high:  348
 *
 * In the arena; zones without pages are left out. Returns 0, or the number of the first line that
 * is not so: it is passed over, as all such are, and a zone whose first line is odd with it.
 */
int zoneinfo_parse(struct arena *a, const char *text, struct zones *ret) MUST_CHECK;
