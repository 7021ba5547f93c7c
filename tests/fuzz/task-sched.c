/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/task-sched.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct schedstat times;
	uint64_t n;
	if (schedstat_parse(text, &times) == 0)
		must(strpbrk(text, "0123456789"));
	if (sched_migrations_parse(text, &n) == 0)
		must(strstr(text, "se.nr_migrations"));
	return 0;
}
