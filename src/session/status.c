/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/status.h"

#include <errno.h>

#include "session/planning.h"

void status_done(struct status *s)
{
	ledger_freep(&s->ledger);
	ledger_freep(&s->journal);
	drifts_freep(&s->drifts);
	free(s->vms.v);
}

bool status_has_residue(const struct status *s)
{
	return !s->ledger->placements.n && s->ledger->entries.n;
}

/* A VM that nothing is applied for is a mistake. */
static int check_words(const struct ledger *l, const char *const *words, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		bool is_known = false;
		array_for_each (p, &l->placements)
			is_known |= placement_is_called(p, words[i]);
		if (!is_known)
			return err_say(e, -ENOENT, "nothing is applied for '%s'", words[i]);
	}
	return 0;
}

static bool is_asked(const struct placement *p, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (placement_is_called(p, words[i]))
			return true;
	return !n;
}

enum outcome status_read(
	struct host *h, const char *const *words, size_t n_words, struct status *ret, struct err *e)
{
	*ret = (struct status){ .is_whole = true };
	if (ledger_read_journal(h, &ret->journal, e) < 0 || ledger_read(h, &ret->ledger, e) < 0)
		return OUTCOME_UNCHANGED;
	ret->drifts = drifts_read(h, ret->ledger);
	if (check_words(ret->ledger, words, n_words, e) < 0)
		return OUTCOME_UNCHANGED;
	array_for_each (p, &ret->ledger->placements) {
		if (!is_asked(p, words, n_words))
			continue;
		bool is_alive = placement_is_alive(h, p);
		*array_push(&ret->vms) = (struct status_vm){ p, is_alive };
		ret->is_whole &= is_alive;
	}
	bool is_content = !ret->drifts->v.n && !ret->journal && !status_has_residue(ret) &&
		!ret->ledger->n_damaged && ret->is_whole;
	return is_content ? OUTCOME_DONE : OUTCOME_REPORT;
}
