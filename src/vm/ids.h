/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding things by their ids where there may be thousands. Pure. */
#pragma once

#include <stddef.h>

#include "base/alloc.h"

struct id_row {
	const char *id; /* the caller's */
	size_t index;
};

struct ids {
	ARRAY(struct id_row) rows;
	size_t n_sorted;
};

/* id NULL: nothing is added. */
void ids_add(struct ids *x, const char *id, size_t index);
/* The lowest index with this id, or IDS_NONE; id NULL: none. */
#define IDS_NONE ((size_t)-1)
size_t ids_find(struct ids *x, const char *id);
/* The id that this begins, where it begins one and no other; else NULL. */
const char *ids_complete(struct ids *x, const char *prefix);
void ids_done(struct ids *x);
