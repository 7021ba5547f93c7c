/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/selection.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "vm/lookup.h"

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

bool selection_is_about(const void *context, const struct vm *vm)
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

int selection_make(const struct option_values *options, const struct planning *p, bool may_be_none,
	struct indexes *ret, struct err *e)
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
		if (has_words ? selected[i]
			      : is_wanted(&s, &p->vms->vms[i]) && !p->vms->vms[i].is_for_backup)
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
