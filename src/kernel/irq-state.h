/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel knows of an interrupt beyond /proc/irq: /sys/kernel/debug/irq/irqs/N
 * (Documentation/core-api/irq/irq-domain.rst, kernel/irq/debugfs.c). */
#pragma once

#include <stdbool.h>

struct irq_state {
	bool is_managed; /* its CPUs are the kernel's own choice */
};

/*
 *	handler:  handle_edge_irq
 *	dstate:   0x37608200
 *	            IRQD_ACTIVATED
 *	            IRQD_AFFINITY_MANAGED
 *
 * Only there with CONFIG_GENERIC_IRQ_DEBUGFS and for root.
 */
void irq_state_parse(const char *text, struct irq_state *ret);
