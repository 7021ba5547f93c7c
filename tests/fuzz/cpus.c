/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/cpus.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct cpuset set, again;
	if (cpus_parse_list(text, &set) == 0) {
		AUTO_FREE char *list = cpuset_format_list(&set);
		must(cpus_parse_list(list, &again) == 0 && cpuset_equal(&set, &again));
	}
	if (cpus_parse_words(text, &set) == 0)
		must((size_t)cpuset_count(&set) <= strlen(text) / 2 + 1);
	return 0;
}
