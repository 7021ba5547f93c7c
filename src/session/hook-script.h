/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scripts by which managers call 'wideberth hook', put in place and taken away.
 *
 *	Proxmox VE	one for each VM, among the snippets of the storage "local"; the VM's key
 *			hookscript names it. One that the VM had is called first, its word counts,
 *			and it is put back in the end.
 *	libvirt		one for all domains, beside others, which it calls by name.
 */
#pragma once

#include "base/alloc.h"
#include "base/err.h"
#include "session/outcome.h"

struct host;

struct hook_wish {
	const char *manager;    /* "proxmox" or "libvirt" */
	const char *const *vms; /* VMIDs, of Proxmox VE */
	size_t n_vms;
	bool is_removal;
};

/* Done adds a line for each script: a sentence. OUTCOME_MISUSE: bad words, and nothing was changed;
 * OUTCOME_UNCHANGED: e says what failed; OUTCOME_RESIDUE: likewise, and what is told before it is
 * done and stays. */
enum outcome hook_script(struct host *h, const struct hook_wish *wish, struct strbuf *done,
	struct err *e) MUST_CHECK;
