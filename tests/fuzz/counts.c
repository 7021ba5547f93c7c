/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/interrupts, /proc/softirqs, /proc/stat. */
#include "base/cpuset.h"
#include "fuzz.h"
#include "model/counts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct count_table table;
	struct time_splits times;
	if (count_table_parse(&a, text, &table) == 0) {
		must(table.n_cpus > 0);
		for (size_t i = 0; i < table.n_cpus; i++)
			must(table.cpus[i] >= 0 && table.cpus[i] < CPUSET_MAX);
		for (size_t i = 0; i < table.n_rows; i++)
			must(!strchr(table.rows[i].label, ':') &&
				!strchr(table.rows[i].text, '\n'));
	}
	if (time_splits_parse(&a, text, &times) == 0)
		for (size_t i = 0; i < times.n; i++)
			must(times.v[i].cpu >= 0 && times.v[i].cpu < CPUSET_MAX);
	return 0;
}
