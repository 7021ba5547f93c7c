/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/status.h"

#include <errno.h>

#include "session/lookup.h"
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
	return s->ledger->strangers.n || (!s->ledger->placements.n && s->ledger->entries.n);
}

enum outcome status_read(
	struct host *h, const char *const *words, size_t n_words, struct status *ret, struct err *e)
{
	*ret = (struct status){ .is_whole = true };
	if (ledger_read_journal(h, &ret->journal, e) < 0 || ledger_read(h, &ret->ledger, e) < 0)
		return OUTCOME_UNCHANGED;
	ret->drifts = drifts_read(h, ret->ledger);
	AUTO_FREE bool *is_meant = NULL;
	if (lookup_placements(h, ret->ledger, words, n_words, &is_meant, e) < 0)
		return OUTCOME_UNCHANGED;
	for (size_t i = 0; i < ret->ledger->placements.n; i++) {
		const struct placement *p = &ret->ledger->placements.v[i];
		if (!is_meant[i])
			continue;
		bool is_alive = placement_is_alive(h, p);
		*array_push(&ret->vms) = (struct status_vm){ p, is_alive };
		ret->is_whole &= is_alive;
	}
	bool is_content = !ret->drifts->v.n && !ret->journal && !status_has_residue(ret) &&
		!ret->ledger->n_damaged && ret->is_whole;
	return is_content ? OUTCOME_DONE : OUTCOME_REPORT;
}
