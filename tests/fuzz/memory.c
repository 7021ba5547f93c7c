/* SPDX-License-Identifier: GPL-2.0-or-later */
/* meminfo, of the host and of a node; affected_cpus of cpufreq. */
#include "base/cpuset.h"
#include "fuzz.h"
#include "model/memory.h"
#include "model/power.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "MemTotal", "MemFree" };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	uint64_t kib;
	for (int i = 0; i < 2; i++)
		if (meminfo_value(text, keys[i], &kib))
			must(strstr(text, keys[i]) && kib <= INT64_MAX / 1024);
	struct cpuset set;
	size_t n = strlen(text);
	if (cpu_words_parse(text, &set) == 0)
		must((size_t)cpuset_count(&set) <= n / 2 + 1);
	return 0;
}
