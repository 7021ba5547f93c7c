/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/check.h"

#include "base/str.h"
#include "check/check.h"
#include "model/snapshot.h"
#include "report/report.h"
#include "view/keys.h"
#include "view/host-picture.h"
#include "view/json.h"

/* ---- what is told as one ---- */

/* Of finding i: itself, and those that are told with it. */
#define for_each_told(f, c, i)                                                                     \
	for (const struct finding *f = &(c)->findings.v[i]; f < (c)->findings.v + (c)->findings.n; \
		f++)                                                                               \
		if (f == &(c)->findings.v[i] || f->alike == (ssize_t)(i))

static bool has_many(const struct finding *f)
{
	return f->who != f->vm;
}

static struct cpuset told_cpus(const struct check *c, size_t i)
{
	struct cpuset all = CPUSET_EMPTY;
	for_each_told(f, c, i) all = cpuset_or(&all, &f->cpus);
	return all;
}

/* Each VM once; the labels are the check's. */
static size_t told_vms(const struct check *c, size_t i, const char **ret)
{
	size_t n = 0;
	for_each_told(f, c, i)
	{
		bool is_new = f->vm;
		for (size_t k = 0; is_new && k < n; k++)
			is_new = ret[k] != f->vm;
		if (is_new)
			ret[n++] = f->vm;
	}
	return n;
}

/* ---- JSON ---- */

static json_t *vms_json(const struct check *c, size_t i)
{
	AUTO_FREE const char **vms = xcalloc(c->findings.n, sizeof *vms);
	return strings_json(vms, told_vms(c, i, vms));
}

static json_t *evidence_json(const struct check *c, size_t i)
{
	json_t *rows = json_array();
	for_each_told(f, c, i) array_for_each (e, &f->evidence) json_array_append_new(
		rows, OBJECT({ "source", text_json(e->source) }, { "text", text_json(e->text) }));
	return rows;
}

/* What is done for several VMs alike is done once. */
static json_t *commands_json(const struct check *c, size_t i)
{
	json_t *seen = json_object(), *rows = json_array();
	for_each_told(f, c, i) array_for_each (command, &f->commands)
	{
		json_t *text = text_json(*command);
		if (!json_object_get(seen, json_string_value(text)))
			json_array_append(rows, text);
		json_object_set_new(seen, json_string_value(text), text);
	}
	json_decref(seen);
	return rows;
}

static json_t *policy_json(const struct check *c, size_t i)
{
	json_t *rows = json_array();
	for_each_told(f, c, i) array_for_each (line, &f->policy)
		json_array_append_new(rows, text_json(*line));
	return rows;
}

static bool is_consequence(const struct check *c, size_t i, size_t root)
{
	return c->findings.v[i].root == (ssize_t)root && c->findings.v[i].alike < 0;
}

/* A consequence: what it is, not what to do against it. */
static json_t *consequence_json(const struct check *c, size_t i)
{
	const struct finding *f = &c->findings.v[i];
	const struct cpuset cpus = told_cpus(c, i);
	return OBJECT({ "id", text_json(f->rule->id) },
		{ "severity", text_json(severity_name(f->severity)) },
		{ "vm", text_json(has_many(f) ? NULL : f->vm) }, { "vms", vms_json(c, i) },
		{ "cpus", cpus_json(&cpus) }, { "summary", text_json(f->told) },
		{ "evidence", evidence_json(c, i) });
}

static json_t *consequences_json(const struct check *c, size_t root)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < c->findings.n; i++)
		if (is_consequence(c, i, root))
			json_array_append_new(rows, consequence_json(c, i));
	return rows;
}

static json_t *finding_json(const struct check *c, size_t i)
{
	const struct finding *f = &c->findings.v[i];
	const struct cpuset cpus = told_cpus(c, i);
	return OBJECT({ "id", text_json(f->rule->id) },
		{ "severity", text_json(severity_name(f->severity)) },
		{ "vm", text_json(has_many(f) ? NULL : f->vm) }, { "vms", vms_json(c, i) },
		{ "cpus", cpus_json(&cpus) }, { "summary", text_json(f->told) },
		{ "evidence", evidence_json(c, i) }, { "cause", text_json(f->rule->cause) },
		{ "advice", text_json(f->rule->advice) }, { "commands", commands_json(c, i) },
		{ "policy", policy_json(c, i) }, { "sure", text_json(sureness_text(f->sure)) },
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
	{ "verdict", "what to look at first, in a sentence" },
	{ "findings", "root causes, from the one to mend first on" },
	{ "findings[].id", "the rule's" },
	{ "findings[].severity", "info, warning, critical" },
	{ "findings[].vm", "null: it is about the host, or of several VMs" },
	{ "findings[].vms", "those that it is about; what is so of four and more is told as one" },
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
	{ "findings[].consequences", "what it explains; as of findings:" },
	{ "findings[].consequences[].id", "" },
	{ "findings[].consequences[].severity", "" },
	{ "findings[].consequences[].vm", "" },
	{ "findings[].consequences[].vms", "" },
	{ "findings[].consequences[].cpus", "" },
	{ "findings[].consequences[].summary", "" },
	{ "findings[].consequences[].evidence", "" },
	{ "findings[].consequences[].evidence[].source", "" },
	{ "findings[].consequences[].evidence[].text", "" },
	{ "checks", "every rule that was to be run, in order" },
	{ "checks[].id", "" },
	{ "checks[].status", "ok, found, skipped" },
	{ "checks[].reason", "why it was skipped, else null" },

	{ "rules", "with --list" },
	{ "rules[].id", "" },
	{ "rules[].severity", "info, warning, critical" },
	{ "rules[].stage", "" },
	{ "rules[].title", "" },
	{ "rules[].cause", "" },
	{ "rules[].advice", "" },

	{ "only_first", "of two recordings: what is found on the first alone" },
	{ "only_first[].id", "the rule's" },
	{ "only_first[].severity", "" },
	{ "only_first[].vm", "or null" },
	{ "only_first[].summary", "" },
	{ "only_second", "on the second alone" },
	{ "only_second[].id", "" },
	{ "only_second[].severity", "" },
	{ "only_second[].vm", "" },
	{ "only_second[].summary", "" },
	{ "settings", "of two recordings: those that differ" },
	{ "settings[].setting", "" },
	{ "settings[].a", "of the first" },
	{ "settings[].b", "of the second" },
	{ "settings[].about", "" },
	{ "figures", "of two recordings: those that differ much" },
	{ "figures[].figure", "" },
	{ "figures[].a", "of the first" },
	{ "figures[].b", "of the second" },
	{ "figures[].unit", "" },
};

const struct key_part *check_keys(size_t *ret_n)
{
	static const struct key_part all = { "", keys, N_ELEMENTS(keys) };
	*ret_n = 1;
	return &all;
}

/* ---- text ---- */

/* "100 (db01), 101 (web)", or that it is all of them; malloc'ed. */
static char *vms_text(const struct check *c, size_t i)
{
	AUTO_FREE const char **vms = xcalloc(c->findings.n, sizeof *vms);
	AUTO_STRBUF struct strbuf b = { 0 };
	size_t n = told_vms(c, i, vms);
	if (n == c->n_vms)
		return xasprintf("all %zu VMs", n);
	for (size_t k = 0; k < n; k++)
		strbuf_printf(&b, "%s%s", k ? ", " : "", vms[k]);
	return xstrdup(b.s ? b.s : "");
}

static void report_commands(const struct check *c, size_t i, struct report *r)
{
	const struct finding *f = &c->findings.v[i];
	report_more(r, "To do: %s", f->rule->advice);
	array_for_each (command, &f->commands)
		report_code(r, "%s", *command);
	if (f->policy.n)
		report_text(r, "Or in the policy (wideberth apply):");
	array_for_each (line, &f->policy)
		report_code(r, "%s", *line);
	if (!has_many(f))
		return;
	AUTO_FREE char *vms = vms_text(c, i);
	report_text(r, "%s%s%sIt is so of %s.", f->commands.n || f->policy.n ? "That is " : "",
		f->commands.n || f->policy.n ? f->vm : "",
		f->commands.n || f->policy.n ? "'s part; wideberth check VM says another's. " : "",
		vms);
}

static void report_consequences(const struct check *c, size_t root, struct report *r)
{
	for (size_t i = 0; i < c->findings.n; i++) {
		const struct finding *f = &c->findings.v[i];
		if (!is_consequence(c, i, root))
			continue;
		AUTO_FREE char *vms = has_many(f) ? vms_text(c, i) : NULL;
		report_more(r, "It explains: %s%s%s [%s]%s%s", f->who ? f->who : "",
			f->who ? ": " : "", f->told, f->rule->id, vms ? ": " : "", vms ? vms : "");
	}
}

static void report_finding(const struct check *c, size_t i, size_t nr, struct report *r)
{
	const struct finding *f = &c->findings.v[i];
	report_heading(r, "%zu. %s: %s%s%s [%s]", nr, severity_name(f->severity),
		f->who ? f->who : "", f->who ? ": " : "", f->told, f->rule->id);
	if (has_many(f))
		report_text(r, "%s: %s", f->vm, f->summary);
	array_for_each (e, &f->evidence)
		report_code(r, "%s: %s", e->source, e->text);
	report_text(r, "Why it hurts: %s", f->rule->cause);
	report_commands(c, i, r);
	report_text(r, "How sure: %s.%s%s", sureness_text(f->sure),
		str_after(f->rule->surer, "Nothing") ? "" : " Surer: ",
		str_after(f->rule->surer, "Nothing") ? "" : f->rule->surer);
	report_consequences(c, i, r);
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
		struct cpuset cpus = told_cpus(c, i);
		bool is_root = f->root < 0 && f->alike < 0;
		nr += is_root;
		if (!is_root || f->severity < SEVERITY_WARNING || cpuset_is_empty(&cpus))
			continue;
		*array_push(&owners) = (struct host_picture_owner){
			.vm = arena_printf(&a, "%zu. %s%s%s", nr, f->rule->id, f->who ? ": " : "",
				f->who ? f->who : ""),
			.claim_cpus = cpus,
		};
	}
	struct picture *p = host_picture(s,
		&(struct host_picture){ .title = s->hostname ? s->hostname : "host",
			.owners = owners.v,
			.n_owners = owners.n,
			.several = "several findings",
			.nobody = "no finding" });
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
		if (c->findings.v[i].root >= 0 || c->findings.v[i].alike >= 0)
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
