/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/locks.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	must(!locks_has_flock(text, 1254) || strstr(text, "1254"));
	return 0;
}
