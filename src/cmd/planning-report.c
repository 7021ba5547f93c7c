/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"
#include "cmd/placements-picture.h"
#include "cmd/planning.h"
#include "model/json.h"

static json_t *change_json(const struct change *c, bool is_made)
{
	json_t *o = json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", "knob", c->knob->name, "key",
		c->target.key, "before", c->before, "after", c->after, "why", c->why);
	if (is_made) {
		json_object_set_new(o, "result", json_string(change_result_name(c->result)));
		if (c->reason)
			json_object_set_new(o, "reason", json_string(c->reason));
	}
	return o;
}

static bool is_alike(const struct change *a, const struct change *b)
{
	return a->knob == b->knob && streq(a->after, b->after) && streq(a->before, b->before);
}

static const char *shown(const char *value)
{
	return *value ? value : "unset";
}

/* Settings of one knob that change alike are one row: a host has dozens of kernel threads. */
static json_t *group_row(const struct changes *list, const struct change *first)
{
	AUTO_STRBUF struct strbuf keys = { 0 };
	for (const struct change *c = list->v.v; c < list->v.v + list->v.n; c++) {
		if (!change_is_needed(c) || !is_alike(c, first))
			continue;
		if (c < first)
			return NULL; /* has its row already */
		strbuf_printf(
			&keys, "%s%s", keys.n ? ", " : "", *c->target.key ? c->target.key : "/");
	}
	return json_pack("{s:s, s:s, s:s, s:s}", "knob", first->knob->name, "before",
		shown(first->before), "after", shown(first->after), "of", keys.s);
}

static bool has_row(const json_t *rows, const char *knob, const char *why)
{
	json_t *o;
	size_t i;
	json_array_foreach (rows, i, o)
		if (streq(json_string_value(json_object_get(o, "knob")), knob) &&
			streq(json_string_value(json_object_get(o, "why")), why))
			return true;
	return false;
}

static void report_planned(const struct changes *changes, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "knob", .head = "KNOB" },
		{ .key = "before", .head = "BEFORE", .may_wrap = true },
		{ .key = "after", .head = "AFTER", .may_wrap = true },
		{ .key = "of", .head = "OF", .may_wrap = true },
	};
	static const struct column reasons[] = {
		{ .key = "knob", .head = "KNOB" },
		{ .key = "why", .head = "WHY", .may_wrap = true },
	};
	json_t *rows = json_array(), *whys = json_array();
	array_for_each (c, &changes->v) {
		if (!change_is_needed(c) || !c->before)
			continue;
		json_t *row = group_row(changes, c);
		if (row)
			json_array_append_new(rows, row);
		if (!has_row(whys, c->knob->name, c->why))
			json_array_append_new(whys,
				json_pack("{s:s, s:s}", "knob", c->knob->name, "why", c->why));
	}
	if (json_array_size(rows)) {
		report_heading(r, "Changes");
		report_table(r, rows, columns, N_ELEMENTS(columns));
		report_table(r, whys, reasons, N_ELEMENTS(reasons));
	} else {
		report_text(r, "Nothing to change.");
	}
	json_decref(rows);
	json_decref(whys);
}

void changes_report(const struct changes *changes, bool is_made, struct report *r)
{
	json_t *rows = json_array(), *immovable = json_array();
	array_for_each (c, &changes->v) {
		bool is_shown = is_made ? c->result != CHANGE_SAME : change_is_needed(c);
		if (is_shown && c->result != CHANGE_IMMOVABLE)
			json_array_append_new(rows, change_json(c, is_made));
		if (is_made && c->result == CHANGE_IMMOVABLE)
			json_array_append_new(immovable,
				json_pack("{s:s++, s:s*}", "what", c->knob->name, " ",
					c->target.key, "why", c->reason));
	}
	json_object_set_new(report_json(r), "changes", rows);
	json_object_set_new(report_json(r), "immovable", immovable);
	if (!is_made)
		report_planned(changes, r);
}

static json_t *refusal_json(const struct refusal *f)
{
	json_t *blocking = json_array(), *alternatives = json_array();
	for (size_t i = 0; i < f->n_blocking; i++)
		json_array_append_new(blocking, json_string(f->blocking[i]));
	for (size_t i = 0; i < f->n_alternatives; i++)
		json_array_append_new(alternatives, json_string(f->alternatives[i]));
	return json_pack("{s:s, s:s, s:o, s:o}", "vm", f->vm, "reason", f->reason, "blocking",
		blocking, "alternatives", alternatives);
}

static void report_refused(const struct planning *p, struct report *r)
{
	json_t *refused = json_array();
	for (size_t i = 0; i < p->placements->n_refused; i++) {
		const struct refusal *f = &p->placements->refused[i];
		json_array_append_new(refused, refusal_json(f));
		AUTO_FREE char *label = vm_label(f->vm, f->name);
		report_warning(r, "%s: refused: %s", label, f->reason);
		for (size_t k = 0; k < f->n_blocking; k++)
			report_text(r, "  blocked by: %s", f->blocking[k]);
		for (size_t k = 0; k < f->n_alternatives; k++)
			report_text(r, "  would fit: %s", f->alternatives[k]);
	}
	json_object_set_new(report_json(r), "refused", refused);
}

/* "db01: isolated on 4-5,16-17; vCPUs 0→4 1→16 2→5 3→17; the rest on 0-3,6-15,18-23" */
static void report_placement(const struct planning *p, const struct placement *v, struct report *r)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *claim = cpuset_format_list(&v->claim_cpus);
	AUTO_FREE char *rest = cpuset_format_list(cpuset_is_empty(&v->emulator_cpus)
			? &p->placements->housekeeping_cpus
			: &v->emulator_cpus);
	AUTO_FREE char *label = vm_label(v->vm, v->name);
	strbuf_printf(&b, "%s: %s on %s; vCPUs", label, level_name(v->level), claim);
	for (size_t i = 0; i < v->n_vcpus; i++) {
		AUTO_FREE char *cpus = cpuset_format_list(&v->vcpus[i].cpus);
		strbuf_printf(&b, " %d:%s", v->vcpus[i].vcpu, cpus);
	}
	strbuf_printf(&b, "; QEMU's other threads on %s", rest);
	report_text(r, "%s", b.s);
	if (v->why_less)
		report_warning(r, "%s: %s instead of %s: %s", label, level_name(v->level),
			level_name(v->wanted), v->why_less);
	if (v->place_note)
		report_note(r, "%s: %s", label, v->place_note);
}

void planning_report(const struct planning *p, struct report *r)
{
	json_t *vms = json_array(), *o = report_json(r);
	for (size_t i = 0; i < p->placements->n; i++)
		json_array_append_new(vms, placement_to_json(&p->placements->v[i]));
	json_object_set_new(o, "vms", vms);
	json_object_set_new(o, "housekeeping", cpus_json(&p->placements->housekeeping_cpus));
	report_picture(r,
		placements_picture(
			p->snapshot, p->all.v, p->all.n, &p->placements->housekeeping_cpus, NULL));
	for (size_t i = 0; i < p->placements->n; i++)
		report_placement(p, &p->placements->v[i], r);
	report_refused(p, r);
}
