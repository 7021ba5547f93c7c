/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/undo.h"

#include <errno.h>

#include "apply/transaction.h"
#include "base/str.h"
#include "model/snapshot.h"
#include "plan/settings.h"
#include "session/planning.h"
#include "vm/vm.h"

void undo_done(struct undo *u)
{
	changes_freep(&u->changes);
}

static bool is_among(const char *vm, const char *const *vms, size_t n_vms)
{
	if (!vms)
		return true;
	for (size_t i = 0; i < n_vms; i++)
		if (streq(vms[i], vm))
			return true;
	return false;
}

int undo_vms(struct host *h, const struct ledger *l, const char *const *vms, size_t n_vms,
	struct changes **ret, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = NULL;
	AUTO_VMS struct vms *all = NULL;
	AUTO_LEDGER struct ledger *next = ledger_new();
	AUTO_CHANGES struct changes *changes = NULL;
	next->boot_id = l->boot_id;
	next->operation = "undo";
	next->is_forward = true;
	if (!l->placements.n && !l->entries.n) {
		*ret = xcalloc(1, sizeof **ret);
		return 0;
	}
	if (snapshot_read(h, SNAPSHOT_ALL, &s, e) < 0 || vms_find(h, s, &all, e) < 0)
		return e->code;
	array_for_each (p, &l->placements) {
		if (!is_among(p->vm, vms, n_vms) && placement_is_running(p, s, all))
			ledger_add_placement(next, p);
	}
	struct cpuset ours = claims_sum(l->placements.v, l->placements.n);
	struct claims claims = claims_of(s, next->placements.v, next->placements.n, &ours);
	placements_share(s, &claims, &next->arena, next->placements.v, next->placements.n);
	AUTO_SETTINGS struct settings *settings = settings_for(s, all, &claims);
	int r = changes_plan(h, l, settings, &changes, e);
	array_for_each (p, &l->placements) {
		if (r == 0 && is_among(p->vm, vms, n_vms) && placement_is_running(p, s, all))
			r = changes_add_late_threads(h, l, p->pid, changes);
	}
	if (r == 0)
		r = transaction_run(h, changes, next, NULL, e);
	if (r == 0)
		*ret = TAKE(changes);
	return r;
}

/* Names to ids of what is applied; a VM need not run any more to be undone. */
static int resolve(
	const struct ledger *l, const char *const *words, size_t n, const char **ret, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		ret[i] = NULL;
		array_for_each (p, &l->placements) {
			if (placement_is_called(p, words[i]))
				ret[i] = p->vm;
		}
		if (!ret[i])
			return err_say(e, -ENOENT,
				"nothing is applied for '%s'; see wideberth status", words[i]);
	}
	return 0;
}

enum undo_part undo_part_of(const struct change *c)
{
	if (c->result == CHANGE_KEPT)
		return UNDO_KEPT;
	if (c->result == CHANGE_FAILED || (c->result == CHANGE_IMMOVABLE && c->is_released))
		return UNDO_REFUSED;
	if (!c->is_released || c->is_untouched || c->result == CHANGE_PENDING)
		return UNDO_UNTOLD;
	return c->result == CHANGE_GONE ? UNDO_GONE : UNDO_RESTORED;
}

static enum outcome outcome_of(const struct undo *u)
{
	enum outcome worst = OUTCOME_DONE;
	array_for_each (c, &u->changes->v) {
		enum undo_part part = undo_part_of(c);
		if (part == UNDO_REFUSED)
			worst = OUTCOME_RESIDUE;
		else if (part == UNDO_KEPT && worst == OUTCOME_DONE)
			worst = OUTCOME_REPORT;
	}
	return u->n_damaged ? OUTCOME_RESIDUE : worst;
}

enum outcome undo_named(
	struct host *h, const char *const *words, size_t n_words, struct undo *ret, struct err *e)
{
	AUTO_LEDGER struct ledger *l = NULL;
	if (ledger_read(h, &l, e) < 0)
		return OUTCOME_UNCHANGED;
	AUTO_FREE const char **vms = xcalloc(n_words, sizeof *vms);
	int r = resolve(l, words, n_words, vms, e);
	if (r == 0)
		r = undo_vms(h, l, words ? vms : NULL, n_words, &ret->changes, e);
	if (r < 0)
		return r == -ENOTRECOVERABLE ? OUTCOME_RESIDUE : OUTCOME_UNCHANGED;
	ret->n_damaged = l->n_damaged;
	return outcome_of(ret);
}
