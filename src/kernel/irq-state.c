/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/irq-state.h"

#include <string.h>

#include "base/str.h"

void irq_state_parse(const char *text, struct irq_state *ret)
{
	*ret = (struct irq_state){
		.is_managed = str_has_word(text, "IRQD_AFFINITY_MANAGED"),
	};
}
