/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/check.h"

#include "base/str.h"
#include "check/check.h"
#include "model/snapshot.h"
#include "report/report.h"
#include "view/host-keys.h"
#include "view/host-picture.h"
#include "view/json.h"

/* ---- JSON ---- */

static json_t *evidence_json(const struct finding *f)
{
	json_t *rows = json_array();
	array_for_each (e, &f->evidence)
		json_array_append_new(rows,
			OBJECT({ "source", text_json(e->source) }, { "text", text_json(e->text) }));
	return rows;
}

/* A consequence: what it is, not what to do against it. */
static json_t *consequence_json(const struct finding *f)
{
	return OBJECT({ "id", text_json(f->rule->id) },
		{ "severity", text_json(severity_name(f->severity)) }, { "vm", text_json(f->vm) },
		{ "cpus", cpus_json(&f->cpus) }, { "summary", text_json(f->summary) },
		{ "evidence", evidence_json(f) });
}

static json_t *consequences_json(const struct check *c, size_t root)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < c->findings.n; i++)
		if (c->findings.v[i].root == (ssize_t)root)
			json_array_append_new(rows, consequence_json(&c->findings.v[i]));
	return rows;
}

static json_t *finding_json(const struct check *c, size_t i)
{
	const struct finding *f = &c->findings.v[i];
	return OBJECT({ "id", text_json(f->rule->id) },
		{ "severity", text_json(severity_name(f->severity)) }, { "vm", text_json(f->vm) },
		{ "cpus", cpus_json(&f->cpus) }, { "summary", text_json(f->summary) },
		{ "evidence", evidence_json(f) }, { "cause", text_json(f->rule->cause) },
		{ "advice", text_json(f->rule->advice) },
		{ "commands", strings_json(f->commands.v, f->commands.n) },
		{ "policy", strings_json(f->policy.v, f->policy.n) },
		{ "sure", text_json(sureness_text(f->sure)) },
		{ "surer", text_json(f->rule->surer) },
		{ "consequences", consequences_json(c, i) });
}

static json_t *results_json(const struct check *c)
{
	static const char *const words[] = { "ok", "found", "skipped" };
	json_t *rows = json_array();
	array_for_each (x, &c->results)
		json_array_append_new(rows,
			OBJECT({ "id", text_json(x->rule->id) },
				{ "status", text_json(words[x->status]) },
				{ "reason", text_json(x->reason) }));
	return rows;
}

static const struct key_row keys[] = {
	{ "schema", "wideberth.check/1" },
	{ "verdict", "what to look at first, in a sentence" },
	{ "findings", "root causes, from the one to mend first on" },
	{ "findings[].id", "the rule's" },
	{ "findings[].severity", "info, warning, critical" },
	{ "findings[].vm", "null: it is about the host" },
	{ "findings[].cpus", "cpulist; empty where it is about none" },
	{ "findings[].summary", "" },
	{ "findings[].evidence", "what was read" },
	{ "findings[].evidence[].source", "the file, below /" },
	{ "findings[].evidence[].text", "" },
	{ "findings[].cause", "why it hurts" },
	{ "findings[].advice", "what to do" },
	{ "findings[].commands", "that do it on this host, for root's shell; run all, in order" },
	{ "findings[].policy", "lines of the policy that would do it instead" },
	{ "findings[].sure", "how sure it is" },
	{ "findings[].surer", "what would make it surer" },
	{ "findings[].consequences",
		"what it explains: id, severity, vm, cpus, summary, evidence as above" },
	{ "checks", "every rule that was to be run, in order" },
	{ "checks[].id", "" },
	{ "checks[].status", "ok, found, skipped" },
	{ "checks[].reason", "why it was skipped, else null" },
};

const struct key_row *check_keys(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(keys);
	return keys;
}

/* ---- text ---- */

static void report_finding(const struct check *c, size_t i, size_t nr, struct report *r)
{
	const struct finding *f = &c->findings.v[i];
	report_heading(r, "%zu. %s: %s%s%s [%s]", nr, severity_name(f->severity),
		f->vm ? f->vm : "", f->vm ? ": " : "", f->summary, f->rule->id);
	array_for_each (e, &f->evidence)
		report_code(r, "%s: %s", e->source, e->text);
	report_text(r, "Why it hurts: %s", f->rule->cause);
	report_more(r, "To do: %s", f->rule->advice);
	array_for_each (command, &f->commands)
		report_code(r, "%s", *command);
	if (f->policy.n)
		report_text(r, "Or in the policy (wideberth apply):");
	array_for_each (line, &f->policy)
		report_code(r, "%s", *line);
	report_text(r, "How sure: %s.%s%s", sureness_text(f->sure),
		str_after(f->rule->surer, "Nothing") ? "" : " Surer: ",
		str_after(f->rule->surer, "Nothing") ? "" : f->rule->surer);
	for (size_t k = 0; k < c->findings.n; k++) {
		const struct finding *x = &c->findings.v[k];
		if (x->root == (ssize_t)i)
			report_more(r, "It explains: %s%s%s [%s]", x->vm ? x->vm : "",
				x->vm ? ": " : "", x->summary, x->rule->id);
	}
}

/* "softirq-hot, irq-hot" of the rules with that status and reason, with the reasons behind. */
static void report_results(const struct check *c, struct report *r)
{
	AUTO_STRBUF struct strbuf clean = { 0 };
	array_for_each (x, &c->results)
		if (x->status == CHECK_CLEAN)
			strbuf_printf(&clean, "%s%s", clean.n ? ", " : "", x->rule->id);
	if (clean.n)
		report_text(r, "Checked, and nothing found: %s.", clean.s);
	array_for_each (x, &c->results) {
		bool is_told = false;
		for (const struct check_result *y = c->results.v; y < x; y++)
			is_told |= y->status == CHECK_SKIPPED && x->reason &&
				streq(y->reason, x->reason);
		if (x->status != CHECK_SKIPPED || is_told)
			continue;
		AUTO_STRBUF struct strbuf ids = { 0 };
		array_for_each (y, &c->results)
			if (y->status == CHECK_SKIPPED && streq(y->reason, x->reason))
				strbuf_printf(&ids, "%s%s", ids.n ? ", " : "", y->rule->id);
		report_note(r, "skipped: %s: %s", x->reason, ids.s);
	}
}

/* Findings of warning and above as the owners of the CPUs that they are about. */
static struct picture *draw(const struct check *c, const struct snapshot *s)
{
	ARRAY(struct host_picture_owner) owners = { 0 };
	struct arena a = { 0 };
	size_t nr = 0;
	for (size_t i = 0; i < c->findings.n; i++) {
		const struct finding *f = &c->findings.v[i];
		nr += f->root < 0;
		if (f->root >= 0 || f->severity < SEVERITY_WARNING || cpuset_is_empty(&f->cpus))
			continue;
		*array_push(&owners) = (struct host_picture_owner){
			.vm = arena_printf(&a, "%zu. %s%s%s", nr, f->rule->id, f->vm ? ": " : "",
				f->vm ? f->vm : ""),
			.claim_cpus = f->cpus,
		};
	}
	struct picture *p = host_picture(s,
		&(struct host_picture){ .title = s->hostname ? s->hostname : "host",
			.owners = owners.v,
			.n_owners = owners.n,
			.several = "several findings" });
	free(owners.v);
	arena_done(&a);
	return p;
}

void check_report(
	const struct check *c, const struct snapshot *s, bool has_picture, struct report *r)
{
	json_t *findings = json_array();
	size_t nr = 0;
	report_heading(r, "%s.", c->verdict);
	if (has_picture)
		report_picture(r, draw(c, s));
	for (size_t i = 0; i < c->findings.n; i++) {
		if (c->findings.v[i].root >= 0)
			continue;
		json_array_append_new(findings, finding_json(c, i));
		report_finding(c, i, ++nr, r);
	}
	report_results(c, r);
	json_object_set_new(report_json(r), "verdict", text_json(c->verdict));
	json_object_set_new(report_json(r), "findings", findings);
	json_object_set_new(report_json(r), "checks", results_json(c));
}

/* ---- rules ---- */

static json_t *rule_json(const struct rule *rule)
{
	return OBJECT({ "id", text_json(rule->id) },
		{ "severity", text_json(severity_name(rule->severity)) },
		{ "stage", text_json(stage_name(rule->stage)) },
		{ "title", text_json(rule->title) }, { "cause", text_json(rule->cause) },
		{ "advice", text_json(rule->advice) });
}

void check_list_report(struct report *r)
{
	static const struct column columns[] = {
		{ .key = "id", .head = "RULE" },
		{ .key = "severity", .head = "SEVERITY" },
		{ .key = "stage", .head = "STAGE" },
		{ .key = "title", .head = "WHAT", .may_wrap = true },
	};
	size_t n;
	const struct rule *all = check_rules(&n);
	json_t *rows = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(rows, rule_json(&all[i]));
	json_object_set_new(report_json(r), "rules", rows);
	report_table(r, rows, columns, N_ELEMENTS(columns));
}

void check_rule_report(const struct rule *rule, struct report *r)
{
	json_object_set_new(report_json(r), "rule", rule_json(rule));
	report_heading(r, "%s (%s): %s", rule->id, severity_name(rule->severity), rule->title);
	report_text(r, "%s", rule->cause);
	report_text(r, "To do: %s", rule->advice);
	report_text(r, "Surer: %s", rule->surer);
	if (rule->roots)
		report_text(r, "Where one of these is found too, it is the cause: %s", rule->roots);
}
