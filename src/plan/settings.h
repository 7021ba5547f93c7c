/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From placements to the value that every managed setting of the host should have.
 *
 * Pure: of the settings themselves it matters whether a group or a thread has one of its own, and
 * not which, so that the same list serves to apply, to check for drift, and, with one VM less, to
 * undo that VM and leave the others whole.
 */
#pragma once

#include "plan/claims.h"
#include "plan/knobs.h"

struct snapshot;
struct vms;

struct setting_name {
	const struct knob *knob;
	const char *key, *id;
};

struct setting {
	const struct knob *knob;
	const char *key; /* which one: "24", a cgroup's path, a unit's name, a TID */
	const char *id;  /* what a successor under the same key would not share, or NULL: a thread's
			    start time, a cgroup's inode, a unit's cgroup, an interrupt's name */
	struct contributions by; /* what each VM wants of it: knob_join() makes the value of it */
	bool is_sole; /* it is one VM's alone, its thread or group: the value is what that wants */
	const struct cpuset *fallback; /* the set to have when nothing online is left; or NULL */
	const struct cpuset *avoid;    /* a set without these CPUs is as good; or NULL */
	/* Of a thread: what its group gave to everybody when the host was looked at. A mask that is
	 * just that was most likely never chosen. NULL: not known. */
	const struct cpuset *group_cpus;
	const struct cpuset *all; /* what UNSET stands for where that is not all CPUs; or NULL */
	bool is_in_use;           /* of a group: it has tasks */
	bool is_optional;         /* failing is reported, and no reason to give up */
	/* There is nothing to do where nobody chose a value: a fence or a partition holds it. */
	bool needs_own;
	/* The kernel derives it from that other setting, as long as both are what they were before
	 * any change of ours: nothing to do then. Or NULL. */
	const struct setting_name *follows;
	/* That other setting is part of it: what it had from the start is not to become more. Or
	 * NULL. */
	const struct setting_name *within;
	/* That other setting of ours may have given it its value before we ever saw it: then what
	 * that was is what this was. Or NULL. */
	const struct setting_name *by_other;
	const char *why;
};

struct settings {
	struct arena arena;
	struct setting *v; /* in the order in which to apply; undo goes backwards */
	size_t n;
	const struct cpuset *online;
};

/* The settings that hold all the claims together. Threads and cgroups are looked up in the
 * snapshot; a placement whose VM is no longer there contributes only its claim. */
struct settings *settings_for(
	const struct snapshot *s, const struct vms *vms, const struct claims *claims) MUST_CHECK;
void settings_free(struct settings *s);

/* The value that the setting should have over this baseline, in the arena. False: none can be
 * derived from it. */
bool setting_join(const struct settings *all, const struct setting *s, const struct value *baseline,
	struct arena *a, struct value *ret);
DEFINE_CLEANUP(struct settings, settings_free)
#define AUTO_SETTINGS CLEANUP(settings_freep)

/* The group of the VM's own scope or service, malloc'ed: the innermost of its path that is one's;
 * without systemd its own group. NULL: there is none. */
char *unit_group_of(const char *cgroup, bool has_systemd) MUST_CHECK;

/* The cgroup that wideberth makes for a VM's vCPUs, below the VM's own. */
#define VCPUS_GROUP "vcpus"
