/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/irq-state.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct irq_state s;
	irq_state_parse(text, &s);
	must(!s.is_managed || strstr(text, "IRQD_AFFINITY_MANAGED"));
	return 0;
}
