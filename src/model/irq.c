/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts, and where unbound kernel work may run. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model/read.h"

/*
 * /proc/interrupts (Documentation/filesystems/proc.rst). The columns are the online CPUs, not
 * 0 … n-1: believe the header.
 *
 *	            CPU0       CPU2
 *	  1:          9          0  IO-APIC   1-edge      i8042
 *	 24:          0        170  PCI-MSIX-0000:00:03.0   0-edge      virtio0-config
 *	LOC:       1234       2345  Local timer interrupts
 *	ERR:          0
 */
static int read_columns(struct snapshot *s, char *header)
{
	size_t n = 0;
	for (const char *p = header; (p = strstr(p, "CPU")); p++)
		n++;
	s->irq_cpus = arena_alloc(&s->arena, n * sizeof *s->irq_cpus);
	for (char *word; (word = str_next_word(&header));) {
		const char *number = str_after(word, "CPU");
		if (!number || str_to_int(number, &s->irq_cpus[s->n_irq_cpus]) < 0)
			return -EINVAL;
		s->n_irq_cpus++;
	}
	return s->n_irq_cpus ? 0 : -EINVAL;
}

/* Up to one count per column; fewer are fine (ERR, MIS have one). Moves *p behind them. */
static uint64_t *read_counts(struct snapshot *s, char **p)
{
	uint64_t *counts = arena_alloc(&s->arena, s->n_irq_cpus * sizeof *counts);
	for (size_t i = 0; i < s->n_irq_cpus; i++) {
		char *q = *p, *end;
		while (*q == ' ')
			q++;
		if (!isdigit((unsigned char)*q))
			break;
		counts[i] = strtoull(q, &end, 10);
		if (*end && *end != ' ')
			break; /* "1-edge": no count any more */
		*p = end;
	}
	return counts;
}

/* "PCI-MSIX-0000:00:03.0   0-edge      virtio0-config" → the part behind the last run of blanks;
 * several actions are separated by ", ". Interrupts that nobody requested have none. */
static const char *action_of(struct snapshot *s, const char *name)
{
	const char *action = "";
	for (const char *p = name; (p = strstr(p, "  ")); p++)
		action = p + 2;
	if (!*action) {
		const char *blank = strrchr(name, ' ');
		action = blank ? blank + 1 : "";
	}
	return arena_strdup(&s->arena, action);
}

static void add_irq(struct host *h, struct snapshot *s, struct irq *irq, int nr, char *rest)
{
	*irq = (struct irq){ .irq = nr };
	irq->counts = read_counts(s, &rest);
	irq->name = arena_strdup(&s->arena, str_trim(rest));
	irq->action = action_of(s, irq->name);
	irq->affinity = read_cpulist(h, s, "proc/irq/%d/smp_affinity_list", nr);
	irq->effective = read_cpulist(h, s, "proc/irq/%d/effective_affinity_list", nr);
}

static size_t count_lines(const char *text)
{
	size_t n = 1;
	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static int parse_interrupts(struct host *h, struct snapshot *s, char *text)
{
	size_t n = count_lines(text);
	s->irqs = arena_alloc(&s->arena, n * sizeof *s->irqs);
	s->irq_lines = arena_alloc(&s->arena, n * sizeof *s->irq_lines);
	char *line = str_next_line(&text);
	if (!line || read_columns(s, line) < 0)
		return -EINVAL;
	while ((line = str_next_line(&text))) {
		char *colon = strchr(line, ':');
		if (!colon)
			return -EINVAL;
		*colon++ = 0;
		char *label = str_trim(line);
		int nr;
		if (str_to_int(label, &nr) == 0) {
			add_irq(h, s, &s->irqs[s->n_irqs++], nr, colon);
			continue;
		}
		struct irq_line *l = &s->irq_lines[s->n_irq_lines++];
		l->name = arena_strdup(&s->arena, label);
		l->counts = read_counts(s, &colon);
		l->text = arena_strdup(&s->arena, str_trim(colon));
	}
	return 0;
}

int read_irqs(struct host *h, struct snapshot *s, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(h, &text, NULL, "proc/interrupts");
	if (r == 0 && parse_interrupts(h, s, text) < 0)
		return err_say(e, -EINVAL, "/proc/interrupts: not in the kernel's format");
	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "read /proc/interrupts");
	s->default_smp_affinity = read_cpumask(h, s, "proc/irq/default_smp_affinity");
	/* Documentation/core-api/workqueue.rst: "Affinity Scopes", cpumask */
	s->workqueues.cpumask = read_cpumask(h, s, "sys/devices/virtual/workqueue/cpumask");
	s->workqueues.requested =
		read_cpumask(h, s, "sys/devices/virtual/workqueue/cpumask_requested");
	return 0;
}
