/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How it ended what was asked of a host; commands make exit codes of it, the daemon its decisions.
 */
#pragma once

/* In the order of how bad it is. */
enum outcome {
	OUTCOME_DONE,      /* done; nothing to report */
	OUTCOME_REPORT,    /* done, and there is something to report: drift, a refused VM */
	OUTCOME_MISUSE,    /* the words or the policy make no sense; err says where */
	OUTCOME_UNCHANGED, /* failed, and the machine is as it was */
	OUTCOME_RESIDUE,   /* failed, and something could not be put back */
};
