/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a manager's hook asks when a VM is about to start, before it has a process.
 *
 * A start is never held up by faults of ours: what cannot be read, or a policy that makes no sense,
 * lets it go on. Only a VM whose policy says strict = yes, and whose plan says that it would not
 * get what the policy asks, does not start.
 */
#pragma once

#include "base/err.h"
#include "vm/expected.h"

struct host;

enum gate {
	GATE_OPEN,   /* it may start */
	GATE_CLOSED, /* it must not: e says why */
	GATE_BROKEN, /* it may, but e says what failed */
};

/* Nobody's libvirt is asked: it waits for its hook. Where the policy wants it (compact = yes), the
 * memory of the nodes that the VM would be on is compacted first. */
/* With memory = strict a libvirt domain's scope is prepared, so that all its memory is of the nodes
 * of its CPUs. */
enum gate hook_gate(struct host *h, const struct vm_expectation *who, struct err *e) MUST_CHECK;
/* A libvirt domain has ended: what was prepared for its scope goes. 0 or a negative errno. */
int hook_forget(struct host *h, const char *domain) MUST_CHECK;
