/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/zoneinfo.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct zones all;
	(void)!zoneinfo_parse(&a, text, &all);
	for (size_t i = 0; i < all.n; i++)
		must(all.v[i].node >= 0 && *all.v[i].name && all.v[i].managed);
	return 0;
}
