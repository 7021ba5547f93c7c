/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/host-lists.h"

#include <string.h>

#include "base/str.h"
#include "kernel/partition.h"
#include "view/json.h"
#include "model/snapshot.h"
#include "report/report.h"

double *interrupts_by_cpu(const struct snapshot *s)
{
	if (!s->interrupts.n_cpus)
		return NULL;
	double *sums = xcalloc(CPUSET_MAX, sizeof *sums);
	for (int cpu = 0; cpu < CPUSET_MAX; cpu++)
		sums[cpu] = -1;
	for (size_t c = 0; c < s->interrupts.n_cpus; c++) {
		double sum = 0;
		for (size_t i = 0; i < s->n_irqs; i++)
			sum += (double)s->irqs[i].counts[c];
		sums[s->interrupts.cpus[c]] = sum;
	}
	return sums;
}

/* ---- interrupts ---- */

static uint64_t total_of(const struct snapshot *s, const struct irq *irq, size_t *ret_busiest)
{
	uint64_t total = 0;
	*ret_busiest = 0;
	for (size_t c = 0; c < s->interrupts.n_cpus; c++) {
		total += irq->counts[c];
		if (irq->counts[c] > irq->counts[*ret_busiest])
			*ret_busiest = c;
	}
	return total;
}

static json_t *device_json(const struct snapshot *s, const struct irq *irq)
{
	if (irq->device < 0)
		return json_null();
	const struct pci_device *d = &s->pci_devices[irq->device];
	return OBJECT({ "address", text_json(d->address) },
		{ "kind", text_json(pci_class_name(d->class)) },
		{ "driver", text_json(d->driver) });
}

static json_t *managed_json(const struct irq *irq)
{
	if (irq->managed == IRQ_MANAGED_UNKNOWN)
		return json_null();
	return json_boolean(irq->managed == IRQ_MANAGED);
}

static json_t *irq_json(const struct snapshot *s, const struct irq *irq)
{
	size_t busiest;
	uint64_t total = total_of(s, irq, &busiest);
	json_t *o = json_object(), *counts = json_object();
	for (size_t c = 0; c < s->interrupts.n_cpus; c++) {
		char cpu[16];
		snprintf(cpu, sizeof cpu, "%d", s->interrupts.cpus[c]);
		if (irq->counts[c])
			json_object_set_new(counts, cpu, json_integer((json_int_t)irq->counts[c]));
	}
	json_object_set_new(o, "irq", json_integer(irq->irq));
	json_object_set_new(o, "action", text_json(irq->action));
	json_object_set_new(o, "device", device_json(s, irq));
	json_object_set_new(o, "count", json_integer((json_int_t)total));
	json_object_set_new(
		o, "busiest_cpu", total ? json_integer(s->interrupts.cpus[busiest]) : json_null());
	json_object_set_new(o, "busiest_share",
		total ? json_real((double)irq->counts[busiest] / (double)total) : json_null());
	json_object_set_new(o, "affinity", cpus_json(irq->affinity));
	json_object_set_new(o, "effective", cpus_json(irq->effective));
	json_object_set_new(o, "managed", managed_json(irq));
	json_object_set_new(o, "counts", counts);
	return o;
}

struct by_count {
	double count;
	size_t i;
};

static int most_first(const void *a, const void *b)
{
	const struct by_count *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (x->i > y->i) - (x->i < y->i);
}

/* The CPUs from the busiest on, each with the interrupt that it took most of. */
static json_t *heat_json(const struct snapshot *s)
{
	AUTO_FREE double *sums = interrupts_by_cpu(s);
	AUTO_FREE struct by_count *order = xcalloc(s->interrupts.n_cpus, sizeof *order);
	double all = 0;
	for (size_t c = 0; c < s->interrupts.n_cpus; c++) {
		order[c] = (struct by_count){ sums[s->interrupts.cpus[c]], c };
		all += order[c].count;
	}
	if (s->interrupts.n_cpus)
		qsort(order, s->interrupts.n_cpus, sizeof *order, most_first);
	json_t *rows = json_array();
	for (size_t k = 0; k < s->interrupts.n_cpus && order[k].count > 0; k++) {
		size_t c = order[k].i, top = 0;
		for (size_t i = 0; i < s->n_irqs; i++)
			if (s->irqs[i].counts[c] > s->irqs[top].counts[c])
				top = i;
		json_array_append_new(rows,
			OBJECT({ "cpu", json_integer(s->interrupts.cpus[c]) },
				{ "count", json_integer((json_int_t)order[k].count) },
				{ "share", json_real(order[k].count / all) },
				{ "top_irq", json_integer(s->irqs[top].irq) },
				{ "top_action", text_json(s->irqs[top].action) }));
	}
	return rows;
}

static json_t *irqs_json(const struct snapshot *s)
{
	json_t *rows = json_array();
	AUTO_FREE struct by_count *order = xcalloc(s->n_irqs, sizeof *order);
	size_t unused;
	for (size_t i = 0; i < s->n_irqs; i++)
		order[i] = (struct by_count){ (double)total_of(s, &s->irqs[i], &unused), i };
	if (s->n_irqs)
		qsort(order, s->n_irqs, sizeof *order, most_first);
	for (size_t i = 0; i < s->n_irqs; i++)
		json_array_append_new(rows, irq_json(s, &s->irqs[order[i].i]));
	return rows;
}

void show_irqs(const struct snapshot *s, struct report *r)
{
	static const struct column heat[] = {
		{ "cpu", "CPU", .is_right = true },
		{ "count", "interrupts", UNIT_COUNT, true },
		{ "share", "share", UNIT_FRACTION, true },
		{ "top_irq", "most by", .is_right = true },
		{ "top_action", "which is", .may_wrap = true },
	};
	static const struct column irqs[] = {
		{ "irq", "IRQ", .is_right = true }, { "count", "count", UNIT_COUNT, true },
		{ "busiest_cpu", "mostly CPU", .is_right = true },
		{ "affinity", "may go to", .may_wrap = true }, { "effective", "goes to" },
		{ "action", "action", .may_wrap = true }, { "device.address", "device" },
		{ "managed", "managed" }, /* the last: left out where nothing tells */
	};
	size_t n_columns = N_ELEMENTS(irqs) - 1;
	for (size_t i = 0; i < s->n_irqs; i++)
		if (s->irqs[i].managed != IRQ_MANAGED_UNKNOWN)
			n_columns = N_ELEMENTS(irqs);
	json_t *cpus = heat_json(s), *list = irqs_json(s);
	json_object_set_new(report_json(r), "irq_heat", cpus);
	json_object_set_new(report_json(r), "irqs", list);
	if (!s->interrupts.n_cpus) {
		report_note(r, "there is no /proc/interrupts");
		return;
	}
	report_heading(r, "CPUs by interrupts of devices since boot");
	report_table(r, cpus, heat, N_ELEMENTS(heat));
	report_heading(r, "Interrupts");
	report_table(r, list, irqs, n_columns);
}

/* ---- cgroups ---- */

static void put_partition(json_t *o, const char *text)
{
	struct partition_state p = { 0 };
	if (text && partition_parse(text, &p) < 0)
		p = (struct partition_state){ .state = text, .n_state = strlen(text) };
	AUTO_FREE char *state = p.state ? xstrndup(p.state, p.n_state) : NULL;
	AUTO_FREE char *reason = p.reason ? xstrndup(p.reason, p.n_reason) : NULL;
	json_object_set_new(o, "partition", text_json(state));
	json_object_set_new(o, "reason", text_json(reason));
}

static json_t *cgroup_json(const struct snapshot *s, size_t i, const size_t *n_threads)
{
	const struct cgroup *g = &s->cgroups[i];
	json_t *o = json_object();
	json_object_set_new(o, "cgroup", format_json("/%s", g->path));
	json_object_set_new(o, "type", text_json(g->type));
	json_object_set_new(o, "threads", json_integer((json_int_t)n_threads[i]));
	json_object_set_new(o, "has_cpuset", json_boolean(g->effective != NULL));
	put_partition(o, g->partition);
	json_object_set_new(o, "cpus", text_json(g->cpus));
	json_object_set_new(o, "exclusive", text_json(g->exclusive));
	json_object_set_new(o, "effective", cpus_json(g->effective));
	json_object_set_new(o, "mems", text_json(g->mems));
	return o;
}

void show_cgroups(const struct snapshot *s, struct report *r)
{
	static const struct column columns[] = {
		{ "cgroup", "cgroup", .may_wrap = true },
		{ "threads", "threads", UNIT_COUNT, true },
		{ "partition", "partition" },
		{ "cpus", "cpus" },
		{ "exclusive", "exclusive" },
		{ "effective", "effective" },
		{ "mems", "mems" },
		{ "reason", "why not", .may_wrap = true },
	};
	json_t *all = json_array(), *shown = json_array();
	AUTO_FREE size_t *n_threads = xcalloc(s->n_cgroups, sizeof *n_threads);
	for (size_t i = 0; i < s->n_tasks; i++)
		if (s->tasks[i].cgroup >= 0)
			n_threads[s->tasks[i].cgroup]++;
	for (size_t i = 0; i < s->n_cgroups; i++) {
		json_t *o = cgroup_json(s, i, n_threads);
		json_array_append_new(all, o);
		if (s->cgroups[i].effective)
			json_array_append(shown, o);
	}
	json_object_set_new(report_json(r), "cgroups", all);
	if (json_array_size(shown))
		report_heading(r, "cgroups with the cpuset controller");
	if (json_array_size(shown))
		report_table(r, shown, columns, N_ELEMENTS(columns));
	if (!s->n_cgroups)
		report_note(r, "there is no cgroup v2 hierarchy");
	else if (s->n_cgroups > json_array_size(shown))
		report_text(r,
			"%zu more without the cpuset controller share the CPUs of the group around "
			"them.",
			s->n_cgroups - json_array_size(shown));
	json_decref(shown);
}
