/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/host-can.h"

#include "report/report.h"
#include "session/host-can.h"
#include "view/json.h"

json_t *levels_json(const struct host_level *levels)
{
	json_t *rows = json_array();
	for (enum level i = LEVEL_PINNED; i <= LEVEL_ISOLATED; i++)
		json_array_append_new(rows,
			OBJECT({ "level", text_json(level_name(i)) },
				{ "answer", text_json(answer_name(levels[i].answer)) },
				{ "why", text_json(levels[i].why) }));
	return rows;
}

static json_t *abilities_json(const struct host_can *c)
{
	json_t *rows = json_array();
	for (enum ability_id i = 0; i < N_ABILITIES; i++) {
		const struct ability *x = &c->abilities.v[i];
		json_array_append_new(rows,
			OBJECT({ "ability", text_json(ability_name(i)) },
				{ "text", text_json(ability_text(i)) },
				{ "answer", text_json(answer_name(x->answer)) },
				{ "how", text_json(x->how) }, { "why", text_json(x->why) }));
	}
	return rows;
}

static json_t *writers_json(const struct host_can *c)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < c->n_services; i++) {
		const struct service *s = &c->services[i];
		if (s->task)
			json_array_append_new(rows,
				OBJECT({ "service", text_json(s->name) },
					{ "pid", number_json(s->task->pid) },
					{ "writes", text_json(s->writes) }));
	}
	return rows;
}

void host_can_report(const struct host_can *c, struct report *r)
{
	static const struct column levels[] = {
		{ .key = "level", .head = "LEVEL" },
		{ .key = "answer", .head = "HERE" },
		{ .key = "why", .head = "WHY", .may_wrap = true },
	};
	static const struct column abilities[] = {
		{ .key = "text", .head = "WHAT THE KERNEL AND SYSTEMD DO", .may_wrap = true },
		{ .key = "answer", .head = "HERE" },
		{ .key = "how", .head = "KNOWN" },
		{ .key = "why", .head = "WHY", .may_wrap = true },
	};
	static const struct column writers[] = {
		{ .key = "service", .head = "ALSO WRITES HERE" },
		{ .key = "pid", .head = "PID", .is_right = true },
		{ .key = "writes", .head = "WHAT", .may_wrap = true },
	};
	json_t *o = OBJECT({ "levels", levels_json(c->levels) }, { "abilities", abilities_json(c) },
		{ "writers", writers_json(c) }, { "untried", text_json(c->abilities.why_untried) },
		{ "tuned_profile", text_json(c->tuned_profile) },
		{ "tuned_isolates", json_boolean(c->is_tuned_fighting) });
	json_object_set_new(report_json(r), "host", o);
	report_heading(r, "What this host can give");
	report_table(r, json_object_get(o, "levels"), levels, N_ELEMENTS(levels));
	report_table(r, json_object_get(o, "abilities"), abilities, N_ELEMENTS(abilities));
	if (json_array_size(json_object_get(o, "writers")))
		report_table(r, json_object_get(o, "writers"), writers, N_ELEMENTS(writers));
	if (c->abilities.why_untried)
		report_note(r, "nothing was tried: %s", c->abilities.why_untried);
	AUTO_FREE char *advice = c->is_tuned_fighting ? tuned_advice(c->tuned_profile) : NULL;
	if (advice)
		report_warning(r, "%s", advice);
}
