/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/intruders.h"

#include "base/str.h"
#include "plan/intruders.h"
#include "report/report.h"
#include "view/json.h"

/* "redis-server (4711)", "interrupt 24 (nvme0q1)", "group app.slice". */
static char *name_of(const struct intruder *i)
{
	if (i->tid >= 0)
		return xasprintf("%s (%d)", i->comm ? i->comm : "thread", i->tid);
	if (i->irq >= 0 && i->comm)
		return xasprintf("interrupt %d (%s)", i->irq, i->comm);
	if (i->irq >= 0)
		return xasprintf("interrupt %d", i->irq);
	if (i->unit)
		return xasprintf("%s %s", streq(i->what, "group") ? "group" : "partition", i->unit);
	return xstrdup(i->comm ? i->comm : i->what);
}

static json_t *intruder_json(const struct intruder *i)
{
	json_t *o = json_object();
	AUTO_FREE char *name = name_of(i);
	json_object_set_new(o, "what", text_json(i->what));
	json_object_set_new(o, "name", text_json(name));
	json_object_set_new(o, "tid", number_json(i->tid));
	json_object_set_new(o, "irq", number_json(i->irq));
	json_object_set_new(o, "comm", text_json(i->comm));
	json_object_set_new(o, "unit", text_json(i->unit));
	json_object_set_new(o, "vm", text_json(i->vm));
	json_object_set_new(o, "cpus", cpus_json(i->cpus));
	json_object_set_new(o, "why", text_json(i->why));
	json_object_set_new(o, "remedy", text_json(i->remedy));
	return o;
}

static bool has_row(const json_t *rows, const char *what)
{
	json_t *o;
	size_t i;
	json_array_foreach (rows, i, o)
		if (streq(json_string_value(json_object_get(o, "what")), what))
			return true;
	return false;
}

/* One row of immovable[] for many threads would hide them; one line of text for each hides the
 * rest. */
static void report_immovable(const struct intruders *all, struct report *r)
{
	json_t *rows = json_object_get(report_json(r), "immovable");
	size_t n_threads = 0;
	if (!rows) {
		rows = json_array();
		json_object_set_new(report_json(r), "immovable", rows);
	}
	for (size_t i = 0; all && i < all->immovable.n; i++) {
		const struct intruder *x = &all->immovable.v[i];
		AUTO_FREE char *name = name_of(x);
		AUTO_FREE char *what =
			x->irq >= 0 ? xasprintf("irq.affinity %d", x->irq) : xstrdup(name);
		AUTO_FREE char *cpus = cpuset_format_list(x->cpus);
		AUTO_FREE char *where = cpuset_format_cpus(x->cpus);
		if (has_row(rows, what))
			continue; /* apply tried, and told the kernel's answer */
		n_threads += x->tid >= 0;
		if (x->tid < 0)
			report_note(r, "stays on %s: %s: %s", where, name, x->why);
		json_t *row = json_object();
		json_object_set_new(row, "what", text_json(what));
		json_object_set_new(row, "cpus", text_json(cpus));
		json_object_set_new(row, "why", text_json(x->why));
		json_array_append_new(rows, row);
	}
	if (n_threads)
		report_note(r,
			n_threads == 1
				? "%zu kernel thread stays: the kernel binds it to its CPUs"
				: "%zu kernel threads stay: the kernel binds them to their CPUs",
			n_threads);
}

/* Each remedy once; of some there is none. */
static void report_remedies(const struct intruders *all, struct report *r)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	for (size_t i = 0; i < all->found.n; i++) {
		const char *remedy = all->found.v[i].remedy;
		bool is_told = !remedy;
		for (size_t k = 0; k < i && !is_told; k++)
			is_told = all->found.v[k].remedy && streq(all->found.v[k].remedy, remedy);
		if (!is_told)
			strbuf_printf(&b, "; %s", remedy);
	}
	report_warning(
		r, "not as promised: %zu may run on claimed CPUs%s", all->found.n, b.n ? b.s : "");
}

void intruders_report(const struct intruders *all, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "name", .head = "WHO", .may_wrap = true },
		{ .key = "unit", .head = "UNIT", .may_wrap = true },
		{ .key = "cpus", .head = "CPUS" },
		{ .key = "vm", .head = "OF VM" },
		{ .key = "why", .head = "WHY", .may_wrap = true },
	};
	json_t *rows = json_array();
	for (size_t i = 0; all && i < all->found.n; i++)
		json_array_append_new(rows, intruder_json(&all->found.v[i]));
	json_object_set_new(report_json(r), "intruders", rows);
	if (json_array_size(rows)) {
		report_heading(r, "Intruders: the kernel lets them run on claimed CPUs");
		report_table(r, rows, columns, N_ELEMENTS(columns));
		report_remedies(all, r);
	}
	report_immovable(all, r);
}

/* The row of displaced[] for this unit; kernel threads are one. */
static json_t *row_of(json_t *rows, const char *unit)
{
	json_t *o;
	size_t i;
	json_array_foreach (rows, i, o) {
		const char *other = json_string_value(json_object_get(o, "unit"));
		if (unit && other ? streq(unit, other) : unit == other)
			return o;
	}
	o = OBJECT({ "threads", number_json(0) });
	json_object_set_new(o, "unit", text_json(unit));
	json_array_append_new(rows, o);
	return o;
}

static bool is_displaced(const struct intruder *i)
{
	return streq(i->what, "thread") && !i->is_own;
}

/* Those that somebody gave CPUs there: all of them in JSON, and a note of the first few. */
static void report_pinned(const struct intruders *before, struct report *r)
{
	enum { NAMES_MAX = 8 };
	json_t *rows = report_rows(r, "displaced_pins");
	AUTO_STRBUF struct strbuf names = { 0 };
	size_t n = 0;
	for (size_t i = 0; before && i < before->found.n; i++) {
		const struct intruder *x = &before->found.v[i];
		if (!is_displaced(x) || !x->is_pinned || !x->unit)
			continue;
		report_row(r, rows,
			OBJECT({ "tid", number_json(x->tid) }, { "comm", text_json(x->comm) },
				{ "unit", text_json(x->unit) }, { "cpus", cpus_json(x->cpus) }));
		AUTO_FREE char *name = name_of(x);
		if (n++ < NAMES_MAX)
			strbuf_printf(&names, "%s%s", names.n ? ", " : "", name);
	}
	if (n)
		report_note(r, "somebody gave CPUs there to %s%s: they will run on what is left",
			names.s, n > NAMES_MAX ? ", …" : "");
}

void displaced_report(const struct intruders *before, struct report *r)
{
	json_t *rows = json_array();
	size_t n_threads = 0, n_kernel = 0;
	for (size_t i = 0; before && i < before->found.n; i++) {
		const struct intruder *x = &before->found.v[i];
		if (!is_displaced(x))
			continue;
		json_t *o = row_of(rows, x->unit), *cpus = json_object_get(o, "cpus");
		struct cpuset sum = *x->cpus, old;
		if (cpus && cpuset_parse_list(json_string_value(cpus), &old) == 0)
			sum = cpuset_or(&sum, &old);
		json_object_set_new(o, "cpus", cpus_json(&sum));
		json_object_set_new(o, "threads",
			json_integer(json_integer_value(json_object_get(o, "threads")) + 1));
		n_threads++;
		n_kernel += !x->unit;
	}
	json_object_set(report_json(r), "displaced", rows);
	AUTO_FREE char *threads = str_some(n_threads - n_kernel, "thread"),
		       *groups = str_some(json_array_size(rows) - (n_kernel > 0), "group");
	if (n_threads)
		report_text(r,
			"Displaced: %s of %s, and %zu of the kernel, may run on these CPUs "
			"without this.",
			threads, groups, n_kernel);
	report_pinned(before, r);
	json_decref(rows);
}
