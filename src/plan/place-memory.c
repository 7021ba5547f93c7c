/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory as a limit. What a VM's configuration binds to nodes must be there when the VM comes to
 * use it, or it is killed: of what is free now, what its cache is given up for included, each VM in
 * turn takes what of its own is bound and not there yet. Huge pages are counted apart, by size.
 *
 * What is bound nowhere comes from where its CPUs are as long as there is any: a node that has too
 * little of it is better not chosen.
 */
#include <string.h>

#include "base/str.h"
#include "plan/place.h"
#include "vm/config.h"
#include "vm/memory.h"

enum { ORDINARY = 0 }; /* the first pool; those after it are of huge pages */

/* What of a node nobody knows counts as enough. */
static const int64_t unknown_kib = INT64_MAX / CPUSET_MAX;

static size_t pool_of(struct planner *p, uint64_t page_kib)
{
	size_t i = 0;
	while (i < p->page_kib.n && p->page_kib.v[i] != page_kib)
		i++;
	if (i == p->page_kib.n)
		*array_push(&p->page_kib) = page_kib;
	return i;
}

static int64_t ordinary_of(const struct node *n)
{
	bool is_unknown =
		n->is_memory_unknown || n->is_free_unknown || (n->has_memory && !n->mem_total_kib);
	return is_unknown ? unknown_kib : (int64_t)(n->mem_free_kib + n->mem_cache_kib);
}

static void fill_pools(struct planner *p)
{
	const struct snapshot *s = p->s;
	(void)pool_of(p, ORDINARY);
	for (size_t i = 0; i < s->n_nodes; i++)
		for (size_t k = 0; k < s->nodes[i].n_hugepages; k++)
			(void)pool_of(p, s->nodes[i].hugepages[k].size_kib);
	p->inv.n_pools = p->page_kib.n;
	p->inv.free_kib = arena_alloc(
		&p->scratch, (p->inv.n_pools * s->n_nodes + 1) * sizeof *p->inv.free_kib);
	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct node *n = &s->nodes[i];
		p->inv.free_kib[i] = ordinary_of(n);
		for (size_t k = 0; k < n->n_hugepages; k++)
			p->inv.free_kib[pool_of(p, n->hugepages[k].size_kib) * s->n_nodes + i] =
				(int64_t)(n->hugepages[k].size_kib * n->hugepages[k].free);
	}
}

/* A part of a VM's memory that is bound. */
struct part {
	const char *hostnodes;
	uint64_t mib;
	int64_t hugepages_kib;
};

/* The i-th bound part; false: there are no more. */
static bool bound_part(const struct vm_config *c, size_t i, struct part *ret)
{
	size_t n = 0;
	for (size_t k = 0; k < c->nodes.n; k++) {
		const struct vm_node *node = &c->nodes.v[k];
		if (!node->hostnodes || !node->policy || !streq(node->policy, "bind") || n++ < i)
			continue;
		*ret = (struct part){ node->hostnodes, node->mib, node->hugepages_kib };
		return true;
	}
	*ret = (struct part){ c->numa_nodes, c->memory_mib, c->hugepages_kib };
	return !n && i == 0 && c->numa_nodes && c->numa_mode && streq(c->numa_mode, "strict");
}

/* What is in pages of the pool: huge ones by their size, all others are ordinary. */
static int64_t in_pool(const struct planner *p, const struct memory_node *on, size_t pool)
{
	int64_t of_pool = 0, huge = 0;
	for (size_t i = 0; i < on->pages.n; i++)
		for (size_t k = ORDINARY + 1; k < p->inv.n_pools; k++) {
			bool is_of = on->pages.v[i].page_kib == p->page_kib.v[k];
			int64_t kib = is_of ? (int64_t)on->pages.v[i].kib : 0;
			huge += kib;
			of_pool += k == pool ? kib : 0;
		}
	return pool == ORDINARY ? (int64_t)on->kib - huge : of_pool;
}

/* By pool and node index: what of the VM's memory is there, and belongs to no part so far. */
static int64_t *resident(const struct planner *p, const struct vm *vm)
{
	size_t n_nodes = p->s->n_nodes;
	int64_t *kib = xcalloc(p->inv.n_pools * n_nodes + 1, sizeof *kib);
	for (size_t i = 0; i < p->inv.n_pools * n_nodes; i++)
		for (size_t k = 0; k < vm->memory->nodes.n; k++)
			if (vm->memory->nodes.v[k].node == p->s->nodes[i % n_nodes].node)
				kib[i] += in_pool(p, &vm->memory->nodes.v[k], i / n_nodes);
	return kib;
}

/* Takes up to need_kib of what the nodes have; returns what is lacking. */
static int64_t take(
	const struct planner *p, int64_t *by_node, const struct cpuset *nodes, int64_t need_kib)
{
	for (size_t i = 0; i < p->s->n_nodes; i++) {
		if (!cpuset_has(nodes, p->s->nodes[i].node) || by_node[i] <= 0)
			continue;
		int64_t n = by_node[i] < need_kib ? by_node[i] : need_kib;
		by_node[i] -= n;
		need_kib -= n;
	}
	return need_kib;
}

static int64_t sum_of(const struct planner *p, const int64_t *by_node, const struct cpuset *nodes)
{
	int64_t sum = 0;
	for (size_t i = 0; i < p->s->n_nodes; i++)
		if (cpuset_has(nodes, p->s->nodes[i].node))
			sum += by_node[i];
	return sum;
}

/* Takes what is bound and not there yet. left: by pool and node. */
static struct shortage take_bound(struct planner *p, const struct vm *vm, int64_t *left)
{
	AUTO_FREE int64_t *there = resident(p, vm);
	struct part part;
	for (size_t i = 0; bound_part(vm->config, i, &part); i++) {
		struct cpuset nodes;
		if (cpuset_parse_list(part.hostnodes, &nodes) < 0 || part.hugepages_kib < 0)
			continue;
		uint64_t page_kib = (uint64_t)part.hugepages_kib;
		size_t pool = pool_of(p, page_kib), at = pool * p->s->n_nodes;
		/* Pages of a size that no node has were told when it was started; which are there
		 * need not be known. */
		if (pool >= p->inv.n_pools || (pool != ORDINARY && vm->memory->hugetlb_kib < 0))
			continue;
		int64_t need_kib = take(p, there + at, &nodes, (int64_t)part.mib * 1024);
		if (!need_kib)
			continue;
		int64_t *free_kib = left + at;
		int64_t sum = sum_of(p, free_kib, &nodes);
		if (sum < need_kib)
			return (struct shortage){ part.hostnodes, need_kib, sum, page_kib };
		(void)take(p, free_kib, &nodes, need_kib);
	}
	return (struct shortage){ 0 };
}

struct taker {
	size_t vm; /* index */
	int priority;
};

static int by_priority(const void *a, const void *b)
{
	const struct taker *x = a, *y = b;
	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->vm < y->vm ? -1 : 1;
}

/* Those whose memory is known, in the order in which they take what they are bound to. */
static size_t list_takers(const struct planner *p, struct taker *ret)
{
	size_t n = 0;
	for (size_t i = 0; p->s->n_nodes && i < p->vms->n_vms; i++) {
		const struct vm *vm = &p->vms->vms[i];
		if (vm->config && vm->memory && vm->memory->source)
			ret[n++] = (struct taker){ i, place_wish(p->policy, vm).priority };
	}
	if (n)
		qsort(ret, n, sizeof *ret, by_priority);
	return n;
}

void inventory_fill_memory(struct planner *p)
{
	fill_pools(p);
	size_t n = p->inv.n_pools * p->s->n_nodes;
	AUTO_FREE int64_t *left = xcalloc(n + 1, sizeof *left);
	AUTO_FREE struct taker *takers = xcalloc(p->vms->n_vms + 1, sizeof *takers);
	p->shortages = arena_alloc(&p->scratch, (p->vms->n_vms + 1) * sizeof *p->shortages);
	for (size_t k = 0, n_takers = list_takers(p, takers); k < n_takers; k++) {
		struct shortage *s = &p->shortages[takers[k].vm];
		memcpy(left, p->inv.free_kib, n * sizeof *left);
		*s = take_bound(p, &p->vms->vms[takers[k].vm], left);
		if (!s->nodes) /* else it takes nothing: it will be killed, or stopped */
			memcpy(p->inv.free_kib, left, n * sizeof *left);
	}
}

/* What the nodes have in all, in MiB; NULL: every node. UINT64_MAX: not known. */
static uint64_t total_mib(const struct planner *p, const struct cpuset *nodes)
{
	uint64_t sum_kib = 0;
	for (size_t i = 0; i < p->s->n_nodes; i++) {
		const struct node *n = &p->s->nodes[i];
		if (nodes && !cpuset_has(nodes, n->node))
			continue;
		if (n->is_memory_unknown || (n->has_memory && !n->mem_total_kib))
			return UINT64_MAX;
		sum_kib += n->mem_total_kib;
	}
	return p->s->n_nodes ? sum_kib / 1024 : UINT64_MAX;
}

static bool refuse_total(
	struct planner *p, const struct vm *vm, uint64_t mib, uint64_t most_mib, const char *nodes)
{
	struct refusal *r = place_refuse(p, vm,
		"it has %llu MiB of memory by its configuration%s%s, and %s %llu",
		(unsigned long long)mib, nodes ? " bound to node " : "", nodes ? nodes : "",
		nodes ? "that has" : "this host has", (unsigned long long)most_mib);
	place_blocking(p, r, NULL, NULL, "its own configuration (%s)",
		vm->config->source ? vm->config->source : "command line");
	return false;
}

static bool refuse_shortage(struct planner *p, const struct vm *vm, const struct shortage *s)
{
	const char *pages = !s->page_kib ? ""
					 : arena_printf(&p->out->arena, " in pages of %llu KiB",
						   (unsigned long long)s->page_kib);
	struct refusal *r = place_refuse(p, vm,
		"its configuration binds %lld MiB more to node %s than are there yet, and %lld MiB "
		"are left there%s: it would be killed when it comes to use them",
		(long long)s->need_kib / 1024, s->nodes, (long long)s->left_kib / 1024, pages);
	place_blocking(p, r, NULL, NULL, "its own configuration (%s)",
		vm->config->source ? vm->config->source : "command line");
	place_alternative(p, r, (struct alternative){ 0 },
		"free %lld MiB of node %s%s, or bind its memory to other nodes",
		(long long)(s->need_kib - s->left_kib + 1023) / 1024, s->nodes, pages);
	return false;
}

bool place_has_memory(struct planner *p, const struct vm *vm)
{
	const struct vm_config *c = vm->config;
	struct part part;
	if (!c)
		return true;
	uint64_t most = total_mib(p, NULL);
	uint64_t mib = vm_memory_mib(vm);
	if (mib > most)
		return refuse_total(p, vm, mib, most, NULL);
	for (size_t i = 0; bound_part(c, i, &part); i++) {
		struct cpuset nodes;
		if (cpuset_parse_list(part.hostnodes, &nodes) < 0)
			continue;
		most = total_mib(p, &nodes);
		if (part.mib > most)
			return refuse_total(p, vm, part.mib, most, part.hostnodes);
	}
	const struct shortage *s = &p->shortages[vm - p->vms->vms];
	return !s->nodes || refuse_shortage(p, vm, s);
}

int64_t place_memory_rest(const struct vm *vm)
{
	int64_t rest = vm->config && vm->memory ? (int64_t)vm_memory_mib(vm) * 1024 : 0;
	if (rest && vm->config->hugepages_kib)
		return 0; /* reserved when it was started */
	for (size_t i = 0; rest && i < vm->memory->nodes.n; i++)
		rest -= (int64_t)vm->memory->nodes.v[i].kib;
	return rest > 0 ? rest : 0;
}
