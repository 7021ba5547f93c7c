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
