/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/lookup.h"

#include <errno.h>

#include "model/snapshot.h"
#include "vm/lookup.h"

/* As the ledger knows it; of a VM that runs also what only it can tell. */
static struct vm_ident ident_of(const struct placement *p, const struct vms *vms)
{
	for (size_t i = 0; i < vms->n_vms; i++) {
		const struct vm *vm = &vms->vms[i];
		if (vm->pid != p->pid || vm->start != p->start)
			continue;
		struct vm_ident ident = vm_ident(vm);
		ident.id = p->vm;
		ident.name = p->name;
		return ident;
	}
	return (struct vm_ident){ .id = p->vm, .name = p->name, .pid = p->pid };
}

static int find(const struct ledger *l, const struct vms *vms, const char *const *words,
	size_t n_words, bool *ret, struct err *e)
{
	size_t n = l->placements.n;
	AUTO_FREE struct vm_ident *all = xcalloc(n + 1, sizeof *all);
	AUTO_FREE size_t *found = xcalloc(n + 1, sizeof *found);
	for (size_t i = 0; i < n; i++)
		all[i] = ident_of(&l->placements.v[i], vms);
	for (size_t k = 0; k < n_words; k++) {
		int n_found = vm_lookup(all, n, words[k], found, e);
		if (n_found < 0)
			return n_found;
		if (!n_found)
			return err_say(e, -ENOENT,
				"nothing is applied for '%s'; see wideberth status", words[k]);
		for (int i = 0; i < n_found; i++)
			ret[found[i]] = true;
	}
	return 0;
}

int lookup_placements(struct host *h, const struct ledger *l, const char *const *words,
	size_t n_words, bool **ret, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = NULL;
	AUTO_VMS struct vms *vms = NULL;
	AUTO_FREE bool *is_meant = xcalloc(l->placements.n + 1, sizeof *is_meant);
	int r = 0;
	for (size_t i = 0; i < l->placements.n && !n_words; i++)
		is_meant[i] = true;
	if (n_words) {
		r = snapshot_read(h, SNAPSHOT_TASKS | SNAPSHOT_CGROUPS, &s, e);
		if (r == 0)
			r = vms_find(h, s, &vms, e);
		if (r == 0)
			r = find(l, vms, words, n_words, is_meant, e);
	}
	if (r == 0)
		*ret = TAKE(is_meant);
	return r;
}
