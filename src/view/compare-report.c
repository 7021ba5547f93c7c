/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/alloc.h"
#include "report/report.h"
#include "view/compare.h"
#include "view/json.h"
#include "view/measure.h"

static const char *text_at(const json_t *row, const char *figure, const char *key)
{
	const char *s = json_string_value(json_object_get(json_object_get(row, figure), key));
	return s ? s : "unknown";
}

static double number_at(const json_t *row, const char *figure, const char *key)
{
	return json_number_value(json_object_get(json_object_get(row, figure), key));
}

static bool is_known(const json_t *row, const char *figure)
{
	const json_t *f = json_object_get(row, figure);
	return json_is_number(json_object_get(f, "before")) &&
		json_is_number(json_object_get(f, "after"));
}

static void show_verdict(const json_t *vm, struct report *r)
{
	AUTO_FREE char *label = compare_label(vm);
	if (!is_known(vm, "stolen")) {
		report_text(r, "%s: stolen time is not known in both measures.", label);
		return;
	}
	report_text(r,
		"%s: vCPUs waited %.2f %% of the time they wanted to run, before %.2f %%:"
		" %s. Worst vCPU: %s.",
		label, 100 * number_at(vm, "stolen", "after"),
		100 * number_at(vm, "stolen", "before"), text_at(vm, "stolen", "change"),
		text_at(vm, "worst_stolen", "change"));
}

static void show_vcpus(const json_t *vm, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "vcpu", .head = "VCPU", .is_right = true },
		{ .key = "stolen.before",
			.head = "STOLEN",
			.unit = UNIT_FRACTION,
			.is_right = true },
		{ .key = "stolen.after", .head = "AFTER", .unit = UNIT_FRACTION, .is_right = true },
		{ .key = "stolen.change", .head = "CHANGE", .is_right = true },
		{ .key = "preemptions_per_s.before", .head = "PREEMPTED/S", .is_right = true },
		{ .key = "preemptions_per_s.after", .head = "AFTER", .is_right = true },
		{ .key = "migrations_per_s.before", .head = "MOVED/S", .is_right = true },
		{ .key = "migrations_per_s.after", .head = "AFTER", .is_right = true },
	};
	AUTO_FREE char *label = compare_label(vm);
	report_heading(r, "%s: vCPUs, before and after", label);
	report_table(r, json_object_get(vm, "vcpus"), columns, N_ELEMENTS(columns));
}

/* "12.3 %" or "4.5", or absent. */
static json_t *cell(const json_t *figure, const char *key, bool is_share)
{
	const json_t *v = json_object_get(figure, key);
	if (!json_is_number(v))
		return json_null();
	double n = json_number_value(v);
	AUTO_FREE char *text = is_share ? xasprintf("%.2f %%", 100 * n) : xasprintf("%.1f", n);
	return text_json(text);
}

/* The VM's figures, a row each. */
static void show_summary(const json_t *vm, struct report *r)
{
	static const struct {
		const char *key, *what;
		bool is_share;
	} figures[] = {
		{ "stolen", "stolen, of the time wanted", true },
		{ "worst_stolen", "stolen, worst vCPU", true },
		{ "wait_share", "waiting, of one CPU's time", true },
		{ "run_share", "running, of one CPU's time", true },
		{ "others_share", "others on its CPUs, of one CPU's time", true },
		{ "preemptions_per_s", "preemptions per s", false },
		{ "migrations_per_s", "moves per s", false },
		{ "interrupts_per_cpu_s", "interrupts per s and CPU", false },
		{ "device_interrupts_per_cpu_s", "  of these from devices", false },
	};
	static const struct column columns[] = {
		{ .key = "what", .head = "ALL VCPUS" },
		{ .key = "before", .head = "BEFORE", .is_right = true },
		{ .key = "after", .head = "AFTER", .is_right = true },
		{ .key = "change", .head = "CHANGE" },
	};
	json_t *rows = json_array();
	for (size_t i = 0; i < N_ELEMENTS(figures); i++) {
		json_t *row = json_object(), *f = json_object_get(vm, figures[i].key);
		json_object_set_new(row, "what", text_json(figures[i].what));
		json_object_set_new(row, "before", cell(f, "before", figures[i].is_share));
		json_object_set_new(row, "after", cell(f, "after", figures[i].is_share));
		json_object_set(row, "change", json_object_get(f, "change"));
		json_array_append_new(rows, row);
	}
	report_table(r, rows, columns, N_ELEMENTS(columns));
	json_decref(rows);
}

int compare_report(const json_t *before, const json_t *after, struct report *r, struct err *e)
{
	json_t *payload;
	int ret = compare_json(before, after, &payload, e);
	if (ret < 0)
		return ret;
	json_t *vms = json_object_get(payload, "vms"),
	       *warnings = json_object_get(payload, "warnings");
	for (size_t i = 0; i < json_array_size(vms); i++)
		show_verdict(json_array_get(vms, i), r);
	for (size_t i = 0; i < json_array_size(warnings); i++)
		report_warning(r, "%s", json_string_value(json_array_get(warnings, i)));
	for (size_t i = 0; i < json_array_size(vms); i++) {
		show_vcpus(json_array_get(vms, i), r);
		show_summary(json_array_get(vms, i), r);
	}
	if (!json_array_size(vms))
		report_text(r, "No VM was measured in both: there is nothing to compare.");
	ret = json_array_size(vms) ? 0 : COMPARE_NOTHING;
	json_object_update(report_json(r), payload);
	json_decref(payload);
	return ret;
}
