/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where on the host a request fits best. */
#include <string.h>

#include "plan/place.h"

struct cpuset place_slot_cpus(const struct slot *slot, const struct request *req)
{
	return req->wish.cores == CORES_THREAD ? cpuset_minus(&slot->cpus, &req->blocked_cpus)
					       : slot->cpus;
}

static int room_of(const struct slot *slot, const struct request *req)
{
	switch (req->wish.cores) {
	case CORES_THREAD: {
		struct cpuset cpus = cpuset_minus(&slot->cpus, &req->blocked_cpus);
		return cpuset_count(&cpus);
	}
	case CORES_ONE_THREAD:
		return cpuset_intersects(&slot->cpus, &req->blocked_cpus) ? 0 : 1;
	case CORES_SHARED: /* only its helpers have a core */
	case CORES_FULL:
		break;
	}
	return cpuset_intersects(&slot->cpus, &req->blocked_cpus) ? 0 : slot->n_cpus;
}

void place_rooms(struct planner *p, const struct request *req, enum rooms rooms)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		struct slot *slot = &p->slots[i];
		bool is_own = req->self != NOBODY && slot->owner == req->self;
		bool is_free = rooms == ROOMS_EMPTY || is_own ||
			(rooms == ROOMS_FREE && slot->owner == NOBODY);
		slot->room = is_free ? room_of(slot, req) : 0;
	}
}

bool place_slot_in(const struct slot *slot, enum scope scope, int domain)
{
	switch (scope) {
	case SCOPE_L3:
		return slot->l3 == domain;
	case SCOPE_NODE:
		return slot->node == domain;
	case SCOPE_FEWEST:
	case SCOPE_ANY:
		break;
	}
	return true;
}

int place_n_domains(const struct planner *p, enum scope scope)
{
	switch (scope) {
	case SCOPE_L3:
		return (int)p->s->n_l3s;
	case SCOPE_NODE:
		return (int)p->s->n_nodes;
	case SCOPE_FEWEST:
	case SCOPE_ANY:
		break;
	}
	return 1;
}

/* How many slots of the list, from its start, the vCPUs fill; -1 when they do not fit. */
static int pack(const struct planner *p, const struct request *req, const int *list, size_t n)
{
	size_t used = 0;
	for (size_t i = 0; i < req->n_groups; i++)
		for (size_t done = 0; done < req->groups[i].n; used++) {
			if (used == n)
				return -1;
			done += (size_t)p->slots[list[used]].room;
		}
	return (int)used;
}

static int domain_of(const struct slot *slot, enum scope scope)
{
	return scope == SCOPE_L3 ? slot->l3 : slot->node;
}

/* The domain to take slots from next: the smallest that holds the rest, else the largest; or, to
 * fill gaps, simply the smallest. */
static int pick_domain(const struct planner *p, const int *list, size_t n, size_t need,
	enum scope scope, bool is_gaps)
{
	int best = 0;
	size_t best_n = 0;
	for (int domain = -1; domain < place_n_domains(p, scope); domain++) {
		size_t k = 0;
		for (size_t i = 0; i < n; i++)
			k += domain_of(&p->slots[list[i]], scope) == domain;
		bool is_smaller_better = is_gaps || best_n >= need;
		bool is_better =
			is_smaller_better ? k < best_n && (is_gaps || k >= need) : k > best_n;
		if (k && (!best_n || is_better)) {
			best = domain;
			best_n = k;
		}
	}
	return best;
}

/* Reorders the list so that its first 'need' slots are in few nodes, and in few L3 domains. */
static void order_by_domain(
	const struct planner *p, int *list, size_t n, size_t need, enum scope scope, bool is_gaps)
{
	AUTO_FREE int *rest = xcalloc(n, sizeof *rest);
	while (n && need) {
		int domain = pick_domain(p, list, n, need, scope, is_gaps);
		size_t k = 0, n_rest = 0;
		for (size_t i = 0; i < n; i++) {
			if (domain_of(&p->slots[list[i]], scope) == domain)
				list[k++] = list[i];
			else
				rest[n_rest++] = list[i];
		}
		memcpy(list + k, rest, n_rest * sizeof *rest);
		size_t taken = k < need ? k : need;
		if (scope == SCOPE_NODE)
			order_by_domain(p, list, k, taken, SCOPE_L3, false);
		list += k;
		n -= k;
		need -= taken;
	}
}

/* What slots of a scope may be used; stricter filters are tried first. */
struct filter {
	unsigned int kinds; /* bits 1 << enum cpu_kind */
	bool is_boot_isolated_only;
	bool is_helper_apart; /* in the same node, but outside the L3 */
};

static bool passes(const struct slot *slot, const struct filter *f)
{
	return slot->room && (f->kinds >> slot->kind & 1) &&
		(slot->is_boot_isolated || !f->is_boot_isolated_only);
}

/* More room first, then the faster kind, then the lower number. */
static int slot_order(const struct planner *p, int a, int b)
{
	const struct slot *x = &p->slots[a], *y = &p->slots[b];
	if (x->room != y->room)
		return y->room - x->room;
	return x->kind != y->kind ? (int)x->kind - (int)y->kind : a - b;
}

static int by_slot_order(const void *a, const void *b, void *p)
{
	return slot_order(p, *(const int *)a, *(const int *)b);
}

static size_t list_slots(
	struct planner *p, enum scope scope, int domain, const struct filter *f, int *list)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n_slots; i++)
		if (place_slot_in(&p->slots[i], scope, domain) && passes(&p->slots[i], f))
			list[n++] = (int)i;
	qsort_r(list, n, sizeof *list, by_slot_order, p);
	return n;
}

static bool is_in(const int *list, size_t n, int slot)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == slot)
			return true;
	return false;
}

/* A core for the helpers beside the vCPUs' (list[0 … used - 1]), or -1. Its kind does not matter.
 */
static int find_helper(const struct planner *p, enum scope scope, int domain,
	const struct filter *f, const int *list, size_t used, size_t n)
{
	if (used < n && !f->is_helper_apart)
		return list[used];
	int node = scope == SCOPE_L3 ? p->s->l3s[domain].node : domain;
	if (scope == SCOPE_L3 && used)
		node = p->slots[list[0]].node;
	int best = -1;
	for (size_t i = 0; i < p->n_slots; i++) {
		const struct slot *slot = &p->slots[i];
		bool is_near = f->is_helper_apart ? slot->node == node
						  : place_slot_in(slot, scope, domain);
		if (is_near && slot->room && !is_in(list, used, (int)i) &&
			(best < 0 || slot_order(p, (int)i, best) < 0))
			best = (int)i;
	}
	return best;
}

static bool try_domain(struct planner *p, const struct request *req, enum scope scope, int domain,
	const struct filter *f, struct spot *ret)
{
	size_t n = list_slots(p, scope, domain, f, ret->slots);
	int used = pack(p, req, ret->slots, n);
	if (used < 0)
		return false;
	/* An L3 may hold several nodes (sub-NUMA clusters), as a node may hold several L3s. */
	enum scope inner = scope == SCOPE_L3 || scope == SCOPE_FEWEST ? SCOPE_NODE : SCOPE_L3;
	order_by_domain(
		p, ret->slots, n, (size_t)used + req->needs_helper, inner, scope == SCOPE_ANY);
	int reordered = pack(p, req, ret->slots, n);
	if (reordered < 0 || reordered > used) /* cores of several widths: the widest come first */
		n = list_slots(p, scope, domain, f, ret->slots);
	ret->helper = -1;
	if (req->needs_helper) {
		ret->helper = find_helper(p, scope, domain, f, ret->slots, (size_t)used, n);
		if (ret->helper < 0)
			return false;
	}
	ret->n_slots = (size_t)used;
	ret->scope = scope;
	ret->domain = scope <= SCOPE_NODE ? domain : -1;
	return true;
}

/* How good a domain is: smaller is better. Reserved cores count as part of the hole, so that of
 * two empty L3 domains the one without housekeeping is taken. */
struct score {
	int n_nodes;  /* that it spans */
	int hole;     /* cores that no other VM claims */
	int nearness; /* 2: housekeeping is in there, 1: in the same node */
};

static struct score score_spot(
	const struct planner *p, const struct request *req, const struct spot *spot)
{
	enum scope scope = spot->scope;
	int domain = spot->domain;
	struct score score = { 0 };
	struct cpuset nodes = CPUSET_EMPTY;
	for (size_t i = 0; i < spot->n_slots; i++)
		cpuset_add(&nodes, p->slots[spot->slots[i]].node + 1);
	score.n_nodes = cpuset_count(&nodes);
	int node = scope == SCOPE_L3 ? p->s->l3s[domain].node : domain;
	for (size_t i = 0; i < p->n_slots; i++) {
		const struct slot *slot = &p->slots[i];
		bool is_inside = place_slot_in(slot, scope, domain);
		if (is_inside && (slot->owner == NOBODY || slot->owner == req->self))
			score.hole++;
		if (slot->is_reserved && is_inside)
			score.nearness = 2;
		else if (slot->is_reserved && slot->node == node && !score.nearness)
			score.nearness = 1;
	}
	return score;
}

static bool is_better(const struct score *a, const struct score *b)
{
	if (a->n_nodes != b->n_nodes)
		return a->n_nodes < b->n_nodes;
	return a->hole != b->hole ? a->hole < b->hole : a->nearness < b->nearness;
}

static bool search_domains(struct planner *p, const struct request *req, enum scope scope,
	const struct filter *f, struct spot *ret)
{
	struct score best = { 0 };
	bool has_found = false;
	int first = scope == SCOPE_NODE ? -1 : 0; /* hosts that do not know their nodes */
	AUTO_FREE int *slots = xcalloc(p->n_slots, sizeof *slots);
	for (int domain = first; domain < place_n_domains(p, scope); domain++) {
		struct spot spot = { .slots = slots };
		if (!try_domain(p, req, scope, domain, f, &spot))
			continue;
		struct score score = score_spot(p, req, &spot);
		if (has_found && !is_better(&score, &best))
			continue;
		has_found = true;
		best = score;
		memcpy(ret->slots, spot.slots, p->n_slots * sizeof *slots);
		spot.slots = ret->slots;
		*ret = spot;
	}
	return has_found;
}

bool place_search(struct planner *p, const struct request *req, enum scope scope, struct spot *ret)
{
	static const unsigned int fast = 1 << CPU_UNIFORM | 1 << CPU_PERFORMANCE,
				  efficient = 1 << CPU_EFFICIENCY, slow = 1 << CPU_LOW_POWER;
	static const unsigned int kinds[] = { fast, efficient, fast | efficient, slow,
		fast | efficient | slow };
	AUTO_FREE int *slots = xcalloc(p->n_slots, sizeof *slots);
	struct spot spot = { .slots = slots };
	/* Who boots with isolcpus= means them for VMs. At level isolated they have no room. */
	for (int is_any = cpuset_is_empty(&p->s->boot_isolated_cpus); is_any < 2; is_any++)
		for (size_t i = 0; i < N_ELEMENTS(kinds); i++)
			for (int apart = 0; apart <= (req->needs_helper && scope == SCOPE_L3);
				apart++) {
				struct filter f = { kinds[i], !is_any, apart };
				if (!search_domains(p, req, scope, &f, &spot))
					continue;
				if (ret) {
					*ret = spot;
					ret->slots = arena_dup(
						&p->out->arena, slots, p->n_slots, sizeof *slots);
				}
				return true;
			}
	return false;
}
