/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/drift.h"

#include <string.h>

#include "apply/knob.h"
#include "base/str.h"

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
		bool is_over = r == KNOB_GONE && k->dies_with != LIFE_HOST;
		if (!is_right && !is_over) {
			AUTO_FREE char *expected = value_text(k, &entry->value);
			*array_push(&drifts->v) = (struct drift){
				.entry = entry,
				.expected = arena_strdup(&drifts->arena, expected),
				.actual = actual_text(&drifts->arena, k, r, &now),
				.suspect = k->suspects,
			};
		}
		arena_done(&a);
	}
	return drifts;
}
