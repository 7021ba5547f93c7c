/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/planning.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/host.h"
#include "session/policy-files.h"
#include "model/task.h"

void planning_done(struct planning *p)
{
	changes_freep(&p->changes);
	settings_freep(&p->settings);
	free(p->all.v);
	placements_freep(&p->placements);
	ledger_freep(&p->ledger);
	policy_freep(&p->policy);
	vms_freep(&p->vms);
	snapshot_freep(&p->snapshot);
}

bool placement_is_called(const struct placement *p, const char *word)
{
	return streq(p->vm, word) || (p->name && streq(p->name, word));
}

bool placement_is_alive(struct host *h, const struct placement *p)
{
	AUTO_FREE char *stat = NULL;
	struct task t;
	return host_read(h, &stat, NULL, "proc/%d/stat", p->pid) == 0 &&
		task_parse_stat(stat, &t) == 0 && t.start == p->start;
}

static bool is_named(const struct option_values *options, const struct vm *vm)
{
	bool has_names = false;
	array_for_each (o, options) {
		if (!streq(o->name, "vm"))
			continue;
		has_names = true;
		if (vm_matches(vm, o->value))
			return true;
	}
	return !has_names;
}

struct indexes {
	ARRAY(size_t) v;
};

/* With --vm those, else all that a section of the policy names. */
static int select_vms(const struct option_values *options, const struct planning *p,
	struct indexes *ret, struct err *e)
{
	for (size_t i = 0; i < p->vms->n_vms; i++) {
		const struct vm *vm = &p->vms->vms[i];
		struct vm_wish wish;
		if (is_named(options, vm) &&
			policy_for_vm(p->policy, vm->id, vm->name, vm->uuid, &wish))
			*array_push(&ret->v) = i;
	}
	array_for_each (o, options) {
		if (streq(o->name, "vm") && !vms_lookup(p->vms, o->value))
			return err_say(e, -ENOENT, "no running VM matches '%s'; see wideberth vms",
				o->value);
	}
	if (!ret->v.n)
		return err_say(e, -ENOENT,
			"no running VM is named by the policy; name one with --vm VM, or in a [vm "
			"NAME]"
			" section of /etc/wideberth/wideberth.conf");
	return 0;
}

/* Those in force whose VM lives, and is not placed anew; and who has which CPUs then. */
static void collect(struct planning *p)
{
	struct cpuset ours = claims_sum(p->ledger->placements.v, p->ledger->placements.n);
	array_for_each (old, &p->ledger->placements) {
		const struct vm *vm = placement_vm(old, p->vms);
		bool is_kept = placement_is_running(old, p->snapshot, p->vms);
		for (size_t i = 0; vm && i < p->placements->n; i++)
			is_kept &= !placement_is_of(&p->placements->v[i], vm);
		if (is_kept)
			*array_push(&p->all) = *old;
	}
	p->n_kept = p->all.n;
	for (size_t i = 0; i < p->placements->n; i++)
		*array_push(&p->all) = p->placements->v[i];
	p->claims = claims_of(p->snapshot, p->all.v, p->all.n, &ours);
	placements_share(p->snapshot, &p->claims, &p->placements->arena, p->all.v, p->all.n);
}

static int place(const struct option_values *options, struct planning *p, struct err *e)
{
	struct indexes wanted = { 0 };
	int r = select_vms(options, p, &wanted, e);
	if (r == 0)
		r = place_vms(p->snapshot, p->vms, p->policy, wanted.v.v, wanted.v.n,
			p->ledger->placements.v, p->ledger->placements.n, &p->placements, e);
	free(wanted.v.v);
	return r;
}

enum outcome planning_make(
	struct host *h, const struct option_values *options, struct planning *p, struct err *e)
{
	if (policy_read(h, options, &p->policy, e) < 0)
		return OUTCOME_MISUSE;
	if (ledger_read(h, &p->ledger, e) < 0 ||
		snapshot_read(h, SNAPSHOT_ALL, &p->snapshot, e) < 0 ||
		vms_find(h, p->snapshot, &p->vms, e) < 0)
		return OUTCOME_UNCHANGED;
	int r = place(options, p, e);
	if (r < 0)
		return r == -EINVAL ? OUTCOME_MISUSE : OUTCOME_UNCHANGED;
	collect(p);
	p->settings = settings_for(p->snapshot, p->vms, &p->claims);
	if (changes_plan(h, p->ledger, p->settings, &p->changes, e) < 0)
		return OUTCOME_UNCHANGED;
	return OUTCOME_DONE;
}
