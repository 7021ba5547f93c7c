/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/zoneinfo: zones without pages are left out. */
#include "fuzz.h"
#include "model/zones.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct zones zones;
	if (zones_parse(&a, text, &zones) == 0)
		for (size_t i = 0; i < zones.n; i++)
			must(zones.v[i].managed && zones.v[i].node >= 0 && *zones.v[i].name);
	return 0;
}
