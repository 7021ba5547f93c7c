/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where on the host a request fits best. */
#include <string.h>

#include "plan/place.h"

struct cpuset place_core_cpus(const struct host_core *core, const struct request *req)
{
	return req->wish.cores == CORES_THREAD ? cpuset_minus(&core->cpus, &req->blocked_cpus)
					       : core->cpus;
}

static int capacity_of(const struct host_core *core, const struct request *req)
{
	switch (req->wish.cores) {
	case CORES_THREAD: {
		struct cpuset cpus = cpuset_minus(&core->cpus, &req->blocked_cpus);
		return cpuset_count(&cpus);
	}
	case CORES_ONE_THREAD:
		return cpuset_intersects(&core->cpus, &req->blocked_cpus) ? 0 : 1;
	case CORES_SHARED: /* only its helpers have a core */
	case CORES_FULL:
		break;
	}
	return cpuset_intersects(&core->cpus, &req->blocked_cpus) ? 0 : core->n_cpus;
}

void place_capacities(struct planner *p, const struct request *req, enum capacities capacities)
{
	for (size_t i = 0; i < p->n_cores; i++) {
		struct host_core *core = &p->cores[i];
		bool is_own = req->self != NOBODY && core->owner == req->self;
		bool is_free = capacities == CAPACITY_EMPTY || is_own ||
			(capacities == CAPACITY_FREE && core->owner == NOBODY);
		core->capacity = is_free ? capacity_of(core, req) : 0;
	}
}

bool place_core_in(const struct host_core *core, enum scope scope, int domain)
{
	switch (scope) {
	case SCOPE_L3:
		return core->l3 == domain;
	case SCOPE_NODE:
		return core->node == domain;
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

/* How many cores of the list, from its start, the vCPUs fill; -1 when they do not fit. */
static int pack(const struct planner *p, const struct request *req, const int *list, size_t n)
{
	size_t used = 0;
	for (size_t i = 0; i < req->n_groups; i++)
		for (size_t done = 0; done < req->groups[i].n; used++) {
			if (used == n)
				return -1;
			done += (size_t)p->cores[list[used]].capacity;
		}
	return (int)used;
}

static int domain_of(const struct host_core *core, enum scope scope)
{
	return scope == SCOPE_L3 ? core->l3 : core->node;
}

/* The domain to take cores from next: the smallest that holds the rest, else the largest; or, to
 * fill gaps, simply the smallest. */
static int pick_domain(const struct planner *p, const int *list, size_t n, size_t need,
	enum scope scope, bool is_gaps)
{
	int best = 0;
	size_t best_n = 0;
	for (int domain = -1; domain < place_n_domains(p, scope); domain++) {
		size_t k = 0;
		for (size_t i = 0; i < n; i++)
			k += domain_of(&p->cores[list[i]], scope) == domain;
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

/* Reorders the list so that its first 'need' cores are in few nodes, and in few L3 domains. */
static void order_by_domain(
	const struct planner *p, int *list, size_t n, size_t need, enum scope scope, bool is_gaps)
{
	AUTO_FREE int *rest = xcalloc(n, sizeof *rest);
	while (n && need) {
		int domain = pick_domain(p, list, n, need, scope, is_gaps);
		size_t k = 0, n_rest = 0;
		for (size_t i = 0; i < n; i++) {
			if (domain_of(&p->cores[list[i]], scope) == domain)
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

/* What cores of a scope may be used; stricter filters are tried first. */
struct filter {
	unsigned int kinds; /* bits 1 << enum cpu_kind */
	bool is_boot_isolated_only;
	bool is_helper_apart; /* in the same node, but outside the L3 */
};

static bool passes(const struct host_core *core, const struct filter *f)
{
	return core->capacity && (f->kinds >> core->kind & 1) &&
		(core->is_boot_isolated || !f->is_boot_isolated_only);
}

/* More capacity first, then the faster kind, then the favoured of it, then the lower number. */
static int core_order(const struct planner *p, int a, int b)
{
	const struct host_core *x = &p->cores[a], *y = &p->cores[b];
	if (x->capacity != y->capacity)
		return y->capacity - x->capacity;
	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	return x->rank != y->rank ? x->rank - y->rank : a - b;
}

static int by_core_order(const void *a, const void *b, void *p)
{
	return core_order(p, *(const int *)a, *(const int *)b);
}

static size_t list_cores(
	struct planner *p, enum scope scope, int domain, const struct filter *f, int *list)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n_cores; i++)
		if (place_core_in(&p->cores[i], scope, domain) && passes(&p->cores[i], f))
			list[n++] = (int)i;
	qsort_r(list, n, sizeof *list, by_core_order, p);
	return n;
}

static bool is_in(const int *list, size_t n, int core)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == core)
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
		node = p->cores[list[0]].node;
	int best = -1;
	for (size_t i = 0; i < p->n_cores; i++) {
		const struct host_core *core = &p->cores[i];
		bool is_near = f->is_helper_apart ? core->node == node
						  : place_core_in(core, scope, domain);
		if (is_near && core->capacity && !is_in(list, used, (int)i) &&
			(best < 0 || core_order(p, (int)i, best) < 0))
			best = (int)i;
	}
	return best;
}

static bool try_domain(struct planner *p, const struct request *req, enum scope scope, int domain,
	const struct filter *f, struct spot *ret)
{
	size_t n = list_cores(p, scope, domain, f, ret->cores);
	int used = pack(p, req, ret->cores, n);
	if (used < 0)
		return false;
	/* An L3 may hold several nodes (sub-NUMA clusters), as a node may hold several L3s. */
	enum scope inner = scope == SCOPE_L3 || scope == SCOPE_FEWEST ? SCOPE_NODE : SCOPE_L3;
	order_by_domain(
		p, ret->cores, n, (size_t)used + req->needs_helper, inner, scope == SCOPE_ANY);
	int reordered = pack(p, req, ret->cores, n);
	if (reordered < 0 || reordered > used) /* cores of several widths: the widest come first */
		n = list_cores(p, scope, domain, f, ret->cores);
	ret->helper = -1;
	if (req->needs_helper) {
		ret->helper = find_helper(p, scope, domain, f, ret->cores, (size_t)used, n);
		if (ret->helper < 0)
			return false;
	}
	ret->n_cores = (size_t)used;
	ret->scope = scope;
	ret->domain = scope <= SCOPE_NODE ? domain : -1;
	return true;
}

/* How good a domain is: smaller is better. Reserved cores count as part of the hole, so that of
 * two empty L3 domains the one without housekeeping is taken. */
struct score {
	int n_nodes;  /* that it spans */
	int n_far;    /* cores whose node has none of its memory, or no memory at all */
	int hole;     /* cores that no other VM claims */
	int nearness; /* 2: housekeeping is in there, 1: in the same node */
};

static bool is_far(const struct planner *p, const struct request *req, int node)
{
	if (node < 0)
		return false;
	const struct node *n = &p->s->nodes[node];
	if (!cpuset_is_empty(&req->memory_nodes))
		return !cpuset_has(&req->memory_nodes, node);
	return !n->has_memory && !n->is_memory_unknown;
}

static struct score score_spot(
	const struct planner *p, const struct request *req, const struct spot *spot)
{
	enum scope scope = spot->scope;
	int domain = spot->domain;
	struct score score = { 0 };
	struct cpuset nodes = CPUSET_EMPTY;
	for (size_t i = 0; i < spot->n_cores; i++)
		cpuset_add(&nodes, p->cores[spot->cores[i]].node + 1);
	for (size_t i = 0; i < spot->n_cores; i++)
		score.n_far += is_far(p, req, p->cores[spot->cores[i]].node);
	score.n_nodes = cpuset_count(&nodes);
	int node = scope == SCOPE_L3 ? p->s->l3s[domain].node : domain;
	for (size_t i = 0; i < p->n_cores; i++) {
		const struct host_core *core = &p->cores[i];
		bool is_inside = place_core_in(core, scope, domain);
		if (is_inside && (core->owner == NOBODY || core->owner == req->self))
			score.hole++;
		if (core->is_reserved && is_inside)
			score.nearness = 2;
		else if (core->is_reserved && core->node == node && !score.nearness)
			score.nearness = 1;
	}
	return score;
}

static bool is_better(const struct score *a, const struct score *b)
{
	if (a->n_nodes != b->n_nodes)
		return a->n_nodes < b->n_nodes;
	if (a->n_far != b->n_far)
		return a->n_far < b->n_far;
	return a->hole != b->hole ? a->hole < b->hole : a->nearness < b->nearness;
}

static bool search_domains(struct planner *p, const struct request *req, enum scope scope,
	const struct filter *f, struct spot *ret)
{
	struct score best = { 0 };
	bool has_found = false;
	int first = scope == SCOPE_NODE ? -1 : 0; /* hosts that do not know their nodes */
	AUTO_FREE int *cores = xcalloc(p->n_cores, sizeof *cores);
	for (int domain = first; domain < place_n_domains(p, scope); domain++) {
		struct spot spot = { .cores = cores };
		if (!try_domain(p, req, scope, domain, f, &spot))
			continue;
		struct score score = score_spot(p, req, &spot);
		if (has_found && !is_better(&score, &best))
			continue;
		has_found = true;
		best = score;
		memcpy(ret->cores, spot.cores, p->n_cores * sizeof *cores);
		spot.cores = ret->cores;
		*ret = spot;
	}
	return has_found;
}

bool place_search(struct planner *p, const struct request *req, enum scope scope, struct spot *ret)
{
	static const unsigned int fast = 1 << CPU_UNIFORM | 1 << CPU_PERFORMANCE,
				  efficient = 1 << CPU_EFFICIENCY, slow = 1 << CPU_LOW_POWER;
	static const unsigned int kinds[] = { fast, fast | efficient, fast | efficient | slow };
	AUTO_FREE int *cores = xcalloc(p->n_cores, sizeof *cores);
	struct spot spot = { .cores = cores };
	/* Who boots with isolcpus= means them for VMs. At level isolated they have no capacity. */
	for (int is_any = cpuset_is_empty(&p->s->boot_isolated_cpus); is_any < 2; is_any++)
		for (size_t i = 0; i < N_ELEMENTS(kinds); i++)
			for (int apart = 0; apart <= (req->needs_helper && scope == SCOPE_L3);
				apart++) {
				struct filter f = { kinds[i], !is_any, apart };
				if (!search_domains(p, req, scope, &f, &spot))
					continue;
				if (ret) {
					*ret = spot;
					ret->cores = arena_dup(
						&p->out->arena, cores, p->n_cores, sizeof *cores);
				}
				return true;
			}
	return false;
}
