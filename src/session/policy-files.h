/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the policy comes from: the host's files or those of --policy, then the options. */
#pragma once

#include "base/err.h"
#include "policy/policy.h"
#include "session/options.h"

struct host;

/*
 * Reads and checks the whole policy. Without --policy the files are those of /etc/pve/wideberth,
 * which the nodes of a Proxmox VE cluster share, /etc/wideberth/wideberth.conf, and those of
 * /etc/wideberth/wideberth.conf.d, by name; where two say something, the later counts.
 * Returns 0 or a negative errno; an error names file and line.
 */
int policy_read(struct host *h, const struct option_values *options, struct policy **ret,
	struct err *e) MUST_CHECK;

/* The policy that a host is kept by: that of its files, or, where these are bad, the last one that
 * was good since boot. */
struct kept_policy {
	struct policy *policy;
	char *why_old; /* what is bad about the files, where it is an old one; or NULL */
	char *text;    /* not old: as it is kept */
	bool is_new;   /* not old, and not what is kept */
};

/* A negative errno where the files are bad and there is no old one. To be freed with
 * kept_policy_done() in any case. */
int policy_read_kept(struct host *h, struct kept_policy *ret, struct err *e) MUST_CHECK;
/* Keeps it, where it is new; with the lock held. */
int policy_keep(struct host *h, const struct kept_policy *k, struct err *e) MUST_CHECK;
void kept_policy_done(struct kept_policy *k);
#define AUTO_KEPT_POLICY CLEANUP(kept_policy_done)
