/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/recovery.h"

#include <errno.h>
#include <unistd.h>

#include "apply/transaction.h"
#include "base/str.h"
#include "host/host.h"
#include "session/undo.h"

bool recovery_residue(const struct changes *back, struct strbuf *ret)
{
	bool has_any = false;
	if (!back)
		return false;
	array_for_each (c, &back->v) {
		if (c->result != CHANGE_FAILED)
			continue;
		strbuf_printf(ret, "%s %s of %s (%s)", has_any ? "," : "", c->knob->name,
			c->target.key, c->reason ? c->reason : "failed");
		has_any = true;
	}
	return has_any;
}

/* The VMs of the last apply: "apply db01 db02". */
static int undo_unconfirmed(struct host *h, const struct ledger *l, struct err *e)
{
	AUTO_FREE char *words = xstrdup(l->operation);
	AUTO_CHANGES struct changes *changes = NULL;
	ARRAY(const char *) vms = { 0 };
	char *next = words;
	str_next_word(&next);
	for (char *vm; (vm = str_next_word(&next));)
		*array_push(&vms) = vm;
	int r = undo_vms(h, l, vms.v, vms.n, &changes, e);
	free(vms.v);
	return r;
}

static enum outcome undo_overdue(struct host *h, struct recovery *ret, struct err *e)
{
	AUTO_LEDGER struct ledger *l = NULL;
	if (ledger_read(h, &l, e) < 0)
		return OUTCOME_UNCHANGED;
	if (!l->confirm_ns || host_clock_ns(h) <= l->confirm_ns)
		return OUTCOME_DONE;
	if (undo_unconfirmed(h, l, e) < 0)
		return OUTCOME_UNCHANGED;
	ret->overdue = xstrdup(l->operation);
	return OUTCOME_DONE;
}

enum outcome recovery_begin(struct host *h, struct recovery *ret, struct err *e)
{
	AUTO_STRBUF struct strbuf left = { 0 };
	*ret = (struct recovery){ .lock = -1 };
	if (ledger_lock(h, &ret->lock, e) < 0 || transaction_recover(h, &ret->ended, e) < 0)
		return OUTCOME_UNCHANGED;
	if (recovery_residue(ret->ended, &left)) {
		err_say(e, -EBUSY, "recovery could not restore:%s", left.s);
		return OUTCOME_RESIDUE;
	}
	if (ret->ended && ret->ended->n_damaged) {
		err_say(e, -EBADMSG,
			"%zu records of the journal are damaged: what they say was not put back",
			ret->ended->n_damaged);
		return OUTCOME_RESIDUE;
	}
	return undo_overdue(h, ret, e);
}

void recovery_done(struct recovery *r)
{
	changes_freep(&r->ended);
	free(r->overdue);
	if (r->lock >= 0)
		close(r->lock);
}
