/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/pressure.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct pressure p;
	if (pressure_parse(text, &p) == 0)
		must(strstr(text, "some ") && strstr(text, " total="));
	return 0;
}
