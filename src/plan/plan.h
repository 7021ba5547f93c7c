/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From wishes to CPUs, and from CPUs to settings; pure functions of snapshot, VMs and policy.
 *
 *	place_vms()	wishes + host + claims in force → placements and refusals
 *	settings_for()	placements → the value every managed setting of the host should have
 */
#pragma once

#include <jansson.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/err.h"
#include "base/list.h"
#include "policy/policy.h"

struct snapshot;
struct vms;
struct vm;

/* Where one vCPU or I/O thread goes. A vCPU has one CPU, but with cores = shared many; where nobody
 * knows which threads are vCPUs, all that may be have all of the CPUs, and no number. */
struct thread_place {
	int tid;
	uint64_t start;
	int vcpu;       /* vCPU number, or -1 */
	const char *id; /* I/O thread id, or NULL */
	struct cpuset cpus;
};

/*
 * One VM placed: the unit that is planned, applied, kept in the ledger and undone.
 * Stands on its own: nothing in it refers to the snapshot it came from.
 */
struct placement {
	const char *vm;   /* its id */
	const char *name; /* or NULL */
	int pid;
	uint64_t start;
	const char *cgroup;  /* or NULL */
	struct vm_wish wish; /* what it was made from, to derive it anew; sources are NULL */
	enum level level;
	const char *why_less;   /* why level < wish.isolation, or NULL */
	const char *place_note; /* why it spans more than its policy's place says, or lies over
				   pins of others; or NULL */
	struct cpuset
		claim_cpus; /* nobody else's: the vCPUs' cores with idle siblings, own helpers */
	struct cpuset vcpu_cpus;    /* union of the vCPUs' CPUs */
	struct thread_place *vcpus; /* by vCPU number */
	size_t n_vcpus;
	struct cpuset spare_cpus; /* of the vCPUs' CPUs those that all of them have */
	struct cpuset
		emulator_cpus; /* main loop, workers, vhost, kvm threads; empty: housekeeping */
	struct cpuset iothread_cpus;    /* when not placed one by one; empty: housekeeping */
	struct thread_place *iothreads; /* placed one by one, or none */
	size_t n_iothreads;
	struct cpuset housekeeping_cpus; /* named by the policy; empty: whatever is free */
	struct cpuset memory_nodes; /* that its memory was moved to, and is held on; empty: none */
	struct cpuset memory_cpus;  /* near its memory; empty: anywhere, or not known; not kept */
	int busy_percent;           /* of one CPU, since it was started; 0: not known; not kept */
	const char *verdict;        /* what speaks against it, or NULL; not kept */
	const struct explanation *explanation; /* or NULL: nobody asked; not kept */
	/* In the ledger: CLOCK_MONOTONIC until which it must be confirmed; 0: it is. */
	uint64_t confirm_ns;
};

/* The terms of the objective, in the order of spot_compare(): the first that differs decides. A
 * device that the policy names comes before memory. */
enum plan_term {
	TERM_L3S,
	TERM_NOT_ISOLATED,
	TERM_SLOW_CORES,
	TERM_NODES,
	TERM_PINS,
	TERM_REMOTE_MEMORY,
	TERM_DEVICE_DISTANCE,
	TERM_INTERRUPTS,
	TERM_SMALL_CACHE,
	TERM_WEIGHT,
	TERM_FUTURE,
	TERM_SLACK,
	N_TERMS,
};

/* A place, and the best one beside it. */
struct explanation {
	const char *place, *runner_up; /* "L3 1"; runner_up: NULL where there is none */
	int64_t chosen[N_TERMS], other[N_TERMS];
	enum plan_term decided; /* N_TERMS: they are alike, the lowest CPUs are taken */
	bool is_other_better;   /* by that; what it is else */
	bool is_kept, is_batch; /* in force, and it stays; planned together with others */
};

struct blocking {
	const char *vm;     /* its id; NULL: it is no VM that is in the way */
	struct cpuset cpus; /* that it holds; may be empty */
	const char *text;
};

/* A VM that gets other CPUs than it has, or would have. */
struct move {
	const char *vm, *name; /* name: NULL when it has none */
	struct cpuset from, to;
	const char *for_vms; /* who gets a place by it: "200 (web), 300" */
};

struct alternative {
	struct {
		const char *key, *value; /* of the policy; NULL: none */
	} set[2];
	size_t n_vcpus; /* so many would fit; 0: that is not what is offered */
	const struct move *moves;
	size_t n_moves;
	const char *text;
};

struct refusal {
	const char *vm, *name, *reason; /* name: NULL when it has none */
	bool is_starting;               /* as it may be: to be asked again */
	/* A set of VMs without which it would fit, and none of whom could stay; or what keeps the
	 * CPUs from all VMs. */
	LIST(struct blocking) blocking;
	LIST(struct alternative)
	alternatives; /* what would fit, each planned before it is offered */
};

struct placements {
	struct arena arena;
	struct placement *v;
	size_t n;
	void *memory; /* of v, to free; NULL: v is somebody else's by now */
	LIST(struct refusal) refused;
	LIST(struct move) moves;       /* of VMs that are in force, when that was asked for */
	const char *verdict;           /* what speaks against all of it, or NULL */
	uint64_t plan_ns;              /* what the planner took; 0: nobody looked */
	struct cpuset reserved_cpus;   /* never given to a VM */
	const char *housekeeping_note; /* why these are more than one core of each node, or NULL */
	struct cpuset
		housekeeping_cpus; /* where displaced work goes: explicit list, or unclaimed */
};

/*
 * Places the VMs of 'wanted' (indexes into vms) as the policy wishes, in that order, beside the
 * claims in force, which are never moved, and, where that is possible, off the CPUs that somebody
 * pinned other VMs to. Deterministic: same input, same output; one VM more at
 * the end moves no other (but VMs with cores = shared, which use what nobody claims).
 *
 * A VM that does not fit is in 'refused', with what blocks it. One with isolation = none is in
 * neither list. One that has a claim in force itself is placed anew, on its old CPUs if they do.
 * Fails only on policy errors that show against this host (an explicit CPU that is offline or
 * claimed): -EINVAL.
 */
int place_vms(const struct snapshot *s, const struct vms *vms, const struct policy *policy,
	const size_t *wanted, size_t n_wanted, const struct placement *in_force, size_t n_in_force,
	struct placements **ret, struct err *e) MUST_CHECK;
/* How far a search for more admitted cores is: what it has, and what cannot be exceeded. */
struct plan_progress {
	long cores, most;
};

struct plan_options {
	bool is_explained; /* each placement says why it is where it is */
	/* What is refused is let in where moving VMs in force that may move, or those placed with
	 * it, makes room: by as few moves as can be found. Who moved is in 'moves', and among the
	 * placements, wanted or not. */
	bool is_repack;
	/* NULL: a fixed amount of work is done, and the same input gives the same bytes. Else the
	 * search goes on beyond that as long as this says so; the best that was found counts. */
	bool (*goes_on)(void *context, const struct plan_progress *progress);
	void *context;
};

int place_vms_as(const struct snapshot *s, const struct vms *vms, const struct policy *policy,
	const size_t *wanted, size_t n_wanted, const struct placement *in_force, size_t n_in_force,
	const struct plan_options *options, struct placements **ret, struct err *e) MUST_CHECK;

/* "locality: L3s spanned", and as a key of JSON: "l3s_spanned". */
const char *plan_term_name(enum plan_term term);
const char *plan_term_key(enum plan_term term);
void placements_free(struct placements *p);
DEFINE_CLEANUP(struct placements, placements_free)
#define AUTO_PLACEMENTS CLEANUP(placements_freep)

/* The members that the ledger and what users read have in common, added to the object: who it is,
 * and what it has. text_of: a string, or NULL, of any bytes. */
typedef json_t *placement_text_fn(const char *text);
void placement_add_identity(json_t *o, const struct placement *p, placement_text_fn *text_of);
void placement_add_places(json_t *o, const struct placement *p, placement_text_fn *text_of);
/* A placement as JSON (the shape of plan's vms[] plus what the ledger needs) and back. Names in it
 * are any bytes: not to be dumped as it is. */
json_t *placement_to_json(const struct placement *p);
/* Strings and arrays are allocated in the arena. -EINVAL when the object is not one of ours. */
int placement_from_json(const json_t *o, struct arena *a, struct placement *ret) MUST_CHECK;
