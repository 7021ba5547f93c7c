/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/check-compare.h"

#include <string.h>

#include "base/str.h"
#include "check/check.h"
#include "model/reading.h"
#include "model/snapshot.h"
#include "policy/limits.h"
#include "report/report.h"
#include "view/json.h"

/* VMs of two hosts have nothing in common but what is wrong with them: rules are compared. */
static bool has_rule(const struct check *c, const struct finding *f)
{
	array_for_each (x, &c->findings)
		if (x->rule == f->rule && x->severity >= f->severity)
			return true;
	return false;
}

static json_t *only_in(const struct compared *a, const struct compared *b, int *ret_worse)
{
	json_t *rows = json_array();
	array_for_each (f, &a->check->findings) {
		if (f->alike >= 0 || has_rule(b->check, f))
			continue;
		*ret_worse += f->severity >= SEVERITY_WARNING;
		json_array_append_new(rows,
			OBJECT({ "id", text_json(f->rule->id) },
				{ "severity", text_json(severity_name(f->severity)) },
				{ "vm", text_json(f->who) }, { "summary", text_json(f->told) }));
	}
	return rows;
}

static json_t *value_json(struct tunable_value v)
{
	if (v.is_number)
		return v.number == ABSENT ? text_json("-")
					  : format_json("%lld", (long long)v.number);
	if (v.cpus)
		return cpus_json(v.cpus);
	return text_json(v.text ? v.text : "-");
}

static void add_row(json_t *rows, const char *name, json_t *a, json_t *b, const char *about)
{
	if (json_equal(a, b)) {
		json_decref(a);
		json_decref(b);
		return;
	}
	json_array_append_new(rows,
		OBJECT({ "setting", text_json(name) }, { "a", a }, { "b", b },
			{ "about", text_json(about) }));
}

/* "performance, powersave": the governors that the CPUs have. */
static json_t *governors_json(const struct snapshot *s)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	for (size_t i = 0; s->power && i < s->power->n_policies; i++) {
		const char *g = s->power->policies[i].governor;
		if (g && (!b.n || !strstr(b.s, g)))
			strbuf_printf(&b, "%s%s", b.n ? ", " : "", g);
	}
	return text_json(b.n ? b.s : "-");
}

static json_t *settings_that_differ(const struct compared *one, const struct compared *other)
{
	const struct snapshot *a = one->s, *b = other->s;
	json_t *rows = json_array();
	size_t n;
	const struct tunable_row *all = tunable_rows(&n);
	for (size_t i = 0; a->tunables && b->tunables && i < n; i++)
		add_row(rows, all[i].name, value_json(tunable_value(a->tunables, &all[i])),
			value_json(tunable_value(b->tunables, &all[i])), all[i].about);
	add_row(rows, "governor", governors_json(a), governors_json(b), "of all CPUs");
	add_row(rows, "command line", text_json(a->cmdline ? a->cmdline : "-"),
		text_json(b->cmdline ? b->cmdline : "-"), "the kernel's");
	add_row(rows, "isolated CPUs", cpus_json(&a->isolated_cpus), cpus_json(&b->isolated_cpus),
		"by isolcpus= and partitions");
	add_row(rows, "CPUs", cpus_json(&a->online_cpus), cpus_json(&b->online_cpus), "online");
	add_row(rows, "BIOS", text_json(one->reading->bios), text_json(other->reading->bios),
		"its version; what it is set to no file tells");
	add_row(rows, "microcode", text_json(one->reading->microcode),
		text_json(other->reading->microcode), "of CPU 0");
	add_row(rows, "NUMA nodes", json_integer((json_int_t)a->n_nodes),
		json_integer((json_int_t)b->n_nodes), "");
	return rows;
}

/* What took so much more, or less, on one of them; of a tenth of a unit nobody is slow. */
static json_t *figures_that_differ(
	const struct check *a, const struct check *b, const struct limits *limits)
{
	json_t *rows = json_array();
	size_t n;
	const struct figure_row *all = check_figure_rows(&n);
	for (size_t i = 0; i < n && i < a->figures.n && i < b->figures.n; i++) {
		double x = a->figures.v[i], y = b->figures.v[i];
		double more = x > y ? x : y, less = x > y ? y : x;
		if (less < 0 || more < all[i].least || more < less * limits->compare_ratio)
			continue;
		json_array_append_new(rows,
			OBJECT({ "figure", text_json(all[i].name) },
				{ "a", format_json("%.1f", x) }, { "b", format_json("%.1f", y) },
				{ "unit", text_json(all[i].unit) }));
	}
	return rows;
}

static void report_figures(const struct compared *a, const struct compared *b,
	const struct limits *limits, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "figure", .head = "FIGURE" },
		{ .key = "a", .head = "FIRST" },
		{ .key = "b", .head = "SECOND" },
		{ .key = "unit", .head = "UNIT", .may_wrap = true },
	};
	json_t *figures = figures_that_differ(a->check, b->check, limits);
	json_object_set_new(report_json(r), "figures", figures);
	report_heading(r, "Figures that differ");
	report_table(r, figures, columns, N_ELEMENTS(columns));
	if (!a->check->figures.n || !b->check->figures.n)
		report_note(r, "figures need an interval, in both recordings");
}

int check_compare_report(const struct compared *a, const struct compared *b,
	const struct limits *limits, struct report *r)
{
	static const struct column found[] = {
		{ .key = "id", .head = "RULE" },
		{ .key = "severity", .head = "SEVERITY" },
		{ .key = "vm", .head = "VM", .may_wrap = true },
		{ .key = "summary", .head = "WHAT", .may_wrap = true },
	};
	static const struct column set[] = {
		{ .key = "setting", .head = "SETTING" },
		{ .key = "a", .head = "FIRST", .may_wrap = true },
		{ .key = "b", .head = "SECOND", .may_wrap = true },
		{ .key = "about", .head = "WHAT IT IS", .may_wrap = true },
	};
	int worse = 0, better = 0;
	json_t *only_a = only_in(a, b, &worse), *only_b = only_in(b, a, &better);
	json_t *settings = settings_that_differ(a, b);
	const char *top = json_string_value(json_object_get(json_array_get(only_a, 0), "summary"));
	AUTO_FREE char *verdict = worse
		? xasprintf("%s has %d finding%s of weight that %s has not, first: %s", a->name,
			  worse, worse == 1 ? "" : "s", b->name, top)
		: xasprintf("check finds nothing of weight on %s that is not on %s", a->name,
			  b->name);
	json_object_set_new(report_json(r), "verdict", text_json(verdict));
	json_object_set_new(report_json(r), "only_first", only_a);
	json_object_set_new(report_json(r), "only_second", only_b);
	json_object_set_new(report_json(r), "settings", settings);
	report_heading(r, "%s.", verdict);
	report_heading(r, "Found on %s only", a->name);
	report_table(r, only_a, found, N_ELEMENTS(found));
	report_heading(r, "Found on %s only", b->name);
	report_table(r, only_b, found, N_ELEMENTS(found));
	report_heading(r, "Settings that differ");
	report_table(r, settings, set, N_ELEMENTS(set));
	report_figures(a, b, limits, r);
	return worse;
}
