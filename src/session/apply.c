/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/apply.h"

#include <errno.h>

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
	array_for_each (change, &p->changes->v) {
		if (change->result == CHANGE_FAILED) {
			err_say(e, -ECANCELED, "%s of %s to '%s': %s", change->knob->name,
				*change->target.key ? change->target.key : "/", change->after,
				change->reason ? change->reason : "failed");
			break;
		}
	}
	if (!recovery_residue(back, &left)) {
		err_ctx(e, "everything is as it was, because");
		return OUTCOME_UNCHANGED;
	}
	err_ctx(e, "taken back but for what is listed above, because");
	return OUTCOME_RESIDUE;
}

enum outcome apply_planned(struct host *h, const struct planning *p, const struct recovery *begun,
	uint64_t confirm_wait_ns, struct changes **ret_back, struct err *e)
{
	AUTO_LEDGER struct ledger *next = ledger_new();
	next->boot_id = p->ledger->boot_id;
	next->operation = operation_name(&next->arena, p);
	next->confirm_wait_ns = confirm_wait_ns;
	array_for_each (placement, &p->all)
		ledger_add_placement(next, placement);
	int r = transaction_run(h, p->changes, next, ret_back, e);
	if (r == -ECANCELED)
		return failed(p, *ret_back, e);
	if (r < 0)
		return r == -ENOTRECOVERABLE ? OUTCOME_RESIDUE : OUTCOME_UNCHANGED;
	return confirm_wait_ns ? confirm_watch(h, next, begun->lock, e) : OUTCOME_DONE;
}
