/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has which CPUs: computed once from the host and what is placed on it, and handed on to
 * placement, settings, views and status. Each CPU that is online is in one of these:
 *
 *	claimed	of VMs at level fenced or isolated: nobody else may run there
 *	pinned	of VMs that are only pinned: no other VM is placed there, others may run
 *	foreign	partitions of somebody else, isolated or root
 *	boot_isolated	by isolcpus=
 *	free	all the rest: of no VM, and the scheduler balances load there
 *
 * A host that has nothing but CPUs of isolcpus= left counts these as free.
 */
#pragma once

#include "plan/plan.h"
#include "vm/vm.h"

struct arena;
struct task;

/* A thread that has a mask of its own, whatever it has now: what was applied says so. */
struct own_mask {
	int tid;
	uint64_t start;
};

struct claims {
	const struct placement *placements; /* the caller's */
	size_t n;
	const struct own_mask *own_masks; /* the caller's, set by it; or NULL */
	size_t n_own_masks;
	struct cpuset claimed_cpus, pinned_cpus, foreign_cpus, boot_isolated_cpus, free_cpus;
	struct cpuset taken_cpus; /* claimed or pinned: what no other VM is placed on */
	struct cpuset open_cpus;  /* online and not claimed: where anybody may run */
	struct cpuset ours_cpus;  /* taken, or of 'ours': what groups may lack because of us */
};

/* Isolated CPUs of 'ours' are in no partition of somebody else: what was in force before. NULL:
 * nothing was. */
struct claims claims_of(const struct snapshot *s, const struct placement *placements, size_t n,
	const struct cpuset *ours);

/* The same for placements that are not in one array: each is added, then the sets are made. The
 * list of placements, of a struct that is zero else, is the caller's. */
void claims_add(struct claims *c, const struct placement *p);
void claims_close(struct claims *c, const struct snapshot *s, const struct cpuset *ours);

/* The union of what all of them claim. */
struct cpuset claims_sum(const struct placement *placements, size_t n);

/* What a task has that nobody gave CPUs: init's mask, which all others come from, has none of
 * isolcpus=. */
struct cpuset claims_usual(const struct claims *c);

/* Where work without a place of its own goes, for this placement: the CPUs that its policy names
 * for housekeeping, without what is claimed meanwhile, else what is free. */
struct cpuset claims_housekeeping(const struct claims *c, const struct placement *p);

/* Gives VMs with cores = shared what is free now: after every change of who has which CPUs. Their
 * lists of vCPUs are replaced by new ones in the arena. */
void placements_share(const struct snapshot *s, const struct claims *c, struct arena *a,
	struct placement *v, size_t n);

/* Where a thread of the VM goes; NULL: it has no place of its own, and belongs where housekeeping
 * is. */
const struct cpuset *placement_place(
	const struct placement *p, enum thread_role role, int tid, uint64_t start);
/* True when the thread is one of those of which nobody knows which are the vCPUs. */
bool placement_may_be_vcpu(const struct placement *p, int tid, uint64_t start);

/* ---- is this still that VM? ---- */

/* By pid and start time: the one comparison that there is. */
bool placement_is_of(const struct placement *p, const struct vm *vm);
/* The placed VM, or NULL when it is not there any more. vms may be NULL. */
const struct vm *placement_vm(const struct placement *p, const struct vms *vms);
/* For vms_find_about(): one of them is of this VM. */
bool claims_are_about(const void *claims, const struct vm *vm);
/* Its process lives, known as a VM or not. The snapshot needs SNAPSHOT_TASKS. */
bool placement_is_running(
	const struct placement *p, const struct snapshot *s, const struct vms *vms);
/* The VM that has the id of a placement whose own process is gone; NULL: none has. Two VMs may
 * have one name: the id says nothing while the old process is there. */
const struct vm *placement_successor(
	const struct placement *p, const struct snapshot *s, const struct vms *vms);

/* ---- whose choice is this mask? ---- */

enum mask_origin {
	MASK_UNKNOWN, /* it cannot be read */
	MASK_GROUP,   /* what the thread's group gives to everybody in it, and what a kernel thread
			 is born with: all that is online, whatever its group has */
	MASK_OURS,    /* left by a fence or a pin of ours, in force or not yet undone */
	MASK_OWN,     /* somebody chose it for this thread: taskset, a manager's pin */
};

/* in_force: what is applied, of VMs that have ended too. */
enum mask_origin mask_origin(
	const struct snapshot *s, const struct claims *in_force, const struct task *t);

/* A vCPU that somebody else gave CPUs of its own, by its mask or by a group of the VM's (a limit
 * of a slice around it is none of this VM's). Where no thread is known to be a vCPU, any thread
 * of the process may be one. */
bool mask_is_pin(const struct snapshot *s, const struct claims *in_force, const struct vm *vm,
	const struct vm_thread *t);
