/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which VMs a word means: one rule for every command, for the sections of a policy, and for VMs
 * that run as for those that something is applied to. Pure. */
#pragma once

#include "base/alloc.h"
#include "base/err.h"
#include "vm/vm.h"

/* Who a VM is. */
struct vm_ident {
	const char *id, *name, *uuid; /* name, uuid: NULL where it has none */
	int pid;
	const char *user; /* who runs it; NULL: unknown */
	bool is_managed;  /* its manager vouches for id, name and UUID */
};

struct vm_ident vm_ident(const struct vm *vm);

/*
 * Looks for the word among n VMs; ret has room for n indexes. A VM whose id, name or UUID it is is
 * meant by it, and only where there is none the word is a glob, which may mean several: "win10
 * [gaming]" means the VM of that name. What a manager vouches for is nobody else's: a bare QEMU of
 * the same name is not meant. Returns how many are, in order of their indexes; 0: none; or
 *-ENOTUNIQ where two are called so: 'db01' fits 2 VMs: db01 (pid 301, user root) and 9000 (pid
 *9000, user alice); name one by its id
 */
int vm_lookup(const struct vm_ident *all, size_t n, const char *word, size_t *ret,
	struct err *e) MUST_CHECK;

/* The same among VMs that run, as bits: room for vms->n_vms of them, set where meant and else left
 * alone. */
int vms_select(const struct vms *vms, const char *word, bool *is_meant, struct err *e) MUST_CHECK;

/* -ENOENT: none of them matches the word, or, where others cannot be seen, that there may be. */
int vms_say_none(const struct vms *vms, const char *word, struct err *e);

/* A vm_about_fn: context is a struct vm_words, and one of the words may mean the VM; where there
 * are none, all are meant. */
struct vm_words {
	const char *const *v;
	size_t n;
};
bool vm_is_among(const void *context, const struct vm *vm);

/* True when a policy that says 'owner' (NULL: it does not, which is root) may mean the VM: its
 * manager vouches for it, or it is that user's, by name or number. Not what runs in a container,
 * unless the policy says whose it is. Where nobody knows the user, as in a dump without
 * /proc/PID/status, it may. */
bool vm_is_of(const struct vm *vm, const char *owner);
