/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/watch.h"

#include "apply/state-dir.h"
#include "base/str.h"
#include "session/diagnosis.h"
#include "session/recall.h"

/* About the host, or a VM in force. Host-wide findings count where there is such a VM. */
static bool is_watched(const struct diagnosis *d, const struct finding *f)
{
	bool is_in_force = false;
	if (f->root >= 0 || f->severity < SEVERITY_WARNING)
		return false;
	array_for_each (p, &d->ledger->placements)
		is_in_force |= !f->of || placement_is_of(p, f->of);
	return is_in_force;
}

/* The same each time, whatever the figures: "hog 100". */
static char *key_of(const struct finding *f)
{
	return xasprintf("%s%s%s", f->rule->id, f->of ? " " : "", f->of ? f->of->id : "");
}

static void tell(const struct finding *f, struct recall *recall, struct events *ret)
{
	AUTO_FREE char *key = key_of(f);
	AUTO_FREE char *text = xasprintf(
		"%s%s%s [%s]", f->vm ? f->vm : "", f->vm ? ": " : "", f->rule->title, f->rule->id);
	if (!recall_is_news(recall, event_name(EVENT_FOUND), key, text))
		return;
	AUTO_FREE char *why = xasprintf("%s [%s]", f->summary, f->rule->id);
	events_add(ret,
		&(struct event){ .what = EVENT_FOUND,
			.vm = f->of ? f->of->id : NULL,
			.name = f->of ? f->of->name : NULL,
			.why = why });
}

/* What is found no more is news when it comes again. */
static void forget_others(const struct diagnosis *d, struct recall *recall)
{
	for (size_t i = recall->told.n; i-- > 0;) {
		const struct told t = recall->told.v[i];
		bool is_found = !streq(t.what, event_name(EVENT_FOUND));
		array_for_each (f, &d->check->findings) {
			AUTO_FREE char *key = key_of(f);
			is_found |= is_watched(d, f) && streq(key, t.of);
		}
		if (!is_found)
			(void)recall_is_news(recall, t.what, t.of, NULL);
	}
}

enum outcome watch_findings(struct host *h, double window_s, struct events *ret, struct err *e)
{
	AUTO_DIAGNOSIS struct diagnosis d = { 0 };
	AUTO_RECALL struct recall recall = { 0 };
	AUTO_CLOSE int lock = -1;
	const struct diagnosis_options o = { .window_s = window_s };
	enum outcome outcome = diagnosis_make(h, &o, &d, e);
	if (outcome != OUTCOME_DONE)
		return outcome;
	if (state_lock(h, &lock, e) < 0)
		return OUTCOME_UNCHANGED;
	recall_read(h, &recall);
	array_for_each (f, &d.check->findings)
		if (is_watched(&d, f))
			tell(f, &recall, ret);
	forget_others(&d, &recall);
	return recall_write(h, &recall, e) < 0 ? OUTCOME_UNCHANGED : OUTCOME_DONE;
}
