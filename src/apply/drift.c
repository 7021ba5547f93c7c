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

/* Who usually writes here, for a hint. */
static const char *suspect_of(const char *knob)
{
	static const struct {
		const char *prefix, *suspect;
	} writers[] = {
		{ "irq.", "irqbalance, or the device's driver" },
		{ "irqbalance.", "a restart of irqbalance" },
		{ "unit.", "systemctl set-property" },
		{ "cgroup.", "systemd (daemon-reload, set-property), or CPU hotplug" },
		{ "thread.", "taskset, libvirt or tuned" },
		{ "kthread.", "tuned, or a partition made by somebody else" },
		{ "task.", "the process itself, or tuned" },
		{ "workqueue.", "tuned" },
	};
	for (size_t i = 0; i < N_ELEMENTS(writers); i++)
		if (str_after(knob, writers[i].prefix))
			return writers[i].suspect;
	return "unknown";
}

/* "gone", "unreadable: Connection timed out": one that cannot be read hides none of the others. */
static const char *why_not_read(struct arena *a, int error)
{
	if (knob_is_gone(error))
		return "gone";
	return arena_printf(a, "unreadable: %s", strerrordesc_np(-error));
}

struct drifts *drifts_read(struct host *h, const struct ledger *l)
{
	struct drifts *drifts = xcalloc(1, sizeof *drifts);
	array_for_each (entry, &l->entries) {
		const struct knob *k = knob_find(entry->knob);
		struct target t = { .key = entry->key, .id = entry->id };
		AUTO_FREE char *now = NULL;
		if (!k)
			continue;
		int r = k->read(h, &t, &now);
		if (r == 0 && knob_holds(k, h, &t, entry->value, entry->avoid, now))
			continue;
		/* a thread, a group or a unit that ended took its settings along */
		if (knob_is_gone(r) && (entry->id || str_after(entry->knob, "unit.")))
			continue;
		*array_push(&drifts->v) = (struct drift){
			.entry = entry,
			.actual = r < 0 ? why_not_read(&drifts->arena, r)
					: arena_strdup(&drifts->arena, now),
			.suspect = suspect_of(entry->knob),
		};
	}
	return drifts;
}
