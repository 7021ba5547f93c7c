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

struct vm_node;

enum { NOBODY = -1 };

/* One core of the host with online CPUs. */
struct host_core {
	const struct cpuset *cpus; /* online */
	int first;                 /* its lowest CPU */
	int n_cpus;
	int l3, node; /* as in struct core: indexes, or -1 */
	enum cpu_kind kind;
	int rank;              /* as in struct cpu: 0 is favoured most of its kind */
	bool is_boot_isolated; /* one of the CPUs is */
	bool is_pinned;        /* somebody gave it to others: better not */
	bool is_hot;           /* interrupts that nobody can move come there: better not */
	int owner;             /* index of the VM that claims (part of) it, or NOBODY */
};

/* A claim in force that stays, or of a VM that is placed now. */
struct owner {
	const struct placement *placement;
	const struct vm *vm; /* that has the claim now: the placed one, or its successor; or NULL */
};

/* CPUs that are better not used: libvirt, or somebody's hand, gave them to the vCPUs of a VM that
 * is not placed here, or a group of other things is pinned to them by its cpuset.cpus. */
struct pin {
	const struct vm *vm; /* or NULL */
	const char *group;   /* or NULL */
	struct cpuset cpus;  /* with their siblings */
};

/* Who a VM must be apart from, by core, L3 or node, and all the CPUs that are too near. */
struct apart {
	const struct owner *owner; /* NULL: it was pinned by hand */
	const char *vm, *name;
	enum apart_wish by;
	struct cpuset cpus;
};

/* CPUs that must not be used, and whose they are: "held exclusively by group /x". */
struct hold {
	struct cpuset cpus;
	const char *why;
};

/* A group with a list of its own, beside those on the way down to partitions: the kernel refuses
 * these all of its list (cpuset.cpus.exclusive). */
struct neighbour {
	const char *group, *above;      /* above: the group around both */
	struct cpuset cpus;             /* its list */
	const struct cpuset *left_cpus; /* a core of these, which is left to it */
};

/* What the host has: the left side of the solver. */
struct inventory {
	const struct snapshot *s;
	struct host_core *cores; /* by first */
	size_t n_cores;
	size_t n_pools;    /* of pages of one size; 0: nobody asks for memory */
	int64_t *free_kib; /* by pool and node index: what can be bound there */
};

/* What is left of the host: by cell cores, and CPUs of opened cores; memory as in the inventory. */
struct room {
	int *cores, *open;
	int64_t *memory_kib;
};

/* Memory that must be on the nodes of the VM's CPUs. */
struct bind {
	uint64_t kib; /* 0: none must */
	size_t pool;
	const uint64_t *there_kib; /* by node index: what of it is there already; NULL: nothing */
};

/* Memory that is bound, not there yet, and not to be had; nodes: NULL: there is no such. */
struct shortage {
	const char *nodes;
	int64_t need_kib, left_kib;
	uint64_t page_kib; /* 0: ordinary pages */
};

struct planner {
	const struct snapshot *s;
	const struct vms *vms;
	const struct policy *policy;
	const struct plan_options *options;
	struct placements *out;
	struct inventory inv;
	int *core_of_cpu; /* by CPU: index of the core, or -1 */
	struct solver *solver;
	struct room empty;          /* as if nobody had anything */
	struct room left;           /* while a VM is refused: what it could have */
	ARRAY(struct cpuset) views; /* what is blocked for a request, each once */
	ARRAY(struct owner) owners;
	int *self;                  /* by VM: see place_self() */
	struct arena scratch;       /* what is of no use when all is planned */
	struct claims in_force;     /* with those of VMs that have ended: fences still stand */
	struct cpuset foreign_cpus; /* partitions that are not ours */
	struct cpuset parted_cpus;  /* the same, those of isolcpus= too */
	struct cpuset online_cpus;  /* without these */
	int n_reserved; /* cores of each node for housekeeping; 0: the policy says which CPUs */
	bool is_housekeeping_explicit, is_explained, is_repack, migrates_memory;
	const struct request *requests; /* of all that are placed */
	size_t n_requests, n_in_force;  /* n_in_force: of the owners, before any is placed */
	struct movers *movers;          /* NULL: nobody has asked so far; see place-move.c */
	struct cpuset helper_cpus;      /* named explicitly for helpers, with their siblings */
	struct cpuset kept_cpus;        /* never for vCPUs: reserved, foreign, helpers */
	ARRAY(struct hold) holds;
	struct cpuset held_cpus; /* of all of them */
	ARRAY(struct neighbour) neighbours;
	ARRAY(struct pin) pins;
	struct cpuset pinned_cpus;  /* of all pins */
	ARRAY(uint64_t) page_kib;   /* by pool; 0: ordinary pages */
	struct shortage *shortages; /* by VM */
};

/* The parts of a host that a VM may have to fit in, smaller ones first. */
enum scope { SCOPE_L3, SCOPE_NODE, SCOPE_FEWEST, SCOPE_ANY };

struct group {
	size_t first, n; /* in request.order */
	size_t part;
};

/* vCPUs that go to one node of the host together: see place-split.c. */
struct split_part {
	int guest_node; /* all vCPUs of this one; -1: an even share of all */
	struct cpuset
		nodes; /* indexes of the host's nodes that its memory is bound to; empty: any */
};

struct request {
	const struct vm *vm;
	struct vm_wish wish;
	enum level level;
	const char *why_less;
	const struct vm_thread **vcpus; /* known threads by vCPU number */
	size_t n_vcpus;
	bool is_guess; /* some of these are the vCPUs, nobody knows which: see policy key vcpus */
	size_t n_cpus; /* for vCPUs: n_vcpus, or with is_guess what the policy says; and spare */
	size_t n_spare;
	int *order; /* of n_cpus: index into vcpus, or -1 for a vCPU whose thread is not known */
	struct group *groups; /* by part, then by size */
	size_t n_groups;
	struct split_part *parts;
	size_t n_parts; /* 0: it is not split */
	int *part_of;   /* by index into vcpus */
	const struct vm_thread **iothreads;
	size_t n_iothreads;
	bool needs_helper; /* a core for emulator or I/O threads */
	enum scope scope;
	const char *place_note;
	int self;                   /* its own claim in force: index into owners, or NOBODY */
	struct cpuset allowed_cpus; /* by its own group and all above it */
	const char *limit;          /* the group that allows no more; NULL: none */
	struct cpuset apart_cpus;   /* too near to VMs that it must be apart from */
	struct cpuset away_cpus;    /* where it must not move to, by movable = cpus */
	struct cpuset near_nodes;   /* indexes of the nodes of its devices; empty: anywhere */
	bool is_near_first;         /* a device that the policy names comes before memory */
	bool has_memory_nodes;
	struct cpuset memory_nodes; /* indexes of the nodes where its memory is; empty: anywhere */
	struct bind bind;
	int64_t rest_kib; /* of its memory what may still come to be, wherever its CPUs are */
	struct cpuset
		blocked_cpus; /* for this VM: kept, not allowed, at this level boot-isolated */
	size_t view;          /* index of these */
	size_t helper_view;   /* of those for a core of helpers: of any kind */
	bool is_alone;        /* it must be apart from others: it has a turn of its own */
	size_t wide_view, wide_helper_view; /* the same, were it apart from nobody */
	bool is_refused;
};

struct spot_core {
	int core;                  /* index; -1: none */
	const struct cpuset *cpus; /* those of its CPUs that are for this VM */
};

/* Where a request goes: the right side of the solver. */
struct spot {
	struct spot_core *cores; /* for the vCPUs, in order */
	size_t n_cores;
	struct spot_core helper;
};

/* ---- the solver: place-cells.c, place-take.c, place-spot.c, place-search.c, place-solve.c ---- */

/* Cores that are alike for everybody. */
struct cell {
	int l3, node, width; /* width: CPUs of a core */
	int first;           /* index of its lowest core */
	enum cpu_kind kind;
	bool is_boot_isolated, is_pinned, is_hot;
	const int *usable; /* by view: CPUs of a core that are not blocked */
};

/* CPUs of a core that the request can have: all of it, one thread, or what is not blocked. */
int cell_capacity(const struct cell *c, const struct request *req);
int cell_capacity_in(const struct cell *c, const struct request *req, size_t view);

/* What a request takes of a cell. */
struct take {
	int cell, n_cores;
	int n_open; /* CPUs of cores that others with cores = thread have opened */
	int n_left; /* CPUs that its last core leaves to others of that kind */
	bool is_helper;
	size_t memory; /* index in room.memory_kib */
	int64_t memory_kib;
};

struct take_list {
	struct take *v;
	size_t n, room;
	bool is_found; /* of no takes too: a VM may need no core of its own */
};

struct cell_list {
	int *v;
	size_t n;
};

/* What never changes while spots are looked for. */
struct solver {
	const struct inventory *inv;
	size_t n_views;
	struct cell *cells;
	size_t n_cells;
	int *cell_of_core;
	struct cell_list *domains[SCOPE_ANY + 1]; /* by scope and domain: its cells */
	int widest;
	int64_t kib_per_core; /* of all that is free */
	uint64_t largest_l3_kib;
	bool has_boot_isolated, has_kinds, has_pinned;
	const struct plan_options *options; /* whether to go on when work is done; or NULL */
};

struct solver *solver_new(const struct inventory *inv, struct arena *a, const struct cpuset *views,
	size_t n_views) MUST_CHECK;
/* Cores that it claims, its helpers' too, where all give it so many CPUs. */
int place_cores_needed(const struct request *req, int width);
/* CPUs that the host's widest core gives it. */
int solver_widest(const struct solver *s, const struct request *req);
/* Cores that it claims where all are as wide as that. */
int solver_weight(const struct solver *s, const struct request *req);
int solver_n_domains(const struct inventory *inv, enum scope scope);

/* Room in the cores with that owner; all of them when owner, which is by core, is NULL. */
struct room room_of(const struct solver *s, const int *owner, int of);
struct room room_copy(const struct solver *s, const struct room *from);
void room_set(const struct solver *s, struct room *r, const struct room *from);
void room_take(struct room *r, const struct take_list *takes);
void room_give(struct room *r, const struct take_list *takes);
void room_done(struct room *r);
/* KiB of the request's kind that a node, by index, has left; of none, -1, nothing. */
int64_t room_memory(
	const struct solver *s, const struct room *r, const struct request *req, int node);
/* Binds the request's memory to the nodes of the takes, by their cores as far as there is room.
 * False: they have not enough of it. */
bool room_bind(const struct solver *s, const struct room *r, const struct request *req,
	struct take_list *takes);
/* Cores with any use for the request, in a domain. */
int room_count(const struct solver *s, const struct room *r, const struct request *req,
	enum scope scope, int domain);

/* What makes one domain better than another after near memory: that nobody minds (pins, interrupts,
 * cache), or room, of which the least is left over: cores of the domain; cores of the node first;
 * memory of the node; both; or both in the proportion of the host. */
enum fit { FIT_KIND, FIT_TIGHT, FIT_NODE, FIT_MEMORY, FIT_BOTH, FIT_EVEN };

/* ---- place-future.c ---- */

/* Pairs of cores in the room that lie together, of those that the request may use whatever its
 * kind. */
int64_t future_capacity(const struct solver *s, const struct room *room, const struct request *req);
/* How much less that is after the takes. */
int64_t future_lost(const struct solver *s, const struct room *room, const struct request *req,
	const struct take_list *takes);

/* ---- place-cost.c ---- */

struct spot_cost {
	int n_nodes, far, away, pinned, hot, small, cores,
		hole; /* far, away: see place_distance() */
	int64_t room; /* as the fit counts it */
	int64_t lost; /* of future capacity; with FIT_KIND */
};

/* What memory speaks against a node, by index, in units of place_distance(): how far its memory is;
 * where it has none yet, that the node has none, or too little. */
int place_memory_distance(const struct inventory *inv, const struct request *req, int node);
/* What the takes cost in the domain of the scope. */
struct spot_cost spot_cost(const struct solver *s, const struct room *room,
	const struct request *req, enum scope scope, int domain, const struct take_list *takes,
	enum fit fit);
/* The first term by which they differ, and how much more of it a costs; N_TERMS: none. */
enum plan_term spot_compare(const struct spot_cost *a, const struct spot_cost *b,
	const struct request *req, enum fit fit, int64_t *ret_more);
/* Whether a is to be had rather than b. */
bool spot_is_cheaper(const struct spot_cost *a, const struct spot_cost *b,
	const struct request *req, enum fit fit);

/* The best spot in the scope for what is left; ret, to free, is only written on success. work: adds
 * what the search has cost. */
bool spot_find(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, enum fit fit, struct take_list *ret, long *work);
/* The same in one domain, on cores of any kind. False: ret holds nothing of use. */
bool spot_in(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, int domain, enum fit fit, struct take_list *ret);
/* How much farther than its own node the nearest of the nodes is, as the kernel's distances are:
 * 10 of them are the time that a local access takes. 0: there is none to be near to. */
int place_distance(const struct snapshot *s, int node, const struct cpuset *nodes);
/* Its domain, -1 for a scope of the whole host. */
int spot_domain(const struct solver *s, enum scope scope, const struct take_list *takes);

/* Spots for all requests beside the owners in the inventory. open: by cell, CPUs on cores of VMs
 * with cores = thread that nobody has. takes[i].is_found where there is one. Deterministic. */
void solve(const struct solver *s, const struct request *requests, size_t n, const int *open,
	struct take_list *takes);

/* The same in what is left of the host. */
void solve_in(const struct solver *s, const struct room *room, const struct request *requests,
	size_t n, struct take_list *takes);

/* They differ in nothing that the search looks at. */
bool place_is_alike(const struct request *a, const struct request *b);

/* ---- the rest ---- */

/* place-migrate.c: memory = strict of a VM that runs, as a whole or not at all. False: it was asked
 * for, cannot be done, and the VM is refused. */
bool place_migrate(struct planner *p, const struct request *req, struct placement *pl);

/* place-words.c */

struct refusal *place_refuse(struct planner *p, const struct vm *vm, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* vm, cpus: see struct blocking; either may be NULL. */
void place_blocking(struct planner *p, struct refusal *r, const char *vm, const struct cpuset *cpus,
	const char *fmt, ...) PRINTF_LIKE(5, 6);
/* what: its text is replaced by the formatted one. */
void place_alternative(struct planner *p, struct refusal *r, struct alternative what,
	const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Adds a sentence to those of a placement, or of a request. */
void place_note(struct planner *p, const char **note, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A cpulist in the arena of the result. */
const char *place_list(struct planner *p, const struct cpuset *cpus);
/* The same with its noun: "CPU 4", "CPUs 4-5". */
const char *place_cpus(struct planner *p, const struct cpuset *cpus);
/* A VM as people know it: "100 (db01)". */
const char *place_label(struct planner *p, const char *id, const char *name);

/* place-inventory.c: fails on policy errors that show against this host, with -EINVAL. */
int inventory_make(struct planner *p, const struct policy *policy, const size_t *wanted,
	size_t n_wanted, const struct placement *in_force, size_t n_in_force,
	struct err *e) MUST_CHECK;
void inventory_set_owner(struct planner *p, const struct cpuset *cpus, int owner);
/* The VM, which may be NULL, is that owner from now on, if it is none yet. */
void inventory_know_owner(struct planner *p, const struct vm *vm, int owner);
/* The VM is no owner: undoes what made it one. */
void inventory_forget_owner(struct planner *p, const struct vm *vm);
/* The cores outside of its claim that a placement names for its helper threads: no VM's. */
struct cpuset inventory_named_by(const struct planner *p, const struct placement *f);
/* What owners claim. */
struct cpuset inventory_taken(const struct planner *p);
/* place-housekeeping.c: sets out->reserved_cpus, and keeps the host its last CPU. taken: what
 * owners claim. */
int inventory_reserve(struct planner *p, const struct host_wish *wish, const struct cpuset *taken,
	struct err *e) MUST_CHECK;
/* What housekeeping would have, were nobody's holds and no isolcpus= on these CPUs. */
struct cpuset inventory_reserved_without(const struct planner *p, const struct cpuset *lifted);
static inline struct vm_wish place_wish(const struct policy *policy, const struct vm *vm)
{
	struct vm_wish wish;
	(void)policy_for_vm(policy, vm->id, vm->name, vm->uuid, &wish);
	return wish;
}

/* place-memory.c */

/* What is free of each node, by size of page, beside what VMs have bound and not used yet. */
void inventory_fill_memory(struct planner *p);
/* False: it was refused, for it has more than there is. */
bool place_has_memory(struct planner *p, const struct vm *vm);
/* What it may still ask for of ordinary pages, in KiB; 0: not known, or nothing. */
int64_t place_memory_rest(const struct vm *vm);

/* place-heat.c: interrupts whose CPUs nobody can choose. */

struct heat {
	uint64_t sum;     /* how many came there since boot */
	const char *whom; /* "of nvme0q9"; of several, who has most: "700 of them of nvme0q9" */
};
struct heat place_heat(struct planner *p, const struct cpuset *cpus);
/* The same of those that can be moved. */
struct heat place_movable_heat(struct planner *p, const struct cpuset *cpus);
/* Marks the cores that have far more of them than others. */
void inventory_mark_hot(struct planner *p);

/* place-explain.c: sets pl->explanation. When all are placed. */
void place_explain(struct planner *p, const struct request *req, struct placement *pl);

/* place-verdict.c: sets the verdicts. free_cpus: what is left when all have theirs. */
void place_judge(struct planner *p, const struct cpuset *free_cpus);

/* How busy its vCPUs were since they were started, of one CPU; 0: not known, or too short. */
int place_busy_percent(const struct planner *p, const struct vm *vm);

/* place-notes.c */

/* It was in force, and has nothing that it did not have before. */
bool place_is_kept(const struct planner *p, const struct placement *pl);
void place_notes(struct planner *p, const struct request *req, struct placement *pl);

/* What its policy says, which on this host may be too narrow for it. */
enum scope place_wished_scope(const struct request *req);
/* Sets the scope to insist on: from req->scope, which the policy wishes, a wider one where no such
 * part of this host could hold the VM even if it were empty, with a note. False: not even the whole
 * host could. */
bool place_scope(struct planner *p, struct request *req);

/* place-groups.c: vCPUs of one guest core are a group, or all of a part; and so are spare CPUs. */
void place_group_vcpus(struct planner *p, struct request *req);
/* The same anew, by so many parts, as req->part_of says. */
void place_split(struct planner *p, struct request *req, size_t n_parts);

/* place-split.c: guests that are larger than a node, or bound to several by their own nodes. */

/* Whether its guest's nodes are bound to different nodes of the host: then they are its parts. */
bool place_split_bound(struct planner *p, struct request *req);
/* Where it cannot be in fewer than n nodes: as many parts, by the guest's own nodes if these are as
 * many, else even ones. */
void place_split_even(struct planner *p, struct request *req, size_t n);
/* What the parts did not get. */
void place_note_split(struct planner *p, const struct request *req, struct placement *pl);

/* The owner that the VM itself is, or NOBODY. */
int place_self(const struct planner *p, const struct vm *vm);

/* place-limits.c */

/* Adds the CPUs with their siblings: two VMs never share a core. */
void place_with_siblings(const struct planner *p, struct cpuset *sum, const struct cpuset *cpus);
/* What other groups hold (p->holds), and what they are pinned to (p->pins). */
void limits_of_others(struct planner *p);
/* CPUs of the group at the path, or of the nearest above it that says: what all of these allow;
 * online ones where none says. ret_group: its index, or <= 0; may be NULL. */
const struct cpuset *limits_of_group(const struct snapshot *s, const char *path, int *ret_group);
/* Who must be left a core (p->neighbours), when all that is kept is known. */
void limits_of_neighbours(struct planner *p);
/* The request is for a partition that must leave it one. */
bool limits_are_by(const struct request *req, const struct neighbour *n);
/* What the VM's own groups allow. */
void limits_of_vm(const struct planner *p, struct request *req);
/* The online CPUs of this kind; *ret_is_moot: the host has no others, or none: it makes no
 * difference, and the set is all of them. */
struct cpuset limits_of_kind(const struct snapshot *s, enum kind_wish kind, bool *ret_is_moot);
/* The nodes, by index, that the guest's node is bound to; what is only preferred may move. */
struct cpuset limits_of_guest_node(const struct planner *p, const struct vm_node *node);
/* Where its memory is. */
void limits_of_memory(const struct planner *p, struct request *req);
/* place-migrate.c: where its memory is to move along, the nodes of its CPUs need room for it. */
void place_bind_memory(struct planner *p, struct request *req);
/* Where its devices are. */
void limits_of_devices(struct planner *p, struct request *req);
/* What is too near to those placed so far that it must be apart from. */
void limits_of_others_apart(const struct planner *p, struct request *req);
/* The next VM, placed or pinned by hand, that it must be apart from; false: there is none. at: 0 to
 * begin with. */
bool place_next_apart(
	const struct planner *p, const struct request *req, size_t *at, struct apart *ret);
/* What they must not share: "core", "L3", "node". */
const char *place_part_name(enum apart_wish by);
/* There is one, or will be when the requests are placed. */
bool place_has_apart(
	const struct planner *p, const struct request *req, const struct request *all, size_t n);
/* Who is not, when all are placed: each is told in a note. */
void place_note_apart(struct planner *p);

/* place-request.c: what the VM needs. Returns false when it was refused. */
bool place_request(
	struct planner *p, const struct vm *vm, const struct vm_wish *wish, struct request *ret);
/* The index of the request's blocked CPUs among the views. */
size_t place_view(struct planner *p, const struct cpuset *blocked_cpus);
/* Counts groups and blocked CPUs again after wish, level or n_cpus were changed. */
void place_request_update(struct planner *p, struct request *req);

/* The same, and makes known which CPUs would be blocked if it were less: what a refusal offers. */
void place_request_views(struct planner *p, struct request *req);

/* place-cores.c */

/* By cell: CPUs that VMs with cores = thread leave on cores that they have opened. */
void place_opened(const struct planner *p, int *open, struct cpuset *opened);
/* What is free now, and what is the request's own. To be freed with room_done(). */
struct room place_room_left(const struct planner *p, const struct request *req);
/* The cores that the takes mean. is_alone: its own count as free. opened: by cell,
 * CPUs on cores of VMs with cores = thread that nobody has. */
void place_deal(struct planner *p, const struct request *requests, size_t n,
	const struct take_list *takes, bool is_alone, struct cpuset *opened, struct spot *spots);

/* place-order.c */

/* Makes a placement of it. False: it was refused after all. */
bool place_found(struct planner *p, struct request *req, const struct spot *spot);
/* Those that found nothing may find CPUs: that there is no room for their memory is told then.
 * False: none needs any. */
bool place_unbind(struct request *requests, size_t n);
/* What is too near to those that have a place by now, and that it must be apart from, is blocked
 * for it from now on. */
void place_keep_apart(struct planner *p, struct request *req);
/* Places them, higher priorities first, in the order that refuses least. They are put into that
 * order. */
void place_batches(struct planner *p, struct request *requests, size_t n);
/* v[i] becomes what v[order[i]] was, cycle by cycle: they are large, and there is no second copy of
 * them. The order is used up. */
void place_put_in_order(void *v, size_t size, size_t n, size_t *order);

/* place-claim.c */

/* QEMU's other threads must run somewhere too, and in the VM's own group, beside all that is
 * claimed. */
bool place_leaves_a_cpu(const struct planner *p, const struct request *req,
	const struct placement *pl, const struct cpuset *claimed);
/* Adds it to what is placed, and its claim to the owners. False: it was refused after all. */
bool place_made(struct planner *p, struct request *req, struct placement *pl);
/* A solver that knows the views that there are. */
void place_renew_solver(struct planner *p);

/* place-move.c: other places for VMs that have one. */

/* Lets those of the batch in that were refused, and of the others, who are in force, by as few
 * moves as can be found. */
void place_repack(struct planner *p, struct request *batch, size_t n, struct request *refused,
	size_t *n_refused);
/* Offers moves with which it would fit in what is left, if there are such. */
void place_offer_move(struct planner *p, const struct request *req, struct refusal *r);
/* Knows whom it may move, where that could be of use for the guest (NULL: anybody): to be called
 * before cells are counted. */
void place_know_movers(struct planner *p, const struct request *guest);

/* place-fill.c */
struct placement place_fill(struct planner *p, const struct request *req, const struct spot *spot);

/* place-blocking.c */

/* Names a set of what is in the way of it, of which nothing could be left out. p->left: what it
 * could have. */
void place_name_blocking(struct planner *p, const struct request *req, struct refusal *r);
/* QEMU's other threads must run in the VM's own group too: see place_made(). is_away: owners that
 * are not counted, by index; may be NULL. */
bool place_leaves_a_spare(const struct planner *p, const struct request *req,
	const struct take_list *takes, const bool *is_away);
const char *place_domain_name(struct planner *p, enum scope scope, int domain);

/* place-refuse.c */

/* Refuses a VM that solve() found no spot for, with what blocks it and what would fit, now that
 * all others have theirs. */
void place_refuse_full(struct planner *p, const struct request *req);
