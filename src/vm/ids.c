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
static size_t first_from(struct ids *x, const char *id)
{
	if (x->n_sorted != x->rows.n)
		qsort(x->rows.v, x->rows.n, sizeof *x->rows.v, by_id);
	x->n_sorted = x->rows.n;
	return lower_bound(row, x->rows.v, x->rows.n, strcmp(row->id, id) < 0);
}

size_t ids_find(struct ids *x, const char *id)
{
	size_t i = id ? first_from(x, id) : x->rows.n;
	return i < x->rows.n && streq(x->rows.v[i].id, id) ? x->rows.v[i].index : IDS_NONE;
}

const char *ids_complete(struct ids *x, const char *prefix)
{
	size_t i = first_from(x, prefix);
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
