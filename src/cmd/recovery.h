/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How every command that changes things begins: alone, and on a host without unfinished business.
 */
#pragma once

#include "apply/transaction.h"
#include "cmd/cmd.h"

/* Takes the lock, ends or takes back an unfinished transaction, and undoes one that nobody
 * confirmed in time. Returns 0 or an exit code. */
int recovery_begin(struct context *c, int *ret_lock, struct err *e) MUST_CHECK;

/* Appends what could not be put back; false when there is nothing. */
bool recovery_residue(const struct changes *back, struct strbuf *ret);

/* The same as rows of failed[]. */
json_t *recovery_residue_json(const struct changes *back) MUST_CHECK;

/* Undoes these VMs (NULL: all) with the lock held; what became of each change is in *ret. */
int undo_vms(struct context *c, const struct ledger *l, const char *const *vms, size_t n_vms,
	struct changes **ret, struct err *e) MUST_CHECK;

/* Leaves a process behind, without the lock, that undoes the transaction unless it is confirmed in
 * time. */
int confirm_watch(struct context *c, const struct ledger *l, int lock, struct err *e) MUST_CHECK;
