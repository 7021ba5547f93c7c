/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may run on the claimed CPUs: the kernel's own answer, from one snapshot.
 *
 * Claimed are the CPUs of VMs at level fenced or isolated. Whatever could run there is the VM's
 * own, in the place that it was given, or stays because the kernel lets nobody move it, or is an
 * intruder. Pure: with the claims in force this is what status says, with those of a plan it is
 * who will be displaced.
 *
 *	thread	its mask, which the kernel has trimmed by the thread's cpuset, meets a claim
 *	group	its effective CPUs meet a claim: what is started there may run there
 *	irq	its affinity meets a claim
 *	work	the mask of unbound workqueues does
 *	state	a partition that is not what its state says (invariant I15: set algebra, not words)
 */
#pragma once

#include "base/alloc.h"
#include "plan/claims.h"

struct irq;

struct intruder {
	const char *what; /* "thread", "group", "irq", "work", "state" */
	int tid, irq;     /* -1 where it is none */
	const char *comm; /* of the thread, or what the interrupt is for; or NULL */
	const char *unit; /* systemd's unit, or the group's path where it has none; or NULL */
	const char *vm;   /* label of a VM whose CPUs these are: "100 (db01)" */
	bool is_own;      /* it is that VM's own, but not in its place */
	bool is_pinned;   /* somebody gave it CPUs of its own */
	const struct cpuset *cpus; /* the claimed CPUs that it may run on; empty: see why */
	const char *why;
	const char *remedy; /* what would move it; NULL where nothing would */
};

struct intruder_list {
	struct intruder *v;
	size_t n;
};

struct intruders {
	struct arena arena;
	struct intruder_list found, immovable;
};

/* What is known of interrupts beside the snapshot: says why this one cannot be moved, or NULL when
 * it can. */
struct irq_reasons {
	const char *(*why_stays)(const void *context, const struct irq *irq);
	const void *context;
};

/* The snapshot needs SNAPSHOT_SITTERS. Placements whose process is gone are left out. irqs may be
 * NULL: then all interrupts can be moved but those that the snapshot knows to be managed. */
struct intruders *intruders_find(const struct snapshot *s, const struct vms *vms,
	const struct claims *claims, const struct irq_reasons *irqs) MUST_CHECK;
void intruders_free(struct intruders *i);
DEFINE_CLEANUP(struct intruders, intruders_free)
#define AUTO_INTRUDERS CLEANUP(intruders_freep)
