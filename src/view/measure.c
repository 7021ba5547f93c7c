/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/measure.h"

#include "measure/measure.h"
#include "report/report.h"
#include "view/json.h"

enum { MOST_ROWS = 10 };

/* The first rows of an array that a filter lets pass; the caller drops the reference. */
static json_t *some_rows(json_t *rows, bool (*has_interest)(const json_t *row))
{
	json_t *some = json_array();
	for (size_t i = 0; i < json_array_size(rows) && json_array_size(some) < MOST_ROWS; i++)
		if (!has_interest || has_interest(json_array_get(rows, i)))
			json_array_append(some, json_array_get(rows, i));
	return some;
}

static void show_verdict(const struct measured_vm *v, struct report *r)
{
	if (!v->stolen.is_known) {
		report_text(r, "%s: its vCPUs did not want to run in this window.", v->label);
		return;
	}
	for (size_t i = 0; i < v->n_vcpus; i++) {
		const struct measured_thread *t = &v->threads[i];
		if (t->index != v->worst_vcpu)
			continue;
		report_text(r,
			"%s: vCPUs waited %.1f %% of the time they wanted to run;"
			" worst vCPU %d: %.1f %%.",
			v->label, 100 * v->stolen.value, t->index, 100 * t->stolen.value);
		return;
	}
	report_text(r, "%s: vCPUs waited %.1f %% of the little time they wanted to run.", v->label,
		100 * v->stolen.value);
}

static void show_vcpus(const struct measured_vm *v, json_t *row, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "vcpu", .head = "VCPU", .is_right = true },
		{ .key = "cpus", .head = "CPUS", .may_wrap = true },
		{ .key = "run_ns", .head = "RAN", .unit = UNIT_NS, .is_right = true },
		{ .key = "wait_ns", .head = "WAITED", .unit = UNIT_NS, .is_right = true },
		{ .key = "stolen", .head = "STOLEN", .unit = UNIT_FRACTION, .is_right = true },
		{ .key = "preemptions", .head = "PREEMPTED", .unit = UNIT_COUNT, .is_right = true },
		{ .key = "migrations", .head = "MOVED", .unit = UNIT_COUNT, .is_right = true },
		{ .key = "interrupts_per_cpu_s",
			.head = "INTERRUPTS/S",
			.unit = UNIT_COUNT,
			.is_right = true },
	};
	report_heading(r, "%s: vCPUs", v->label);
	report_table(r, json_object_get(row, "vcpus"), columns, N_ELEMENTS(columns));
}

static bool has_run(const json_t *row)
{
	return json_integer_value(json_object_get(row, "run_ns")) > 0;
}

static void show_helpers(const struct measured_vm *v, json_t *row, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "role", .head = "ROLE" },
		{ .key = "id", .head = "ID" },
		{ .key = "comm", .head = "NAME", .may_wrap = true },
		{ .key = "cpus", .head = "CPUS", .may_wrap = true },
		{ .key = "run_ns", .head = "RAN", .unit = UNIT_NS, .is_right = true },
		{ .key = "wait_ns", .head = "WAITED", .unit = UNIT_NS, .is_right = true },
		{ .key = "stolen", .head = "STOLEN", .unit = UNIT_FRACTION, .is_right = true },
	};
	json_t *rows = some_rows(json_object_get(row, "helpers"), has_run);
	if (json_array_size(rows)) {
		report_heading(r, "%s: its other threads that ran", v->label);
		report_table(r, rows, columns, N_ELEMENTS(columns));
	}
	json_decref(rows);
}

static void show_foreign(
	const struct measure *m, const struct measured_vm *v, json_t *row, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "name", .head = "NAME", .may_wrap = true },
		{ .key = "class", .head = "CLASS" },
		{ .key = "owner", .head = "OWNER", .may_wrap = true },
		{ .key = "tid", .head = "TID", .is_right = true },
		{ .key = "seen_on_cpus", .head = "SEEN ON", .may_wrap = true },
		{ .key = "n_looks", .head = "LOOKS", .unit = UNIT_COUNT, .is_right = true },
		{ .key = "run_ns", .head = "RAN ANYWHERE", .unit = UNIT_NS, .is_right = true },
	};
	AUTO_FREE char *cpus = cpuset_format_cpus(&v->cpus);
	report_heading(r, "%s: who else was seen on %s", v->label, cpus);
	json_t *rows = some_rows(json_object_get(row, "foreign"), NULL);
	if (json_array_size(rows))
		report_table(r, rows, columns, N_ELEMENTS(columns));
	else
		report_text(r, "Nobody, in %zu look%s.", (size_t)m->n_looks,
			m->n_looks == 1 ? "" : "s");
	json_decref(rows);
	if (v->n_foreign > MOST_ROWS)
		report_note(r, "%zu more are in --json", v->n_foreign - MOST_ROWS);
	if (v->others_ns.is_known)
		report_text(r,
			"These CPUs were busy for %.2f s, %.1f %% of their time, with what"
			" is not this VM's own (tick samples of /proc/stat).",
			v->others_ns.value / 1e9,
			100 * v->others_ns.value / ((double)m->window_ns * cpuset_count(&v->cpus)));
	else
		report_text(r,
			"How long these CPUs were busy is not known: the ticks of /proc/stat do not"
			" make up the time that passed.");
}

static void show_softirqs(const struct measured_vm *v, struct report *r)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	for (size_t i = 0; i < v->softirqs.n; i++)
		strbuf_printf(&b, "%s%s %llu", i ? ", " : "", v->softirqs.v[i].name,
			(unsigned long long)v->softirqs.v[i].count);
	if (b.n)
		report_text(r, "Softirqs: %s.", b.s);
}

static void show_interrupts(const struct measured_vm *v, json_t *row, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "name", .head = "IRQ" },
		{ .key = "label", .head = "FOR", .may_wrap = true },
		{ .key = "count", .head = "COUNT", .unit = UNIT_COUNT, .is_right = true },
	};
	json_t *rows = some_rows(json_object_get(row, "interrupts"), NULL);
	if (json_array_size(rows)) {
		report_heading(r, "%s: interrupts on its CPUs", v->label);
		report_table(r, rows, columns, N_ELEMENTS(columns));
		if (v->interrupts.n > MOST_ROWS)
			report_note(r, "%zu more are in --json", v->interrupts.n - MOST_ROWS);
	}
	json_decref(rows);
	show_softirqs(v, r);
}

static void show_warnings(const struct measure *m, struct report *r)
{
	if (m->host_steal.is_known && !m->is_absolute)
		report_warning(r,
			"this host itself lost %.1f %% of its time to its hypervisor:"
			" compare shares and ratios, trust no absolute time",
			100 * m->host_steal.value);
	if (m->coverage.is_known && m->coverage.value < 0.95)
		report_warning(r,
			"coverage is %.1f %%: the scheduler's figures do not explain all"
			" of the window",
			100 * m->coverage.value);
}

static void show_source(const struct measure *m, struct report *r)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_printf(&b, "Source: /proc (no eBPF), %.2f s, %llu looks", (double)m->window_ns / 1e9,
		(unsigned long long)m->n_looks);
	if (m->cost_ns.is_known)
		strbuf_printf(&b, "; measuring took %.1f %% of one CPU",
			100 * m->cost_ns.value / (double)m->window_ns);
	if (m->coverage.is_known)
		strbuf_printf(&b, "; coverage %.1f %%", 100 * m->coverage.value);
	else
		strbuf_puts(&b, "; coverage unknown, as every vCPU slept now and then");
	if (m->host_steal.is_known)
		strbuf_printf(&b, "; host's own steal %.2f %%", 100 * m->host_steal.value);
	report_text(r, "%s.", b.s);
	report_note(r,
		"who else ran is known by sight: such a thread did run on these CPUs, how"
		" long is not known, and short-lived ones are missed. Interrupts are counted; the"
		" time they take in place is not known without eBPF.");
}

int measure_report(const struct measure *m, struct report *r)
{
	json_t *payload = measure_json(m);
	json_t *rows = json_object_get(payload, "vms");
	for (size_t i = 0; i < m->n_vms; i++)
		show_verdict(&m->vms[i], r);
	show_warnings(m, r);
	for (size_t i = 0; i < m->n_vms; i++) {
		json_t *row = json_array_get(rows, i);
		show_vcpus(&m->vms[i], row, r);
		show_helpers(&m->vms[i], row, r);
		show_foreign(m, &m->vms[i], row, r);
		show_interrupts(&m->vms[i], row, r);
	}
	show_source(m, r);
	for (size_t i = 0; i < m->n_notes; i++)
		report_note(r, "%s", m->notes[i]);
	json_object_update(report_json(r), payload);
	json_decref(payload);
	return 0;
}
