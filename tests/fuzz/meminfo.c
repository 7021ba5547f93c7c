/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/meminfo.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "MemTotal", "MemFree" };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	uint64_t kib;
	for (size_t i = 0; i < N_ELEMENTS(keys); i++)
		if (meminfo_value(text, keys[i], &kib))
			must(strstr(text, keys[i]) && kib <= INT64_MAX / 1024);
	return 0;
}
