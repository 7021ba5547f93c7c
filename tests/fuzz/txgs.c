/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/txgs.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct txgs t;
	int r = txgs_parse(&a, text, &t);
	must(r >= 0 || !t.n);
	must(t.n < size + 1);
	return 0;
}
