/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/status.h"

#include <errno.h>

#include "host/host.h"
#include "session/confirm.h"
#include "session/lookup.h"
#include "session/planning.h"

void status_done(struct status *s)
{
	ledger_freep(&s->ledger);
	ledger_freep(&s->journal);
	drifts_freep(&s->drifts);
	array_for_each (v, &s->vms)
		free(v->life.events.v);
	free(s->vms.v);
	arena_done(&s->arena);
	verdict_done(&s->verdict);
	keeper_done(&s->keeper);
}

bool status_has_residue(const struct status *s)
{
	return s->ledger->strangers.n || (!s->ledger->placements.n && s->ledger->entries.n);
}

bool status_is_overdue(const struct status *s, const struct placement *p)
{
	return p->confirm_ns && s->now_ns > p->confirm_ns;
}

static const struct vm *vm_of(const struct vms *vms, const struct placement *p)
{
	for (size_t i = 0; vms && i < vms->n_vms; i++)
		if (vms->vms[i].pid == p->pid && vms->vms[i].start == p->start)
			return &vms->vms[i];
	return NULL;
}

static struct status_vm state_of(struct host *h, struct status *s, const struct placement *p)
{
	const struct snapshot *snapshot = s->verdict.snapshot;
	const struct vms *vms = s->verdict.vms;
	const struct vm *next = placement_successor(p, snapshot, vms);
	if (next)
		return (struct status_vm){
			.placement = p, .state = VM_RESTARTED, .pid = next->pid
		};
	bool is_running = placement_is_running(p, snapshot, vms);
	struct status_vm v = { .placement = p, .state = is_running ? VM_RUNNING : VM_ENDED };
	const struct vm *vm = vm_of(vms, p);
	if (vm)
		life_read(h, s->ledger, p, vm, &snapshot->online_cpus, &s->arena, &v.life);
	return v;
}

enum outcome status_read(
	struct host *h, const char *const *words, size_t n_words, struct status *ret, struct err *e)
{
	*ret = (struct status){ .is_whole = true };
	if (ledger_read_journal(h, &ret->journal, e) < 0 || ledger_read(h, &ret->ledger, e) < 0)
		return OUTCOME_UNCHANGED;
	if (confirm_deadline(ret->ledger))
		ret->now_ns = host_clock_ns(h);
	if (keeper_read(h, &ret->keeper) < 0)
		ret->keeper = (struct keeper){ 0 };
	if (verdict_of_ledger(h, ret->ledger, &ret->verdict, e) < 0)
		return OUTCOME_UNCHANGED;
	ret->drifts = drifts_read(h, ret->ledger);
	AUTO_FREE bool *is_meant = NULL;
	bool is_overdue = false;
	if (lookup_placements(h, ret->ledger, words, n_words, &is_meant, e) < 0)
		return OUTCOME_UNCHANGED;
	for (size_t i = 0; i < ret->ledger->placements.n; i++) {
		const struct placement *p = &ret->ledger->placements.v[i];
		if (!is_meant[i])
			continue;
		struct status_vm v = state_of(h, ret, p);
		ret->is_whole &= v.state == VM_RUNNING && !v.life.events.n;
		is_overdue |= status_is_overdue(ret, p);
		*array_push(&ret->vms) = v;
	}
	bool is_content = !ret->drifts->v.n && !ret->journal && !status_has_residue(ret) &&
		!ret->ledger->damaged.n && ret->is_whole && !is_overdue &&
		!verdict_has_intruders(&ret->verdict);
	return is_content ? OUTCOME_DONE : OUTCOME_REPORT;
}
