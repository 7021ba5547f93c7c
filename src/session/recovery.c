/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/recovery.h"

#include <errno.h>
#include <unistd.h>

#include "apply/state-dir.h"
#include "apply/transaction.h"
#include "base/str.h"
#include "host/host.h"
#include "session/confirm.h"
#include "session/undo.h"

bool recovery_residue(const struct changes *back, struct strbuf *ret)
{
	bool has_any = false;
	if (!back)
		return false;
	array_for_each (c, &back->v) {
		if (c->state != CHANGE_FAILED)
			continue;
		strbuf_printf(ret, "%s %s of %s (%s)", has_any ? "," : "", c->knob->name,
			c->target.key, c->reason ? c->reason : "failed");
		has_any = true;
	}
	return has_any;
}

static bool is_in_force(const struct ledger *l, const struct placement *p)
{
	array_for_each (now, &l->placements) {
		if (now->pid == p->pid && now->start == p->start)
			return true;
	}
	return false;
}

/* Those whose time is up go back to what they were before. */
static enum outcome undo_overdue(struct host *h, struct recovery *ret, struct err *e)
{
	AUTO_LEDGER struct ledger *l = NULL, *now = NULL;
	if (ledger_read(h, &l, e) < 0)
		return OUTCOME_UNCHANGED;
	uint64_t now_ns = host_clock_ns(h), first_ns = confirm_deadline(l);
	if (!first_ns || now_ns <= first_ns)
		return OUTCOME_DONE;
	AUTO_FREE enum undo_fate *fates = xcalloc(l->placements.n, sizeof *fates);
	for (size_t i = 0; i < l->placements.n; i++) {
		const struct placement *p = &l->placements.v[i];
		if (!p->confirm_ns || now_ns <= p->confirm_ns)
			continue;
		fates[i] = UNDO_GOES_BACK;
		*array_push(&ret->overdue) = (struct overdue){ .placement = p };
	}
	int r = undo_placements(h, l, fates, &ret->undone, e);
	if (r < 0 || ledger_read(h, &now, e) < 0)
		return r == -ENOTRECOVERABLE ? OUTCOME_RESIDUE : OUTCOME_UNCHANGED;
	array_for_each (o, &ret->overdue)
		o->is_back = is_in_force(now, o->placement);
	ret->former = TAKE(l);
	return OUTCOME_DONE;
}

enum outcome recovery_begin(struct host *h, struct recovery *ret, struct err *e)
{
	AUTO_STRBUF struct strbuf left = { 0 };
	*ret = (struct recovery){ .lock = -1 };
	if (state_lock(h, &ret->lock, e) < 0 || transaction_recover(h, &ret->ended, e) < 0)
		return OUTCOME_UNCHANGED;
	if (recovery_residue(ret->ended, &left)) {
		err_say(e, -EBUSY, "recovery could not restore:%s", left.s);
		return OUTCOME_RESIDUE;
	}
	if (ret->ended && ret->ended->n_damaged) {
		AUTO_FREE char *damaged = ledger_tell_damaged(ret->ended->n_damaged, "the journal");
		err_say(e, -EBADMSG, "%s was not put back", damaged);
		return OUTCOME_RESIDUE;
	}
	return undo_overdue(h, ret, e);
}

enum outcome recovery_outcome(const struct recovery *r)
{
	enum outcome ended = r->ended ? undo_outcome(r->ended) : OUTCOME_DONE,
		     undone = r->undone ? undo_outcome(r->undone) : OUTCOME_DONE;
	return ended > undone ? ended : undone;
}

void recovery_done(struct recovery *r)
{
	changes_freep(&r->ended);
	changes_freep(&r->undone);
	free(r->overdue.v);
	ledger_freep(&r->former);
	if (r->lock >= 0)
		close(r->lock);
}
