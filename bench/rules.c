/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Simple placers, to compare with. All see the same free cores and memory, and take the VMs as they
 * come; all take for a helper a core in the same node.
 *
 * kubelet: as Kubernetes documents its CPU manager's static policy (full-pcpus-only,
 * prefer-align-cpus-by-uncorecache) with topology manager single-numa-node and memory manager
 * static: the first node that holds it all; there whole free L3s while one is needed whole, then
 * the first L3 that holds the rest, then the lowest cores anywhere in the node.
 *
 * Nova: as it documents NUMATopologyFilter and hw:cpu_policy=dedicated: host cells (nodes) by how
 * much of them is used, the most used first (it packs), and there the lowest cores; it knows no L3.
 *
 * Both admit a VM over several L3s; it counts where its wish (one L3, if any L3 could hold it) is
 * met, and holds its cores in any case.
 */
#include "instance.h"

struct rules {
	const struct instance *x;
	struct room room;
};

static bool is_in(const struct cell *c, enum scope scope, int domain)
{
	return scope == SCOPE_L3 ? c->l3 == domain : scope == SCOPE_NODE ? c->node == domain : true;
}

static int each_of(const struct rules *r, const struct request *req, size_t cell)
{
	const struct cell *c = &r->x->solver->cells[cell];
	return req->bind.kib && !r->room.memory_kib[c->node] ? 0 : cell_capacity(c, req);
}

/* CPUs for the request in a domain. */
static int capacity(const struct rules *r, const struct request *req, enum scope scope, int domain)
{
	int n = 0;
	for (size_t k = 0; k < r->x->solver->n_cells; k++) {
		const struct cell *c = &r->x->solver->cells[k];
		if (is_in(c, scope, domain))
			n += each_of(r, req, k) * r->room.cores[k];
	}
	return n;
}

/* Cores for so many CPUs from a domain, the lowest first; what is left to take. */
static int take(struct rules *r, const struct request *req, enum scope scope, int domain, int left)
{
	for (size_t k = 0; k < r->x->solver->n_cells && left > 0; k++) {
		const struct cell *c = &r->x->solver->cells[k];
		int each = each_of(r, req, k);
		while (each && is_in(c, scope, domain) && r->room.cores[k] > 0 && left > 0) {
			r->room.cores[k]--;
			left -= each;
		}
	}
	return left;
}

static int node_of(const struct rules *r, enum scope scope, int domain)
{
	return scope == SCOPE_L3 ? r->x->h->s.l3s[domain].node : scope == SCOPE_NODE ? domain : -1;
}

/* Memory, and a helper's core, in the node; -1: the host. */
static bool has_rest(struct rules *r, const struct request *req, int node)
{
	int64_t kib = 0;
	for (size_t n = 0; n < r->x->h->s.n_nodes; n++)
		kib += node < 0 || node == (int)n ? r->room.memory_kib[n] : 0;
	if (kib < (int64_t)req->bind.kib)
		return false;
	if (!req->needs_helper)
		return true;
	int each = req->wish.cores == CORES_ONE_THREAD ? 1 : r->x->solver->widest;
	return capacity(r, req, node < 0 ? SCOPE_ANY : SCOPE_NODE, node) >= (int)req->n_cpus + each;
}

static void take_rest(struct rules *r, const struct request *req, int node)
{
	int64_t left = (int64_t)req->bind.kib;
	if (req->needs_helper)
		take(r, req, node < 0 ? SCOPE_ANY : SCOPE_NODE, node, 1);
	for (size_t n = 0; n < r->x->h->s.n_nodes; n++) {
		int64_t kib = r->room.memory_kib[n] < left ? r->room.memory_kib[n] : left;
		if (node >= 0 && node != (int)n)
			continue;
		r->room.memory_kib[n] -= kib;
		left -= kib;
	}
}

static bool place_simply(struct rules *r, const struct request *req, enum rule rule)
{
	int best = -1, best_n = 0, seen = 0;
	for (int d = 0; d < solver_n_domains(&r->x->inv, req->scope); d++) {
		int n = capacity(r, req, req->scope, d);
		if (n < (int)req->n_cpus || !has_rest(r, req, node_of(r, req->scope, d)))
			continue;
		seen++;
		bool is_better = best < 0 || (rule == RULE_BEST && n < best_n) ||
			(rule == RULE_WORST && n > best_n) ||
			(rule == RULE_RANDOM && instance_between(1, seen) == 1);
		best = is_better ? d : best;
		best_n = is_better ? n : best_n;
	}
	if (best < 0)
		return false;
	take(r, req, req->scope, best, (int)req->n_cpus);
	take_rest(r, req, node_of(r, req->scope, best));
	return true;
}

/* Over the L3s of the node, or the host. True: it lies in one, or never could. */
static bool take_aligned(struct rules *r, const struct request *req, int node)
{
	const struct snapshot *s = &r->x->h->s;
	int left = (int)req->n_cpus, n_l3s = 0;
	for (int pass = 0; pass < 2; pass++)
		for (int l = 0; l < (int)s->n_l3s && left > 0; l++) {
			int n = capacity(r, req, SCOPE_L3, l),
			    whole = cpuset_count(&s->l3s[l].cpus);
			bool is_whole = n == whole && left >= whole;
			if ((node >= 0 && s->l3s[l].node != node) || !(pass ? n >= left : is_whole))
				continue;
			int wish = left < n ? left : n;
			left -= wish - take(r, req, SCOPE_L3, l, wish);
			n_l3s++;
		}
	if (left > 0) {
		take(r, req, node < 0 ? SCOPE_ANY : SCOPE_NODE, node, left);
		n_l3s = 2;
	}
	return n_l3s <= 1 || req->scope > SCOPE_L3;
}

static bool take_lowest(struct rules *r, const struct request *req, int node)
{
	int left = (int)req->n_cpus, n_l3s = 0;
	for (int l = 0; l < (int)r->x->h->s.n_l3s && left > 0; l++) {
		if (node >= 0 && r->x->h->s.l3s[l].node != node)
			continue;
		int before = left;
		left = take(r, req, SCOPE_L3, l, left);
		n_l3s += left != before;
	}
	return n_l3s <= 1 || req->scope > SCOPE_L3;
}

/* Returns 1: as it wishes, 0: over several L3s, -1: refused. */
static int place_like(struct rules *r, const struct request *req, enum rule rule)
{
	int n_nodes = (int)r->x->h->s.n_nodes, best = -2, best_n = 0;
	for (int n = req->scope > SCOPE_NODE ? -1 : 0; n < (req->scope > SCOPE_NODE ? 0 : n_nodes);
		n++) {
		int free = capacity(r, req, n < 0 ? SCOPE_ANY : SCOPE_NODE, n);
		if (free < (int)req->n_cpus || !has_rest(r, req, n))
			continue;
		if (best == -2 || (rule == RULE_NOVA && free < best_n)) {
			best = n;
			best_n = free;
		}
	}
	if (best == -2)
		return -1;
	bool is_good = rule == RULE_NOVA ? take_lowest(r, req, best) : take_aligned(r, req, best);
	take_rest(r, req, best);
	return is_good;
}

static int place(struct rules *r, const struct request *req, enum rule rule)
{
	if (rule == RULE_KUBELET || rule == RULE_NOVA)
		return place_like(r, req, rule);
	bool is_placed = rule == RULE_NEAR && req->scope > SCOPE_L3
		? instance_place(r->x, &r->room, req)
		: place_simply(r, req, rule == RULE_NEAR ? RULE_BEST : rule);
	return is_placed ? 1 : -1;
}

long rule_admits(const struct instance *x, enum rule rule, bool is_until_refusal)
{
	struct rules r = { .x = x, .room = room_copy(x->solver, &x->empty) };
	long sum = 0;
	for (size_t i = 0; i < x->n; i++) {
		const struct request *req = &x->requests[i];
		int how = place(&r, req, rule);
		sum += how > 0 ? x->weight[i] : 0;
		if (how < 0 && is_until_refusal)
			break;
	}
	room_done(&r.room);
	return sum;
}
