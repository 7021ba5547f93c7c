/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of a VM that runs as placed: what was added to it, taken away, or made anew, since.
 */
#pragma once

#include "apply/ledger.h"

struct host;
struct vm;

struct life {
	ARRAY(const char *) events; /* "vCPU 4 was added (thread 4711)" */
};

/* online: the host's CPUs now. The events are in the arena; life->events.v is the caller's to free.
 */
void life_read(struct host *h, const struct ledger *l, const struct placement *p,
	const struct vm *vm, const struct cpuset *online, struct arena *a, struct life *ret);
