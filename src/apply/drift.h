/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel has, against what was applied. Reads only. */
#pragma once

#include "apply/ledger.h"

/* One setting that is not as applied. */
struct drift {
	const struct entry *entry;
	const char *expected;
	const char *actual;  /* also "gone", "unreadable: WHY" */
	const char *suspect; /* who, and the evidence; "unknown" without */
};

struct drifts {
	struct arena arena;
	ARRAY(struct drift) v;
	size_t n_gone; /* settings that ended with what they were of: no drift */
};

/* Compares every setting of the ledger with the kernel. */
struct drifts *drifts_read(struct host *h, const struct ledger *l) MUST_CHECK;
void drifts_free(struct drifts *d);
DEFINE_CLEANUP(struct drifts, drifts_free)
#define AUTO_DRIFTS CLEANUP(drifts_freep)
