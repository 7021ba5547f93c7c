/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply --confirm: undone by itself unless somebody who still can says that it may stay. */
#pragma once

#include "apply/ledger.h"
#include "session/outcome.h"

struct host;

/* Leaves a process behind, without the lock, that undoes the transaction unless it is confirmed in
 * time. */
enum outcome confirm_watch(
	struct host *h, const struct ledger *l, int lock, struct err *e) MUST_CHECK;

/* What waits stays; *ret is what it was ("apply db01"), malloc'ed. With the lock held. */
enum outcome confirm_all(struct host *h, char **ret, struct err *e) MUST_CHECK;
