/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apply/transaction.h"
#include "base/str.h"
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

/* A placement that waits to be confirmed waits on, whatever else is applied, to it too; what it
 * goes back to is what was confirmed last. */
static int add_placement(
	struct ledger *next, const struct ledger *l, const struct placement *p, bool is_to_confirm)
{
	const struct placement *old = placement_same_process(l->placements.v, l->placements.n, p);
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

/* ---- who came meanwhile ---- */

/* A thread that the plan did not know. */
static bool is_latecomer(const struct changes *known, const struct intruder *i)
{
	char key[16];
	if (!streq(i->what, "thread") || i->is_own)
		return false;
	snprintf(key, sizeof key, "%d", i->tid);
	array_for_each (c, &known->v) {
		if (c->knob->dies_with == LIFE_THREAD && streq(c->target.key, key))
			return false;
	}
	return true;
}

static bool has_latecomers(const struct changes *known, const struct verdict *v)
{
	if (!v->intruders)
		return false;
	array_for_each (i, &v->intruders->found)
		if (is_latecomer(known, i))
			return true;
	return false;
}

/* The same claims, on the host as the verdict found it. */
static int plan_again(struct host *h, const struct planning *p, const struct verdict *v,
	const struct ledger *l, struct changes **ret, struct err *e)
{
	AUTO_SETTINGS struct settings *settings = NULL;
	struct claims claims = claims_of(v->snapshot, p->all.v, p->all.n, &p->claims.taken_cpus);
	claims_add_own_masks(&claims, l, &p->placements->arena);
	settings = settings_for(v->snapshot, v->vms, &claims);
	return changes_plan(h, l, settings, ret, e);
}

static int move_latecomers(
	struct host *h, struct planning *p, const struct verdict *v, struct err *e)
{
	AUTO_LEDGER struct ledger *l = NULL, *next = ledger_new();
	AUTO_CHANGES struct changes *list = NULL, *back = NULL;
	int r = ledger_read(h, &l, e);
	if (r == 0)
		r = plan_again(h, p, v, l, &list, e);
	if (r < 0)
		return r;
	next->boot_id = l->boot_id;
	next->operation = operation_name(&next->arena, p);
	for (size_t i = 0; r == 0 && i < l->placements.n; i++)
		r = add_placement(next, l, &l->placements.v[i], false);
	if (r == 0)
		r = transaction_run(h, list, next, &back, e);
	if (r == 0)
		changes_adopt(p->changes, list);
	return r;
}

int apply_prove(struct host *h, struct planning *p, struct verdict *ret, struct err *e)
{
	int r = verdict_of_changes(h, p->changes, &p->claims, ret, e);
	for (int left = 3; left && r == 0 && has_latecomers(p->changes, ret); left--) {
		r = move_latecomers(h, p, ret, e);
		if (r < 0)
			return err_ctx(e, "move who came meanwhile"), r;
		verdict_done(ret);
		r = verdict_of_changes(h, p->changes, &p->claims, ret, e);
	}
	return r;
}
