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
	verdict_done(&s->verdict);
}

bool status_has_residue(const struct status *s)
{
	return s->ledger->strangers.n || (!s->ledger->placements.n && s->ledger->entries.n);
}

static struct status_vm state_of(const struct status *s, const struct placement *p)
{
	const struct snapshot *snapshot = s->verdict.snapshot;
	const struct vms *vms = s->verdict.vms;
	const struct vm *next = placement_successor(p, snapshot, vms);
	if (next)
		return (struct status_vm){ p, VM_RESTARTED, next->pid };
	bool is_running = placement_is_running(p, snapshot, vms);
	return (struct status_vm){ p, is_running ? VM_RUNNING : VM_ENDED, 0 };
}

enum outcome status_read(
	struct host *h, const char *const *words, size_t n_words, struct status *ret, struct err *e)
{
	*ret = (struct status){ .is_whole = true };
	if (ledger_read_journal(h, &ret->journal, e) < 0 || ledger_read(h, &ret->ledger, e) < 0)
		return OUTCOME_UNCHANGED;
	if (verdict_of_ledger(h, ret->ledger, &ret->verdict, e) < 0)
		return OUTCOME_UNCHANGED;
	ret->drifts = drifts_read(h, ret->ledger);
	AUTO_FREE bool *is_meant = NULL;
	if (lookup_placements(h, ret->ledger, words, n_words, &is_meant, e) < 0)
		return OUTCOME_UNCHANGED;
	for (size_t i = 0; i < ret->ledger->placements.n; i++) {
		const struct placement *p = &ret->ledger->placements.v[i];
		if (!is_meant[i])
			continue;
		*array_push(&ret->vms) = state_of(ret, p);
		ret->is_whole &= ret->vms.v[ret->vms.n - 1].state == VM_RUNNING;
	}
	bool is_content = !ret->drifts->v.n && !ret->journal && !status_has_residue(ret) &&
		!ret->ledger->damaged.n && ret->is_whole && !verdict_has_intruders(&ret->verdict);
	return is_content ? OUTCOME_DONE : OUTCOME_REPORT;
}
