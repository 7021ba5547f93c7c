/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the planner: the host's cores and what may not be used of them, one VM's needs as a
 * request, and the search for a spot. Only src/plan/place*.c include this.
 *
 * A VM's vCPUs come in groups: those of one guest core, or all of them when the guest has no SMT.
 * A group fills cores one after the other and shares none with another group; so guest siblings
 * get host siblings, and without guest siblings consecutive vCPUs do.
 */
#pragma once

#include "model/snapshot.h"
#include "plan/claims.h"
#include "plan/plan.h"
#include "vm/vm.h"

enum { NOBODY = -1 };

/* One core of the host with online CPUs. */
struct host_core {
	struct cpuset cpus; /* online */
	int first;          /* its lowest CPU */
	int n_cpus;
	int l3, node; /* as in struct core: indexes, or -1 */
	enum cpu_kind kind;
	int rank;                           /* as in struct cpu: 0 is favoured most of its kind */
	bool is_reserved, is_boot_isolated; /* true when one of the CPUs is */
	int owner;    /* index of the VM that claims (part of) it, or NOBODY */
	int capacity; /* vCPUs of the VM at hand that it can take; see place_capacities() */
};

/* A claim in force that stays, or of a VM that is placed now. */
struct owner {
	struct placement placement;
	const struct vm *vm; /* that has the claim now: the placed one, or its successor; or NULL */
};

/* CPUs that are better not used: libvirt, or somebody's hand, gave them to the vCPUs of a VM that
 * is not placed here, or a group of other things is pinned to them by its cpuset.cpus. */
struct pin {
	const struct vm *vm; /* or NULL */
	const char *group;   /* or NULL */
	struct cpuset cpus;  /* with their siblings */
};

/* CPUs that must not be used, and whose they are: "held exclusively by group /x". */
struct hold {
	struct cpuset cpus;
	const char *why;
};

struct planner {
	const struct snapshot *s;
	const struct vms *vms;
	struct placements *out;
	struct host_core *cores; /* by first */
	size_t n_cores;
	int *core_of_cpu; /* by CPU: index, or -1 */
	ARRAY(struct owner) owners;
	struct claims in_force;     /* with those of VMs that have ended: fences still stand */
	struct cpuset foreign_cpus; /* partitions that are not ours */
	struct cpuset online_cpus;  /* without these */
	bool is_housekeeping_explicit;
	struct cpuset helper_cpus; /* named explicitly for helpers, with their siblings */
	struct cpuset kept_cpus;   /* never for vCPUs: reserved, foreign, helpers */
	ARRAY(struct hold) holds;
	struct cpuset held_cpus; /* of all of them */
	ARRAY(struct pin) pins;
	struct cpuset pinned_cpus; /* of all pins */
};

/* The parts of a host that a VM may have to fit in, smaller ones first. */
enum scope { SCOPE_L3, SCOPE_NODE, SCOPE_FEWEST, SCOPE_ANY };

struct group {
	size_t first, n; /* in request.order */
};

struct request {
	const struct vm *vm;
	struct vm_wish wish;
	enum level level;
	const char *why_less;
	const struct vm_thread **vcpus; /* known threads by vCPU number */
	size_t n_vcpus;
	size_t n_cpus; /* CPUs for vCPUs: n_vcpus, or more where the policy says so */
	int *order;    /* of n_cpus: index into vcpus, or -1 for a vCPU without a thread yet */
	struct group *groups;
	size_t n_groups;
	const struct vm_thread **iothreads;
	size_t n_iothreads;
	bool needs_helper; /* a core for emulator or I/O threads */
	enum scope scope;
	const char *place_note;
	int self;                   /* its own claim in force: index into owners, or NOBODY */
	struct cpuset allowed_cpus; /* by its own group and all above it */
	const char *limit;          /* the group that allows no more; NULL: none */
	struct cpuset memory_nodes; /* indexes of the nodes where its memory is; empty: anywhere */
	struct cpuset
		blocked_cpus; /* for this VM: kept, not allowed, at this level boot-isolated */
};

struct spot {
	int *cores;     /* for the vCPUs in order, then the helper's */
	size_t n_cores; /* without the helper's */
	int helper;     /* core, or -1 */
	enum scope scope;
	int domain; /* index of the L3 or node; -1 for wider scopes */
};

/* The owner that the VM itself is, or NOBODY. */
int place_self(const struct planner *p, const struct vm *vm);

/* Adds the CPUs with their siblings: two VMs never share a core. */
void place_with_siblings(const struct planner *p, struct cpuset *sum, const struct cpuset *cpus);

/* place-limits.c */

/* What other groups hold (p->holds), and what they are pinned to (p->pins). */
void limits_of_others(struct planner *p);
/* What the VM's own groups allow. */
void limits_of_vm(const struct planner *p, struct request *req);
/* Where its memory is. */
void limits_of_memory(const struct planner *p, struct request *req);

/* place-request.c: what the VM needs. Returns false when it was refused. */
bool place_request(
	struct planner *p, const struct vm *vm, const struct vm_wish *wish, struct request *ret);
/* Counts groups and blocked CPUs again after wish, level or n_cpus were changed. */
void place_request_update(struct planner *p, struct request *req);

/* place-search.c */
enum capacities {
	CAPACITY_FREE,  /* what nobody else claims */
	CAPACITY_OWN,   /* only its own claim in force */
	CAPACITY_EMPTY, /* as if no VM claimed anything */
};
void place_capacities(struct planner *p, const struct request *req, enum capacities capacities);
/* The best spot in that scope for the capacities set last. ret may be NULL. */
bool place_search(struct planner *p, const struct request *req, enum scope scope, struct spot *ret);
bool place_core_in(const struct host_core *core, enum scope scope, int domain);
int place_n_domains(const struct planner *p, enum scope scope);
/* The CPUs of a core that the request may use. */
struct cpuset place_core_cpus(const struct host_core *core, const struct request *req);

/* place-fill.c */
struct placement place_fill(struct planner *p, const struct request *req, const struct spot *spot);

/* place-refuse.c */
struct refusal *place_refuse(struct planner *p, const struct vm *vm, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
void place_blocking(struct planner *p, struct refusal *r, const char *fmt, ...) PRINTF_LIKE(3, 4);
void place_alternative(struct planner *p, struct refusal *r, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* Refuses a VM that place_search() found no spot for, with what blocks it and what would fit. */
void place_refuse_full(struct planner *p, const struct request *req);
/* A cpulist in the arena of the result. */
const char *place_list(struct planner *p, const struct cpuset *cpus);
/* A VM as people know it: "100 (db01)". */
const char *place_label(struct planner *p, const char *id, const char *name);
