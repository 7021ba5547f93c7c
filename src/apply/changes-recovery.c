/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The changes that end a transaction which did not. */
#include "apply/changes.h"

/* Backwards: everything that the journal names goes to the value in force before, else to its
 * baseline. */
void changes_plan_back(
	struct host *h, const struct ledger *l, const struct ledger *journal, struct changes *list)
{
	for (size_t i = journal->entries.n; i-- > 0;) {
		const struct entry *entry = &journal->entries.v[i];
		struct change c = change_of(&list->arena, entry);
		const struct entry *before = ledger_find(l, entry->knob, &c.target);
		c.after = before ? value_copy(&list->arena, &before->value) : c.baseline;
		c.aim = AIM_BACK;
		if (before) {
			c.aim = before->is_optional ? AIM_OPTIONAL : AIM_REQUIRED;
			c.avoid = before->avoid
				? arena_dup(&list->arena, before->avoid, 1, sizeof *before->avoid)
				: NULL;
		}
		c.why = "the transaction did not end";
		changes_add_back(h, list, &c, entry, before);
	}
}

/* Forwards, for an undo: released entries first, they stand in the order of execution. */
void changes_plan_forward(
	struct host *h, const struct ledger *l, const struct ledger *journal, struct changes *list)
{
	array_for_each (entry, &journal->entries) {
		struct change c = change_of(&list->arena, entry);
		const struct entry *before = ledger_find(l, entry->knob, &c.target);
		c.after = value_copy(&list->arena, &entry->value);
		c.aim = entry->is_released ? AIM_BACK : c.aim;
		if (before)
			c.in_force = change_keep(&list->arena, &before->value);
		c.why = "the undo did not end";
		changes_add_back(h, list, &c, NULL, false);
	}
}
