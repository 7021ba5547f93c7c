/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From placements to the value that every managed setting of the host should have.
 *
 * Pure: of the settings themselves it matters whether a group or a thread has one of its own, and
 * not which, so that the same list serves to apply, to check for drift, and, with one VM less, to
 * undo that VM and leave the others whole.
 */
#pragma once

#include "base/alloc.h"
#include "base/cpuset.h"
#include "plan/claims.h"

struct snapshot;
struct vms;

struct setting {
	const char *knob; /* a row of the knob table: "irq.affinity" */
	const char *key;  /* which one: "24", a cgroup's path, a unit's name, a TID */
	const char *id; /* what a successor under the same key would not share, or NULL: a thread's
			   start time, a cgroup's inode, an interrupt's name */
	const char *value;         /* the value to have; NULL: what it was without the CPUs below */
	const struct cpuset *with; /* CPUs to add to the set that it was */
	const struct cpuset *without;  /* CPUs to take out of the set that it was … */
	const struct cpuset *fallback; /* … and the set to have when nothing online is left */
	bool is_optional;              /* failing is reported, and no reason to give up */
	const char *why;
};

struct settings {
	struct arena arena;
	struct setting *v; /* in the order in which to apply; undo goes backwards */
	size_t n;
};

/* The settings that hold all the claims together. Threads and cgroups are looked up in the
 * snapshot; a placement whose VM is no longer there contributes only its claim. */
struct settings *settings_for(
	const struct snapshot *s, const struct vms *vms, const struct claims *claims) MUST_CHECK;
void settings_free(struct settings *s);
DEFINE_CLEANUP(struct settings, settings_free)
#define AUTO_SETTINGS CLEANUP(settings_freep)

/* The cgroup that wideberth makes for a VM's vCPUs, below the VM's own. */
#define VCPUS_GROUP "vcpus"
