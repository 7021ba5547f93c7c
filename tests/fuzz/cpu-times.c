/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/cpu-times.h"

#include "base/cpuset.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct cpu_times t;
	if (cpu_times_parse(&a, text, &t) < 0)
		return 0;
	must(t.n);
	for (size_t i = 0; i < t.n; i++)
		must(t.v[i].cpu >= -1 && t.v[i].cpu < CPUSET_MAX && cpu_times_of(&t, t.v[i].cpu));
	return 0;
}
