/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/host-can.h"
#include "session/planning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "host/host.h"
#include "model/task.h"
#include "session/policy-files.h"
#include "vm/memory.h"
#include "vm/lookup.h"

void planning_done(struct planning *p)
{
	changes_freep(&p->changes);
	settings_freep(&p->settings);
	intruders_freep(&p->displaced);
	free(p->all.v);
	placements_freep(&p->placements);
	ledger_freep(&p->ledger);
	policy_freep(&p->policy);
	vms_freep(&p->vms);
	snapshot_freep(&p->snapshot);
}

bool placement_is_alive(struct host *h, const struct placement *p)
{
	return task_check(h, p->pid, p->start) == 0;
}

enum outcome planning_outcome(const struct planning *p)
{
	bool has_more = p->placements->n_refused || p->ledger->damaged.n;
	return has_more ? OUTCOME_REPORT : OUTCOME_DONE;
}

/* What a thread has by now may be its group's set, because nothing of its own was left, or because
 * the kernel gave it that when a partition was made or went. A kernel thread that we moved, and
 * that had all CPUs, would have them again if it were left alone. */
void claims_add_own_masks(struct claims *claims, const struct ledger *l, struct arena *a)
{
	ARRAY(struct own_mask) masks = { 0 };
	array_for_each (entry, &l->entries) {
		struct own_mask m;
		bool is_kthread = streq(entry->knob->name, "kthread.affinity");
		bool is_own = streq(entry->knob->name, "task.affinity") &&
			entry->baseline.kind == VALUE_SET;
		if ((is_kthread || is_own) && str_to_int(entry->key, &m.tid) == 0 && entry->id &&
			str_to_u64(entry->id, &m.start) == 0)
			*array_push(&masks) = m;
	}
	claims->own_masks = arena_dup(a, masks.v, masks.n, sizeof *masks.v);
	claims->n_own_masks = masks.n;
	free(masks.v);
}

struct indexes {
	ARRAY(size_t) v;
};

/* What is found out of the VMs that a plan may be for. */
struct selection {
	const struct planning *p;
	bool *is_named;           /* by VM: the word of this turn means it */
	const struct vm *foreign; /* one that a policy would mean if it were its owner's, or NULL */
};

/* Whether the policy, with the options in it, means the VM. */
static bool is_wanted(struct selection *s, const struct vm *vm)
{
	struct vm_wish wish;
	if (!policy_for_vm(s->p->policy, vm->id, vm->name, vm->uuid, &wish))
		return false;
	if (vm_is_of(vm, wish.owner))
		return true;
	s->foreign = vm;
	return false;
}

/* Those that a plan is for, and those in force, which are derived anew. */
struct about {
	const struct option_values *options;
	const struct planning *p;
};

static bool is_about(const void *context, const struct vm *vm)
{
	const struct about *about = context;
	struct vm_wish wish;
	bool has_words = false;
	array_for_each (old, &about->p->ledger->placements)
		if (old->pid == vm->pid)
			return true;
	array_for_each (o, about->options) {
		if (!streq(o->name, "vm"))
			continue;
		has_words = true;
		if (vm_matches(vm, o->value))
			return true;
	}
	return !has_words && policy_for_vm(about->p->policy, vm->id, vm->name, vm->uuid, &wish) &&
		vm_is_of(vm, wish.owner);
}

static int say_foreign(const struct vm *vm, struct err *e)
{
	return err_say(e, -EPERM,
		"%s (pid %d) is run by user %s%s, and neither Proxmox VE nor libvirt vouches for "
		"it: it is meant only with owner = %s in its section, or --owner",
		vm->id, vm->pid, vm->user, vm->is_in_container ? " in a container" : "", vm->user);
}

/* The VMs that a --vm means. */
static int select_word(struct selection *s, const char *word, bool *is_selected, struct err *e)
{
	const struct vms *vms = s->p->vms;
	bool is_any = false;
	memset(s->is_named, 0, vms->n_vms);
	int n = vms_select(vms, word, s->is_named, e);
	if (n < 0)
		return n;
	if (!n)
		return vms_say_none(vms, word, e);
	s->foreign = NULL;
	for (size_t i = 0; i < vms->n_vms; i++) {
		if (!s->is_named[i] || !is_wanted(s, &vms->vms[i]))
			continue;
		is_selected[i] = is_any = true;
	}
	return !is_any && s->foreign ? say_foreign(s->foreign, e) : 0;
}

/* A section that names a VM names one: of those that it may mean at all. */
static int check_sections(struct selection *s, struct err *e)
{
	const struct vms *vms = s->p->vms;
	AUTO_FREE struct vm_ident *all = xcalloc(vms->n_vms + 1, sizeof *all);
	AUTO_FREE size_t *found = xcalloc(vms->n_vms + 1, sizeof *found);
	const char *name, *source;
	size_t n = 0;
	for (size_t i = 0; i < vms->n_vms; i++)
		if (is_wanted(s, &vms->vms[i]))
			all[n++] = vm_ident(&vms->vms[i]);
	for (size_t i = 0; policy_vm_section(s->p->policy, i, &name, &source); i++)
		if (vm_lookup(all, n, name, found, e) < 0)
			return err_ctx(e, "%s: [vm %s]", source, name);
	return 0;
}

/* With --vm those, else all that a section of the policy names. */
static int select_vms(const struct option_values *options, const struct planning *p,
	bool may_be_none, struct indexes *ret, struct err *e)
{
	size_t n = p->vms->n_vms;
	AUTO_FREE bool *named = xcalloc(n + 1, sizeof *named);
	AUTO_FREE bool *selected = xcalloc(n + 1, sizeof *selected);
	struct selection s = { .p = p, .is_named = named };
	bool has_words = false;
	int r = 0;
	array_for_each (o, options) {
		if (r < 0 || !streq(o->name, "vm"))
			continue;
		has_words = true;
		r = select_word(&s, o->value, selected, e);
	}
	if (r == 0 && !has_words)
		r = check_sections(&s, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (has_words ? selected[i] : is_wanted(&s, &p->vms->vms[i]))
			*array_push(&ret->v) = i;
	if (r < 0 || ret->v.n || may_be_none)
		return r;
	if (s.foreign)
		return say_foreign(s.foreign, e);
	if (p->vms->unseen)
		return err_say(e, -ENOENT, "no running VM that is seen is named by the policy: %s",
			p->vms->unseen);
	return err_say(e, -ENOENT,
		"no running VM is named by the policy; name one with --vm VM, or in a "
		"[vm NAME] section of /etc/wideberth/wideberth.conf");
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
	struct claims new_claims =
		claims_of(p->snapshot, p->placements->v, p->placements->n, &ours);
	p->displaced = intruders_find(p->snapshot, p->vms, &new_claims, NULL);
	p->claims = claims_of(p->snapshot, p->all.v, p->all.n, &ours);
	claims_add_own_masks(&p->claims, p->ledger, &p->placements->arena);
	placements_share(p->snapshot, &p->claims, &p->placements->arena, p->all.v, p->all.n);
}

/* Of those that are placed: moving a VM away from its memory is what placing must not do, and one
 * that idles needs no CPUs of its own. */
static void read_more(struct host *h, struct planning *p, const struct indexes *wanted)
{
	array_for_each (i, &wanted->v) {
		struct vm *vm = &p->vms->vms[*i];
		struct vm_memory *memory = arena_alloc(&p->vms->arena, sizeof *memory);
		vm_memory_read(h, p->vms, vm, false, memory);
		vm->memory = memory;
		vm_read_times(h, vm);
	}
}

static bool has_option(const struct option_values *options, const char *name)
{
	array_for_each (o, options)
		if (streq(o->name, name))
			return true;
	return false;
}

/* What this program costs is no fact of the host: not asked through it. */
static uint64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int place(struct host *h, const struct option_values *options, bool may_be_none,
	struct planning *p, struct err *e)
{
	struct indexes wanted = { 0 };
	int r = select_vms(options, p, may_be_none, &wanted, e);
	if (r == 0)
		read_more(h, p, &wanted);
	uint64_t began_ns = clock_ns();
	if (r == 0)
		r = (has_option(options, "explain") ? place_vms_explained : place_vms)(p->snapshot,
			p->vms, p->policy, wanted.v.v, wanted.v.n, p->ledger->placements.v,
			p->ledger->placements.n, &p->placements, e);
	if (r == 0)
		p->placements->plan_ns = clock_ns() - began_ns;
	free(wanted.v.v);
	return r;
}

static enum outcome plan(struct host *h, const struct option_values *options, bool may_be_none,
	struct planning *p, struct err *e)
{
	const struct about about = { options, p };
	if (ledger_look(h, &p->ledger, e) < 0 ||
		snapshot_read(h, SNAPSHOT_ALL | SNAPSHOT_PCI, &p->snapshot, e) < 0 ||
		vms_find_about(h, p->snapshot, is_about, &about, &p->vms, e) < 0)
		return OUTCOME_UNCHANGED;
	bool is_fighting;
	p->tuned_profile = tuned_profile(h, p->snapshot, &p->snapshot->arena, &is_fighting);
	p->tuned_profile = is_fighting ? p->tuned_profile : NULL;
	int r = place(h, options, may_be_none, p, e);
	if (r < 0)
		return r == -EINVAL ? OUTCOME_MISUSE : OUTCOME_UNCHANGED;
	collect(p);
	p->settings = settings_for(p->snapshot, p->vms, &p->claims);
	if (changes_plan(h, p->ledger, p->settings, &p->changes, e) < 0)
		return OUTCOME_UNCHANGED;
	return OUTCOME_DONE;
}

enum outcome planning_make(
	struct host *h, const struct option_values *options, struct planning *p, struct err *e)
{
	if (policy_read(h, options, &p->policy, e) < 0)
		return OUTCOME_MISUSE;
	return plan(h, options, false, p, e);
}

enum outcome planning_keep(struct host *h, struct policy *policy, struct planning *p, struct err *e)
{
	const struct option_values none = { 0 };
	p->policy = policy;
	return plan(h, &none, true, p, e);
}
