/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/counts.h"

#include "base/cpuset.h"
#include "fuzz.h"
#include "model/delta.h"

/* The difference of a table to itself is nothing, in all its rows. */
static void delta(struct arena *a, const struct count_table *t)
{
	struct count_table none = count_table_delta(a, t, t);
	must(none.n_rows <= t->n_rows);
	for (size_t i = 0; i < none.n_rows; i++)
		must(count_table_row(t, none.rows[i].name, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct count_table t;
	if (count_table_parse(&a, text, &t) < 0)
		return 0;
	must(t.n_cpus > 0);
	for (size_t i = 0; i < t.n_cpus; i++)
		must(t.cpus[i] >= 0 && t.cpus[i] < CPUSET_MAX &&
			count_table_column(&t, t.cpus[i]) >= 0);
	for (size_t i = 0; i < t.n_rows; i++) {
		const struct count_row *row = &t.rows[i];
		must(!row->is_device || row->irq >= 0);
		must(*row->name && !strchr(row->name, ':') && !strchr(row->text, '\n'));
		must(row->action >= row->text && row->action <= strchr(row->text, 0));
	}
	delta(&a, &t);
	return 0;
}
