/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void ids_add(struct ids *x, const char *id, size_t index)
{
	if (id)
		*array_push(&x->rows) = (struct id_row){ id, index };
}

static int by_id(const void *a, const void *b)
{
	const struct id_row *x = a, *y = b;
	int r = strcmp(x->id, y->id);
	return r ? r : (x->index > y->index) - (x->index < y->index);
}

/* The first row that is not before the id. */
static size_t lower_bound(struct ids *x, const char *id)
{
	if (x->n_sorted != x->rows.n)
		qsort(x->rows.v, x->rows.n, sizeof *x->rows.v, by_id);
	x->n_sorted = x->rows.n;
	size_t low = 0, high = x->rows.n;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (strcmp(x->rows.v[mid].id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t ids_find(struct ids *x, const char *id)
{
	size_t i = id ? lower_bound(x, id) : x->rows.n;
	return i < x->rows.n && streq(x->rows.v[i].id, id) ? x->rows.v[i].index : IDS_NONE;
}

const char *ids_complete(struct ids *x, const char *prefix)
{
	size_t i = lower_bound(x, prefix);
	if (i == x->rows.n || !str_after(x->rows.v[i].id, prefix))
		return NULL;
	bool is_only = i + 1 == x->rows.n || !str_after(x->rows.v[i + 1].id, prefix);
	return is_only ? x->rows.v[i].id : NULL;
}

void ids_done(struct ids *x)
{
	free(x->rows.v);
	*x = (struct ids){ 0 };
}
