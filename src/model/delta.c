/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/delta.h"

#include "base/alloc.h"
#include "base/str.h"

uint64_t counter_delta(uint64_t before, uint64_t after)
{
	if (after >= before)
		return after - before;
	/* From 4294967290 to 4: a wrap. From 1000 to 4: nothing counts 4 G in a window. */
	uint32_t wrapped = (uint32_t)(after - before);
	return before <= UINT32_MAX && wrapped < UINT32_MAX / 2 ? wrapped : after;
}

struct count_table count_table_delta(
	struct arena *a, const struct count_table *before, const struct count_table *after)
{
	struct count_table d = *after;
	int *old_column = arena_alloc(a, d.n_cpus * sizeof *old_column);
	for (size_t i = 0; i < d.n_cpus; i++)
		old_column[i] = count_table_column(before, d.cpus[i]);
	d.rows = arena_alloc(a, d.n_rows * sizeof *d.rows);
	d.n_rows = 0;
	for (size_t i = 0; i < after->n_rows; i++) {
		const struct count_row *now = &after->rows[i];
		const struct count_row *old = count_table_row(before, now->name, i);
		if (!now->is_per_cpu)
			continue;
		if (old && !streq(old->action, now->action))
			old = NULL;
		uint32_t *delta = arena_alloc(a, d.n_cpus * sizeof *delta);
		for (size_t c = 0; c < d.n_cpus; c++)
			if (old_column[c] >= 0)
				delta[c] = (uint32_t)counter_delta(
					old ? old->counts[old_column[c]] : 0, now->counts[c]);
		struct count_row *row = &d.rows[d.n_rows++];
		*row = *now;
		row->counts = delta;
	}
	return d;
}
