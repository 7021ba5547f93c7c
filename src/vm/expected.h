/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM before it has a process: as its manager's configuration has it.
 *
 * It has no pid, and its vCPUs and I/O threads have no thread ids; else it is as one that runs, so
 * that a plan can say where it would go.
 */
#pragma once

#include "vm/vm.h"

/* Who is about to start: a guest of Proxmox VE by its VMID, or (0) a libvirt domain by its XML. */
struct vm_expectation {
	int vmid;
	const char *xml;
};

/* Adds it to those that run; *ret: its index. One of Proxmox VE that runs already is found instead.
 * Pointers into v->vms are void then. -ENOENT: it has no configuration here; -EINVAL: one that
 * tells no vCPUs; or another negative errno. */
int vms_expect(struct host *h, const struct snapshot *s, const struct vm_expectation *who,
	struct vms *v, size_t *ret, struct err *e) MUST_CHECK;
