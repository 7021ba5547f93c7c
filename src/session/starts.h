/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is prepared for guests of Proxmox VE that the policy names, so that it holds when they
 * start: a scope that may be divided, and with memory = strict the nodes where the guest will be.
 */
#pragma once

#include "base/err.h"

struct arena;
struct host;
struct planning;
struct vm;
struct vm_wish;

/* Told of each guest that does not run: why its memory will not be where its policy wants it, or
 * NULL. */
typedef void starts_tell_fn(void *context, const char *id, const char *why);

/* Prepares just those that the policy isolates, and those in force, with the lock held; see
 * apply/start-dropin.h. VMs that are to start are added to p->vms: pointers into them are void. */
int starts_prepare(struct host *h, struct planning *p, starts_tell_fn *tell, void *context,
	struct err *e) MUST_CHECK;
/* Why memory = strict, where it is asked, would not hold for the VM of a planning_expect() if it
 * started now; NULL: it would. In the arena. */
const char *starts_why_not_strict(const struct planning *p, const struct vm *vm,
	const struct vm_wish *wish, struct arena *a) MUST_CHECK;
/* Of a libvirt domain that is about to start, where its hook was asked: with memory = strict its
 * scope gets the nodes where it will be. No lock is needed. */
int starts_prepare_domain(struct host *h, const struct planning *p, const struct vm *vm,
	const struct vm_wish *wish, struct err *e) MUST_CHECK;
/* No policy isolates any: keeps what is in force by other hands. */
int starts_forget(struct host *h, struct err *e) MUST_CHECK;
