/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/events.h"

#include <stdio.h>
#include <time.h>

#include "report/report.h"
#include "session/events.h"
#include "view/json.h"

char *event_time(uint64_t time_us)
{
	time_t s = (time_t)(time_us / 1000000);
	struct tm tm;
	char text[32];
	gmtime_r(&s, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	return xasprintf("%s.%06uZ", text, (unsigned int)(time_us % 1000000));
}

json_t *event_json(const struct event *e)
{
	AUTO_FREE char *time = event_time(e->time_us);
	return OBJECT({ "time", text_json(time) }, { "vm", text_json(e->vm) },
		{ "what", text_json(event_name(e->what)) }, { "knob", text_json(e->knob) },
		{ "key", text_json(e->key) }, { "before", text_json(e->before) },
		{ "after", text_json(e->after) }, { "why", text_json(e->why) });
}

void events_report(const struct events *l, struct report *r)
{
	json_t *rows = json_array();
	array_for_each (e, &l->v) {
		AUTO_FREE char *time = event_time(e->time_us), *text = event_text(e);
		json_array_append_new(rows, event_json(e));
		if (e == l->v.v)
			report_text(r, "%s %s", time, text);
		else
			report_more(r, "%s %s", time, text);
	}
	json_object_set_new(report_json(r), "events", rows);
}

void events_damage_report(const struct events *l, struct report *r)
{
	json_object_set_new(report_json(r), "damaged", json_integer((json_int_t)l->n_damaged));
	if (l->n_damaged)
		report_warning(r,
			"%zu line%s of the events cannot be read: damaged, or of a newer wideberth",
			l->n_damaged, l->n_damaged == 1 ? "" : "s");
}
