/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts, and where unbound kernel work may run. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "model/read.h"

/* "PCI-MSIX-0000:00:03.0   0-edge      virtio0-config" → the part behind the last run of blanks;
 * several actions are separated by ", ". Interrupts that nobody requested have none. */
static const char *action_of(const char *name)
{
	const char *action = "";
	for (const char *p = name; (p = strstr(p, "  ")); p++)
		action = p + 2;
	if (*action)
		return action;
	const char *blank = strrchr(name, ' ');
	return blank ? blank + 1 : "";
}

static bool is_number(const char *label)
{
	return *label && label[strspn(label, "0123456789")] == 0;
}

static int add_rows(struct host *h, struct snapshot *s, struct err *e)
{
	s->irqs = arena_alloc(&s->arena, s->interrupts.n_rows * sizeof *s->irqs);
	for (size_t i = 0; i < s->interrupts.n_rows; i++) {
		const struct count_row *row = &s->interrupts.rows[i];
		struct irq irq = { .counts = row->counts, .name = row->text, .device = -1 };
		if (!is_number(row->label))
			continue;
		if (str_to_int(row->label, &irq.irq) < 0)
			return err_say(e, -EINVAL,
				"/proc/interrupts:%zu: no interrupt has the "
				"number %.20s",
				i + 2, row->label);
		irq.action = action_of(irq.name);
		irq.affinity = read_cpulist(h, s, "proc/irq/%d/smp_affinity_list", irq.irq);
		irq.effective = read_cpulist(h, s, "proc/irq/%d/effective_affinity_list", irq.irq);
		s->irqs[s->n_irqs++] = irq;
	}
	return 0;
}

static struct irq *find_irq(struct snapshot *s, int nr)
{
	for (size_t i = 0; i < s->n_irqs; i++)
		if (s->irqs[i].irq == nr)
			return &s->irqs[i];
	return NULL;
}

/* /proc/irq has a directory for every interrupt that could be; /proc/interrupts a line only for
 * those that somebody requested. */
static void add_idle(struct host *h, struct snapshot *s)
{
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, "proc/irq") < 0)
		return;
	s->idle_irqs = arena_alloc(&s->arena, names.n * sizeof *s->idle_irqs);
	for (size_t i = 0; i < names.n; i++) {
		struct irq irq = { .name = "", .action = "", .device = -1 };
		if (str_to_int(names.v[i], &irq.irq) < 0 || find_irq(s, irq.irq))
			continue;
		irq.affinity = read_cpulist(h, s, "proc/irq/%d/smp_affinity_list", irq.irq);
		s->idle_irqs[s->n_idle_irqs++] = irq;
	}
}

int read_irqs(struct host *h, struct snapshot *s, struct err *e)
{
	int r = read_table(h, s, "proc/interrupts", &s->interrupts, e);
	if (r == 0)
		r = add_rows(h, s, e);
	if (r < 0)
		return r;
	add_idle(h, s);
	s->default_smp_affinity = read_cpumask(h, s, "proc/irq/default_smp_affinity");
	/* Documentation/core-api/workqueue.rst: "Affinity Scopes", cpumask */
	s->workqueues.cpumask = read_cpumask(h, s, "sys/devices/virtual/workqueue/cpumask");
	s->workqueues.requested =
		read_cpumask(h, s, "sys/devices/virtual/workqueue/cpumask_requested");
	return 0;
}

/* /sys/bus/pci/devices/ADDRESS/msi_irqs/N: a file per MSI interrupt of the device; irq: the number
 * of its pin's interrupt, 0 without one (Documentation/ABI/testing/sysfs-bus-pci). */
void read_irq_devices(struct host *h, struct snapshot *s)
{
	for (size_t i = 0; s->n_irqs && i < s->n_pci_devices; i++) {
		const struct pci_device *d = &s->pci_devices[i];
		AUTO_NAMES struct host_names names = { 0 };
		if (host_list(h, &names, "sys/bus/pci/devices/%s/msi_irqs", d->address) < 0) {
			const char *pin = read_text(h, s, "sys/bus/pci/devices/%s/irq", d->address);
			int nr;
			struct irq *irq =
				pin && str_to_int(pin, &nr) == 0 && nr > 0 ? find_irq(s, nr) : NULL;
			/* The pin's interrupt may be shared; then the first device has it. */
			if (irq && irq->device < 0)
				irq->device = (int)i;
			continue;
		}
		for (size_t k = 0; k < names.n; k++) {
			int nr;
			struct irq *irq = str_to_int(names.v[k], &nr) == 0 ? find_irq(s, nr) : NULL;
			if (irq)
				irq->device = (int)i;
		}
	}
}

/*
 * /sys/kernel/debug/irq/irqs/24 (Documentation/core-api/irq/irq-domain.rst, kernel/irq/debugfs.c):
 *
 *	handler:  handle_edge_irq
 *	dstate:   0x37608200
 *	            IRQD_ACTIVATED
 *	            IRQD_AFFINITY_MANAGED
 *
 * Only there with CONFIG_GENERIC_IRQ_DEBUGFS and for root; nothing else tells.
 */
void read_irq_managed(struct host *h, struct snapshot *s)
{
	for (size_t i = 0; i < s->n_irqs; i++) {
		AUTO_FREE char *text = NULL;
		struct irq *irq = &s->irqs[i];
		int r = host_read(h, &text, NULL, "sys/kernel/debug/irq/irqs/%d", irq->irq);
		if (r < 0 && i == 0)
			return;
		if (r == 0)
			irq->managed =
				strstr(text, "IRQD_AFFINITY_MANAGED") ? IRQ_MANAGED : IRQ_MOVABLE;
	}
}
