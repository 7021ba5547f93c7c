/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/cpu-quota.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct cpu_max max;
	struct cpu_stat stat;
	if (cpu_max_parse(text, &max) == 0)
		must(max.period_us && (max.quota_us || strstr(text, "max")));
	if (cpu_stat_parse(text, &stat) == 0)
		must(strstr(text, "usage_usec "));
	return 0;
}
