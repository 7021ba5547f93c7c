/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The picture of a host and who sits where: the same for show, plan and status. */
#pragma once

#include "base/cpuset.h"

struct picture;
struct snapshot;

struct vcpu_mark {
	int vcpu, cpu;
};

/* A VM and its CPUs. A CPU that several VMs have is drawn as shared, and so is one of housekeeping
 * that VMs may run on. */
struct host_picture_owner {
	const char *vm; /* as the legend calls it: "100 win11" */
	struct cpuset claim_cpus;
	const struct vcpu_mark *marks;
	size_t n_marks;
	bool is_guest; /* none are its own: they are housekeeping's, where that has them */
};

struct host_picture {
	const char *title;
	const struct host_picture_owner *owners;
	size_t n_owners;
	const char *several; /* what CPUs of several owners are called; NULL: "several VMs" */
	const char *nobody;  /* and those of none; NULL: "free" with housekeeping, else "no VM" */
	const struct cpuset *housekeeping; /* or NULL: there is no such set */
	const double *heat; /* by CPU number, 0 … 1 or negative for unknown; or NULL */
	size_t n_heat;
	const char *heat_label; /* what the heat is, for the legend; or NULL */
};

/* Sockets → NUMA nodes → L3 domains → cores → CPUs. The caller owns the picture. */
struct picture *host_picture(const struct snapshot *s, const struct host_picture *h) MUST_CHECK;
