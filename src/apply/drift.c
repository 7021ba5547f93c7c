/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/drift.h"

#include <string.h>

#include "apply/knob.h"
#include "base/str.h"
#include "host/host.h"

void drifts_free(struct drifts *d)
{
	free(d->v.v);
	arena_done(&d->arena);
	free(d);
}

/* "unreadable: Connection timed out": one that cannot be read hides none of the others. */
static const char *actual_text(
	struct arena *a, const struct knob *k, int outcome, const struct value *now)
{
	AUTO_FREE char *text = NULL;
	if (outcome == KNOB_GONE)
		return "gone";
	if (outcome < 0)
		return arena_printf(a, "unreadable: %s", strerrordesc_np(-outcome));
	text = value_text(k, now);
	return arena_strdup(a, text);
}

/* irqbalance moves interrupts to any CPU that it was not told to leave alone. */
static const char *suspect_irqbalance(
	struct host *h, const struct entry *e, const struct value *now)
{
	struct cpuset banned, there;
	if (!e->avoid || now->kind != VALUE_SET || host_get_irqbalance(h, &banned) != 0)
		return NULL;
	there = cpuset_and(now->cpus, e->avoid);
	there = cpuset_minus(&there, &banned);
	return cpuset_is_empty(&there)
		? NULL
		: "irqbalance: it runs, and is not told to leave these CPUs alone";
}

/* The file has what systemd says that the unit should have. */
static const char *suspect_systemd(
	struct host *h, struct arena *a, const struct entry *e, const struct value *now)
{
	const char *slash = strrchr(e->key, '/'), *unit = slash ? slash + 1 : e->key;
	AUTO_FREE char *text = NULL;
	const char *property = knob_unit_property(e->knob);
	struct cpuset set;
	if (now->kind != VALUE_SET || host_get_unit(h, unit, property, &text) != 0 || !*text ||
		cpuset_parse_list(text, &set) < 0 || !cpuset_equal(&set, now->cpus))
		return NULL;
	return arena_printf(a, "systemd: %s=%s of %s", property, text, unit);
}

/* Told from evidence only. now: NULL where it could not be read. */
static const char *suspect_of(
	struct host *h, struct arena *a, const struct entry *e, const struct value *now)
{
	const char *suspect = NULL;
	if (now && str_after(e->knob->name, "irq."))
		suspect = suspect_irqbalance(h, e, now);
	else if (now && knob_unit_property(e->knob))
		suspect = suspect_systemd(h, a, e, now);
	return suspect ? suspect : "unknown";
}

struct drifts *drifts_read(struct host *h, const struct ledger *l)
{
	struct drifts *drifts = xcalloc(1, sizeof *drifts);
	array_for_each (entry, &l->entries) {
		const struct knob *k = entry->knob;
		const struct target t = { .key = entry->key, .id = entry->id };
		struct arena a = { 0 };
		struct value now;
		int r = knob_read(h, k, &t, &a, &now);
		bool is_right = r == 0 && knob_holds(h, k, &t, &entry->value, entry->avoid, &now);
		bool is_gone = r == KNOB_GONE && k->dies_with != LIFE_HOST;
		drifts->n_gone += is_gone;
		if (!is_right && !is_gone && k->type != KNOB_ACTION) {
			AUTO_FREE char *expected = value_text(k, &entry->value);
			*array_push(&drifts->v) = (struct drift){
				.entry = entry,
				.expected = arena_strdup(&drifts->arena, expected),
				.actual = actual_text(&drifts->arena, k, r, &now),
				.suspect =
					suspect_of(h, &drifts->arena, entry, r == 0 ? &now : NULL),
			};
		}
		arena_done(&a);
	}
	return drifts;
}
