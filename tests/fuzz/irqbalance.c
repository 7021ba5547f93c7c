/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/irqbalance.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct cpuset cpus = CPUSET_EMPTY;
	bool has_any = irqbalance_banned_in(text, &cpus);
	must(!has_any || strstr(text, "IRQBALANCE_BANNED_CPU"));
	must(has_any || cpuset_is_empty(&cpus));
	return 0;
}
