/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/disks.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct disks d;
	must(disks_parse(&a, text, &d) >= 0);
	for (size_t i = 0; i < d.n; i++)
		must(*d.v[i].name && disks_find(&d, d.v[i].name));
	return 0;
}
