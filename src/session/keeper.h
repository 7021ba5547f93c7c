/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of the daemon that keeps this host, for status: the file "daemon" of the state
 * directory, which it writes after each step. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "session/recall.h"

struct host;

struct keeper {
	int pid;        /* 0: there never was one since boot */
	uint64_t start; /* with pid an identity */
	uint64_t since_us,
		last_us;      /* since the epoch; when it began, and looked last (0: not yet) */
	uint64_t n_looks;     /* steps */
	bool is_shadow;       /* it only tells what it would do */
	int code;             /* the exit code of the last step */
	bool is_running;      /* not saved: the process lives */
	struct recall recall; /* not saved: what it repaired, gave up, and told */
};

/* -EACCES: only root may know. Else what cannot be read is not there. To be freed with
 * keeper_done(). */
int keeper_read(struct host *h, struct keeper *ret) MUST_CHECK;
void keeper_done(struct keeper *k);
#define AUTO_KEEPER CLEANUP(keeper_done)
int keeper_write(struct host *h, const struct keeper *k, struct err *e) MUST_CHECK;
