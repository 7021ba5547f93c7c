/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/apply.h"

#include <errno.h>
#include <string.h>

#include "apply/transaction.h"
#include "session/confirm.h"

/* "apply db01 db02": what the ledger remembers of this transaction. */
static const char *operation_name(struct arena *a, const struct planning *p)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "apply");
	for (size_t i = 0; i < p->placements->n; i++)
		strbuf_printf(&b, " %s", p->placements->v[i].vm);
	return arena_strdup(a, b.s);
}

/* What failed first is the error; what could not be put back is in 'back'. */
static enum outcome failed(const struct planning *p, const struct changes *back, struct err *e)
{
	AUTO_STRBUF struct strbuf left = { 0 };
	bool has_failed = false;
	array_for_each (change, &p->changes->v) {
		if (change->state == CHANGE_FAILED && change->aim != AIM_BACK) {
			has_failed = true;
			AUTO_FREE char *after = value_text(change->knob, &change->after);
			err_say(e, -ECANCELED, "%s of %s to '%s': %s", change->knob->name,
				*change->target.key ? change->target.key : "/", after,
				change->reason ? change->reason : "failed");
			break;
		}
	}
	if (e->code == -ECANCELED && p->changes->signal && !has_failed)
		err_say(e, -EINTR, "SIG%s came", sigabbrev_np(p->changes->signal));
	if (!recovery_residue(back, &left)) {
		err_ctx(e, "everything is as it was, because");
		return OUTCOME_UNCHANGED;
	}
	err_ctx(e, "taken back but for what is listed above, because");
	return OUTCOME_RESIDUE;
}

/* The placement of the same process that was in force. */
static const struct placement *in_force(const struct ledger *l, const struct placement *p)
{
	array_for_each (old, &l->placements) {
		if (old->pid == p->pid && old->start == p->start)
			return old;
	}
	return NULL;
}

/* A placement that waits to be confirmed waits on, whatever else is applied, to it too; what it
 * goes back to is what was confirmed last. */
static int add_placement(
	struct ledger *next, const struct ledger *l, const struct placement *p, bool is_to_confirm)
{
	const struct placement *old = in_force(l, p);
	bool was_waiting = old && old->confirm_ns;
	const struct placement *before = was_waiting ? ledger_before(l, p) : old;
	struct placement added = *p;
	added.confirm_ns = is_to_confirm ? CONFIRM_FROM_END : was_waiting ? old->confirm_ns : 0;
	int r = ledger_add_placement(next, &added);
	return r == 0 && added.confirm_ns && before ? ledger_add_before(next, before) : r;
}

enum outcome apply_planned(struct host *h, const struct planning *p, const struct recovery *begun,
	uint64_t confirm_wait_ns, struct changes **ret_back, struct err *e)
{
	AUTO_LEDGER struct ledger *next = ledger_new();
	next->boot_id = p->ledger->boot_id;
	next->operation = operation_name(&next->arena, p);
	next->confirm_wait_ns = confirm_wait_ns;
	for (size_t i = 0; i < p->all.n; i++) {
		bool is_to_confirm = confirm_wait_ns && i >= p->n_kept;
		if (add_placement(next, p->ledger, &p->all.v[i], is_to_confirm) == 0)
			continue;
		err_say(e, -EINVAL, "%s cannot be written down", p->all.v[i].vm);
		return OUTCOME_UNCHANGED;
	}
	int r = transaction_run(h, p->changes, next, ret_back, e);
	if (r == -ECANCELED)
		return failed(p, *ret_back, e);
	if (r < 0)
		return r == -ENOTRECOVERABLE ? OUTCOME_RESIDUE : OUTCOME_UNCHANGED;
	return confirm_wait_ns ? confirm_watch(h, begun->lock, e) : OUTCOME_DONE;
}
