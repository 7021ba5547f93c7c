/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/undo.h"

#include <errno.h>

#include "apply/start-dropin.h"
#include "apply/transaction.h"
#include "base/str.h"
#include "model/snapshot.h"
#include "plan/settings.h"
#include "session/lookup.h"
#include "session/planning.h"
#include "vm/vm.h"

void undo_done(struct undo *u)
{
	changes_freep(&u->changes);
}

struct now {
	const struct snapshot *s;
	const struct vms *vms;
};

static bool is_running(const struct now *now, const struct placement *p)
{
	return placement_is_running(p, now->s, now->vms);
}

/* What a placement that was not confirmed goes back to, if that is still to be had: the VM lives,
 * and nobody else has got its CPUs. */
static const struct placement *former(const struct now *now, const struct ledger *l,
	const struct placement *p, const struct ledger *next)
{
	const struct placement *before = ledger_before(l, p);
	if (!before || !is_running(now, before))
		return NULL;
	array_for_each (other, &next->placements) {
		if (cpuset_intersects(&other->claim_cpus, &before->claim_cpus))
			return NULL;
	}
	return before;
}

/* What is in force afterwards. */
static int keep_placements(const struct now *now, const struct ledger *l,
	const enum undo_fate *fates, struct ledger *next, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < l->placements.n; i++) {
		const struct placement *p = &l->placements.v[i], *before = ledger_before(l, p);
		if (fates[i] != UNDO_STAYS || !is_running(now, p))
			continue;
		r = ledger_add_placement(next, p);
		if (r == 0 && before)
			r = ledger_add_before(next, before);
		if (r < 0)
			return err_set(e, r, "keep what is applied for %s", p->vm);
	}
	for (size_t i = 0; i < l->placements.n; i++) {
		const struct placement *p = &l->placements.v[i];
		const struct placement *before =
			fates[i] == UNDO_GOES_BACK ? former(now, l, p, next) : NULL;
		if (before && (r = ledger_add_placement(next, before)) < 0)
			return err_set(e, r, "keep what was applied for %s", p->vm);
	}
	return 0;
}

static bool is_in_force(const struct ledger *l, const struct placement *p)
{
	array_for_each (other, &l->placements) {
		if (other->pid == p->pid && other->start == p->start)
			return true;
	}
	return false;
}

static bool ends_all(const struct ledger *l, const enum undo_fate *fates)
{
	for (size_t i = 0; i < l->placements.n; i++)
		if (fates[i] != UNDO_GOES)
			return false;
	return true;
}

/* Where nothing stays in force, who may run where is enough: caches, nodes and managers take longer
 * than all the rest. *ret_vms is then NULL. */
static int look(struct host *h, const struct ledger *l, const enum undo_fate *fates,
	struct snapshot **ret, struct vms **ret_vms, struct err *e)
{
	if (ends_all(l, fates))
		return snapshot_read(h, SNAPSHOT_SITTERS, ret, e);
	const struct claims claims = { .placements = l->placements.v, .n = l->placements.n };
	int r = snapshot_read(h, SNAPSHOT_ALL, ret, e);
	return r < 0 ? r : vms_find_about(h, *ret, claims_are_about, &claims, ret_vms, e);
}

int undo_placements(struct host *h, const struct ledger *l, const enum undo_fate *fates,
	struct changes **ret, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = NULL;
	AUTO_VMS struct vms *all = NULL;
	AUTO_LEDGER struct ledger *next = ledger_new();
	AUTO_CHANGES struct changes *changes = NULL;
	next->boot_id = l->boot_id;
	next->operation = "undo";
	next->is_forward = true;
	if (!l->placements.n && !l->entries.n && !l->damaged.n) {
		*ret = changes_new();
		ledger_add_strangers((*ret)->owed, l);
		return 0;
	}
	if (look(h, l, fates, &s, &all, e) < 0)
		return e->code;
	if (keep_placements(&(struct now){ s, all }, l, fates, next, e) < 0)
		return e->code;
	struct cpuset ours = claims_sum(l->placements.v, l->placements.n);
	struct claims claims = claims_of(s, next->placements.v, next->placements.n, &ours);
	claims_add_own_masks(&claims, l, &next->arena);
	placements_share(s, &claims, &next->arena, next->placements.v, next->placements.n);
	AUTO_SETTINGS struct settings *settings = settings_for(s, all, &claims);
	int r = changes_plan(h, l, settings, &changes, e);
	if (r < 0)
		return r;
	array_for_each (p, &l->placements) {
		if (!is_in_force(next, p) && placement_is_running(p, s, all))
			changes_add_late_threads(h, l, p->pid, changes);
	}
	r = transaction_run(h, changes, next, NULL, e);
	if (r == 0)
		*ret = TAKE(changes);
	return r;
}

enum undo_part undo_part_of(const struct change *c)
{
	if (c->state == CHANGE_KEPT)
		return UNDO_KEPT;
	if (c->state == CHANGE_FAILED)
		return UNDO_REFUSED;
	if (c->aim != AIM_BACK || c->state == CHANGE_UNTOUCHED || c->state == CHANGE_LATER)
		return UNDO_UNTOLD;
	return c->state == CHANGE_GONE ? UNDO_GONE : UNDO_RESTORED;
}

enum outcome undo_outcome(const struct changes *changes)
{
	enum outcome worst = OUTCOME_DONE;
	array_for_each (c, &changes->v) {
		enum undo_part part = undo_part_of(c);
		if (part == UNDO_REFUSED)
			worst = OUTCOME_RESIDUE;
		else if (part == UNDO_KEPT && worst == OUTCOME_DONE)
			worst = OUTCOME_REPORT;
	}
	return changes->owed->strangers.n ? OUTCOME_RESIDUE : worst;
}

enum outcome undo_named(
	struct host *h, const char *const *words, size_t n_words, struct undo *ret, struct err *e)
{
	AUTO_LEDGER struct ledger *l = NULL;
	AUTO_FREE bool *is_meant = NULL;
	if (ledger_read(h, &l, e) < 0 || lookup_placements(h, l, words, n_words, &is_meant, e) < 0)
		return OUTCOME_UNCHANGED;
	AUTO_FREE enum undo_fate *fates = xcalloc(l->placements.n + 1, sizeof *fates);
	for (size_t i = 0; i < l->placements.n; i++)
		fates[i] = is_meant[i] ? UNDO_GOES : UNDO_STAYS;
	int r = undo_placements(h, l, fates, &ret->changes, e);
	if (r < 0)
		return r == -ENOTRECOVERABLE ? OUTCOME_RESIDUE : OUTCOME_UNCHANGED;
	ret->n_damaged = l->damaged.n;
	struct start_dropins none = { 0 };
	if (!n_words && start_dropins_set(h, &none, e) < 0)
		return OUTCOME_RESIDUE;
	return ret->n_damaged ? OUTCOME_RESIDUE : undo_outcome(ret->changes);
}
