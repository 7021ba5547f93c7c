/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/distances.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	int *v;
	size_t n;
	if (distances_parse(&a, text, &v, &n) < 0)
		return 0;
	must(n && n <= strlen(text) / 2 + 1);
	for (size_t i = 0; i < n; i++)
		must(v[i] >= 0);
	return 0;
}
