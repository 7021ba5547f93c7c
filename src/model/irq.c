/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts, and where unbound kernel work may run. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "kernel/irq-state.h"
#include "model/read.h"

static void add_rows(struct host *h, struct snapshot *s)
{
	s->irqs = arena_alloc(&s->arena, s->interrupts.n_rows * sizeof *s->irqs);
	for (size_t i = 0; i < s->interrupts.n_rows; i++) {
		const struct count_row *row = &s->interrupts.rows[i];
		if (!row->is_device)
			continue;
		struct irq *irq = &s->irqs[s->n_irqs++];
		*irq = (struct irq){ .irq = row->irq,
			.name = row->text,
			.action = row->action,
			.counts = row->counts,
			.device = -1 };
		irq->affinity = read_cpulist(h, s, "proc/irq/%d/smp_affinity_list", irq->irq);
		irq->effective =
			read_cpulist(h, s, "proc/irq/%d/effective_affinity_list", irq->irq);
	}
}

static struct irq *find_irq(struct snapshot *s, int nr)
{
	for (size_t i = 0; i < s->n_irqs; i++)
		if (s->irqs[i].irq == nr)
			return &s->irqs[i];
	return NULL;
}

/* One that has a line, if only as each CPU's own, is not idle. */
static bool has_row(const struct snapshot *s, int nr)
{
	for (size_t i = 0; i < s->interrupts.n_rows; i++)
		if (s->interrupts.rows[i].irq == nr)
			return true;
	return false;
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
		if (str_to_int(names.v[i], &irq.irq) < 0 || has_row(s, irq.irq))
			continue;
		irq.affinity = read_cpulist(h, s, "proc/irq/%d/smp_affinity_list", irq.irq);
		s->idle_irqs[s->n_idle_irqs++] = irq;
	}
}

static void read_interrupts(struct host *h, struct snapshot *s)
{
	static const char path[] = "proc/interrupts";
	AUTO_FREE char *text = NULL;
	int r = read_file(h, s, path, &text);
	if (r == -EACCES)
		snapshot_note(s, "%s: cannot be read: %s", path, strerror(-r));
	if (r == 0)
		note_odd(s, path, count_table_parse(&s->arena, text, &s->interrupts));
	add_rows(h, s);
}

void read_irqs(struct host *h, struct snapshot *s)
{
	read_interrupts(h, s);
	add_idle(h, s);
	s->default_smp_affinity = read_cpumask(h, s, "proc/irq/default_smp_affinity");
	/* Documentation/core-api/workqueue.rst: "Affinity Scopes", cpumask */
	s->workqueues.cpumask = read_cpumask(h, s, "sys/devices/virtual/workqueue/cpumask");
	s->workqueues.requested =
		read_cpumask(h, s, "sys/devices/virtual/workqueue/cpumask_requested");
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

void read_irq_states(struct host *h, struct snapshot *s)
{
	for (size_t i = 0; i < s->n_irqs; i++) {
		AUTO_FREE char *text = NULL;
		struct irq *irq = &s->irqs[i];
		struct irq_state state;
		int r = host_read(h, &text, NULL, "sys/kernel/debug/irq/irqs/%d", irq->irq);
		if (r < 0 && i == 0)
			return;
		if (r < 0)
			continue;
		irq_state_parse(text, &state);
		irq->managed = state.is_managed ? IRQ_MANAGED : IRQ_MOVABLE;
	}
}
