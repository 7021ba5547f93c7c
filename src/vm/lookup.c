/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/lookup.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

enum { NAMED_MAX = 4 }; /* VMs that an error names */

struct vm_ident vm_ident(const struct vm *vm)
{
	return (struct vm_ident){
		.id = vm->id,
		.name = vm->name,
		.uuid = vm->uuid,
		.pid = vm->pid,
		.user = vm->user,
		.is_managed = vm->is_managed,
	};
}

static bool is_called(const struct vm_ident *vm, const char *word)
{
	return streq(vm->id, word) || (vm->name && streq(vm->name, word)) ||
		(vm->uuid && strcasecmp(vm->uuid, word) == 0);
}

static bool fits(const struct vm_ident *vm, const char *glob)
{
	return fnmatch(glob, vm->id, 0) == 0 || (vm->name && fnmatch(glob, vm->name, 0) == 0) ||
		(vm->uuid && fnmatch(glob, vm->uuid, FNM_CASEFOLD) == 0);
}

/* Leaves those that a manager vouches for, if there are any. */
static size_t drop_pretenders(const struct vm_ident *all, size_t *v, size_t n)
{
	size_t n_managed = 0;
	for (size_t i = 0; i < n; i++)
		n_managed += all[v[i]].is_managed;
	if (!n_managed || n_managed == n)
		return n;
	size_t n_kept = 0;
	for (size_t i = 0; i < n; i++)
		if (all[v[i]].is_managed)
			v[n_kept++] = v[i];
	return n_kept;
}

static int say_ambiguous(
	const struct vm_ident *all, const char *word, const size_t *v, size_t n, struct err *e)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	size_t n_named = n > NAMED_MAX ? NAMED_MAX : n;
	for (size_t i = 0; i < n_named; i++) {
		const struct vm_ident *vm = &all[v[i]];
		const char *between = !i ? "" : i + 1 < n ? ", " : " and ";
		strbuf_printf(&b, "%s%.60s (pid %d%s%.40s)", between, vm->id, vm->pid,
			vm->user ? ", user " : "", vm->user ? vm->user : "");
	}
	if (n > n_named)
		strbuf_printf(&b, " and %zu more", n - n_named);
	return err_say(e, -ENOTUNIQ, "'%.60s' fits %zu VMs: %s; name one by its id", word, n, b.s);
}

int vm_lookup(const struct vm_ident *all, size_t n, const char *word, size_t *ret, struct err *e)
{
	size_t n_found = 0;
	for (size_t i = 0; i < n; i++)
		if (is_called(&all[i], word))
			ret[n_found++] = i;
	size_t n_literal = n_found = drop_pretenders(all, ret, n_found);
	if (n_literal > 1)
		return say_ambiguous(all, word, ret, n_literal, e);
	for (size_t i = 0; i < n && !n_literal; i++)
		if (fits(&all[i], word))
			ret[n_found++] = i;
	return (int)n_found;
}

int vms_select(const struct vms *vms, const char *word, bool *is_meant, struct err *e)
{
	AUTO_FREE struct vm_ident *all = xcalloc(vms->n_vms + 1, sizeof *all);
	AUTO_FREE size_t *found = xcalloc(vms->n_vms + 1, sizeof *found);
	for (size_t i = 0; i < vms->n_vms; i++)
		all[i] = vm_ident(&vms->vms[i]);
	int n = vm_lookup(all, vms->n_vms, word, found, e);
	for (int i = 0; i < n; i++)
		is_meant[found[i]] = true;
	return n;
}

const struct vm *vms_lookup(const struct vms *v, const char *glob)
{
	for (size_t i = 0; i < v->n_vms; i++)
		if (vm_matches(&v->vms[i], glob))
			return &v->vms[i];
	return NULL;
}

bool vm_matches(const struct vm *vm, const char *glob)
{
	struct vm_ident who = vm_ident(vm);
	return is_called(&who, glob) || fits(&who, glob);
}

int vms_say_none(const struct vms *vms, const char *word, struct err *e)
{
	return err_say(e, -ENOENT, "no running VM matches '%s'%s%s", word,
		vms->unseen ? ": " : "; see wideberth vms", vms->unseen ? vms->unseen : "");
}

bool vm_is_among(const void *context, const struct vm *vm)
{
	const struct vm_words *words = context;
	for (size_t i = 0; i < words->n; i++)
		if (vm_matches(vm, words->v[i]))
			return true;
	return !words->n;
}

bool vm_is_of(const struct vm *vm, const char *owner)
{
	int uid;
	if (vm->is_managed || vm->uid < 0)
		return true;
	if (!owner)
		return vm->uid == 0 && !vm->is_in_container;
	return (vm->user && streq(vm->user, owner)) ||
		(str_to_int(owner, &uid) == 0 && uid == vm->uid);
}
