/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpulists and masks: what is accepted is written back as the same set. */
#include "base/cpuset.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct cpuset set, again;
	if (cpuset_parse_list(text, &set) == 0) {
		AUTO_FREE char *list = cpuset_format_list(&set);
		must(cpuset_parse_list(list, &again) == 0 && cpuset_equal(&set, &again));
	}
	if (cpuset_parse_mask(text, &set) == 0) {
		AUTO_FREE char *mask = cpuset_format_mask(&set);
		must(cpuset_parse_mask(mask, &again) == 0 && cpuset_equal(&set, &again));
	}
	return 0;
}
