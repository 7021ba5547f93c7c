/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that need several nodes: which vCPUs go to one node together. */
#include "pick.h"
#include "tap.h"

#include <errno.h>

#include "base/str.h"
#include "../machine/fake-host.h"
#include "plan/claims.h"
#include "vm/config.h"
#include "placed.h"

#define LARGER "it is larger than what it can have of any L3 here: placed in fewest nodes instead"

#define BOUND                                                                                      \
	"its own nodes are bound to different ones of the host: placed in fewest nodes instead"

/* Two nodes of 6 cores: CPUs 0-5 with 12-17, 6-11 with 18-23, of which one core each is kept. */
struct guest_node {
	const char *cpus, *hostnodes, *policy;
};

static struct vm *guest(
	struct fake_host *h, int n_vcpus, int threads, const struct guest_node *nodes, size_t n)
{
	struct arena *a = &h->vms.arena;
	struct vm *vm = fake_vm(h, arena_printf(a, "%zu", 100 + h->vms.n_vms), n_vcpus, threads, 0);
	struct vm_config *config = arena_alloc(a, sizeof *config);
	*config = (struct vm_config){ .has_numa = n > 0 };
	for (size_t i = 0; i < n; i++)
		*list_push(a, &config->nodes) = (struct vm_node){ .node = (int)i,
			.cpus = nodes[i].cpus,
			.hostnodes = nodes[i].hostnodes,
			.policy = nodes[i].policy };
	vm->config = config;
	return vm;
}

static void one(int n_vcpus, int threads, const struct guest_node *nodes, size_t n,
	const char *policy, const char *want, const char *what)
{
	struct fake_host *h = fake_host(two_sockets);
	(void)guest(h, n_vcpus, threads, nodes, n);
	placed(h, policy, want, what);
	fake_free(h);
}

static void test_even(void)
{
	one(12, 1, NULL, 0, "", "100 isolated 1 13 2 14 3 15 7 19 8 20 9 21 (" LARGER ")",
		"no nodes of its own: half and half");
	one(14, 1, NULL, 0, "", "100 isolated 1 13 2 14 3 15 7 19 8 20 9 21 10 22 (" LARGER ")",
		"... and no core in two halves");
	one(6, 1, NULL, 0, "[vm *]\ncores = one-thread\n", "100 isolated 1 2 3 7 8 9 (" LARGER ")",
		"one thread of each core");
	one(12, 2, NULL, 0, "", "100 isolated 1 13 2 14 3 15 7 19 8 20 9 21 (" LARGER ")",
		"guest siblings stay together");
	one(12, 1, NULL, 0, "[vm *]\nspare = 2\n",
		"100 isolated 1 13 2 14 3 15 7,10,22 10,19,22 8,10,22 10,20,22 9-10,22 10,21-22 "
		"(" LARGER "; no spare CPU on the node of vCPUs 0-5: CPUs 10,22 are on another"
		"; for the spare CPUs 10,22 its partition is a root one: closed to everybody else, "
		"and the scheduler balances its vCPUs inside)",
		"spare CPUs are the last share's");
	one(10, 1, NULL, 0, "[vm *]\nplace = fewest-nodes\n",
		"100 isolated 1 13 2 14 3 15 4 16 5 17", "what fits in a node is not split");
	one(12, 1, NULL, 0, "[vm *]\ncores = thread\n",
		"100 isolated 1 13 2 14 3 15 4 16 5 17 7 19 (" LARGER ")",
		"cores = thread: fills gaps");
	one(12, 1, NULL, 0, "[vm *]\nplace = any\n", "100 isolated 1 13 2 14 3 15 4 16 5 17 7 19",
		"place = any: as little as can be of another node");
}

static void test_guest_nodes(void)
{
	static const struct guest_node odd[] = { { "0,2,4,6,8,10" }, { "1,3,5,7,9,11" } };
	static const struct guest_node four[] = { { "0-2" }, { "3-5" }, { "6-8" }, { "9-11" } };
	static const struct guest_node uneven[] = { { "0-7" }, { "8-11" } };
	static const struct guest_node large[] = { { "0-11" }, { "12-13" } };
	static const struct guest_node half[] = { { "0-5" } };
	one(12, 1, odd, 2, "", "100 isolated 1 7 13 19 2 8 14 20 3 9 15 21 (" LARGER ")",
		"as many nodes as it needs: each to one of the host's");
	one(12, 1, uneven, 2, "", "100 isolated 1 13 2 14 3 15 4 16 7 19 8 20 (" LARGER ")",
		"... of different sizes");
	one(12, 1, four, 4, "", "100 isolated 1 13 2 14 3 15 7 19 8 20 9 21 (" LARGER ")",
		"four nodes on two: two on each");
	one(14, 1, large, 2, "",
		"100 isolated 1 13 2 14 3 15 4 16 5 17 7 19 8 20 (" LARGER
		"; vCPUs 0-11 of its node 0 are on nodes 0-1)",
		"one that is larger than any of the host's");
	one(12, 1, half, 1, "", "100 isolated 1 13 2 14 3 15 7 19 8 20 9 21 (" LARGER ")",
		"nodes that have not all vCPUs count for nothing");
}

static void test_bound(void)
{
	static const struct guest_node crossed[] = { { "0-1", "1", "bind" },
		{ "2-3", "0", "bind" } };
	static const struct guest_node preferred[] = { { "0-1", "1", "preferred" },
		{ "2-3", "0", "preferred" } };
	static const struct guest_node same[] = { { "0-1", "1", "bind" }, { "2-3", "1", "bind" } };
	static const struct guest_node both[] = { { "0-1", "0-1", "bind" },
		{ "2-3", "0-1", "bind" } };
	static const struct guest_node three[] = { { "0-1", "1", "bind" }, { "2-3", "0", "bind" },
		{ "4-5", "1", "bind" } };
	static const struct guest_node mixed[] = { { "0-1" }, { "2-3", "0", "bind" },
		{ "4-5", "1", "bind" } };
	static const struct guest_node single[] = { { "0-2", "0", "bind" },
		{ "3-5", "1", "bind" } };
	static const struct guest_node memory[] = { { "0-3", "1", "bind" }, { NULL, "0", "bind" } };
	one(4, 1, memory, 2, "", "100 isolated 7 19 8 20", "a node of memory alone has no say");
	one(4, 1, crossed, 2, "", "100 isolated 7 19 1 13 (" BOUND ")",
		"bound: where its memory is");
	one(4, 2, crossed, 2, "", "100 isolated 7 19 1 13 (" BOUND ")", "... with siblings");
	one(4, 1, preferred, 2, "", "100 isolated 1 13 2 14", "preferred: its memory may move");
	one(4, 1, same, 2, "", "100 isolated 7 19 8 20", "bound to one node: there, in one L3");
	one(4, 1, both, 2, "", "100 isolated 1 13 2 14", "bound to all nodes: anywhere");
	one(6, 1, three, 3, "", "100 isolated 7 19 1 13 8 20 (" BOUND ")",
		"two of three on one node");
	one(6, 1, single, 2, "", "100 isolated 1 13 2 7 19 8 (" BOUND ")", "no core in two nodes");
	static const struct guest_node bare[] = { { "0-1", "1", "bind" }, { "2-3", "2", "bind" } };
	struct fake_host *h = fake_host(two_sockets);
	fake_memory_node(h);
	(void)guest(h, 4, 1, bare, 2);
	placed(h, "", "100 isolated 7 19 8 20", "bound to a node without CPUs: near the other");
	fake_free(h);
	h = fake_host(two_sockets);
	(void)guest(h, 6, 1, mixed, 3);
	placed(h, "", "100 isolated 1 13 2 14 7 19 (" BOUND ")", "one of three is not bound");
	fake_free(h);
}

/* Where not all is free, what is said is what came of it. */
static void test_no_room(void)
{
	static const struct guest_node crossed[] = { { "0-3", "0", "bind" },
		{ "4-7", "1", "bind" } };
	struct fake_host *h = fake_host(two_sockets);
	AUTO_PLACEMENTS struct placements *in_force = NULL;
	struct err e = { 0 };
	(void)fake_vm(h, "7", 8, 1, 0);
	ok(fake_place(h, "", 1, NULL, &in_force, &e) == 0, "a VM in force");
	(void)guest(h, 12, 1, NULL, 0);
	placed_beside(h, "", 64, in_force,
		"7 isolated 1 13 2 14 3 15 4 16\n"
		"101 isolated 7 19 8 20 9 21 10 22 11 23 5 17 (" LARGER
		"; its vCPUs are not split evenly over its nodes)",
		"no room for an even split: told");
	h->vms.n_vms--;
	(void)guest(h, 8, 1, crossed, 2);
	placed_beside(h, "", 64, in_force,
		"7 isolated 1 13 2 14 3 15 4 16\n"
		"101 isolated 7 19 8 20 9 21 10 22 (" BOUND
		"; vCPUs 0-3 of its node 0 are on node 1, where "
		"its memory is not)",
		"no room where its memory is: told");
	fake_free(h);
}

/* ---- random hosts, judged by counting ---- */

static int node_of(const struct fake_host *h, const struct cpuset *on)
{
	for (size_t i = 0; i < h->s.n_nodes; i++)
		if (cpuset_is_subset(on, &h->s.nodes[i].cpus))
			return (int)i;
	return -1;
}

/* Guest nodes, each bound to a node of the host: where there are cores enough, that is where its
 * vCPUs are. */
static bool follows_bound(void)
{
	struct shape shape = { 1 + pick(2), 2, pick(3), 4, 2, true };
	struct fake_host *h = fake_host(shape);
	int n_host = (int)h->s.n_nodes, n = 2 + pick(3), n_vcpus = 0, need[4] = { 0 }, bound[4];
	int node_of_vcpu[64];
	struct guest_node nodes[4];
	bool fits = true, holds = true;
	for (int i = 0; i < n; i++) {
		struct arena *a = &h->vms.arena;
		int size = 1 + pick(6);
		bound[i] = i < 2 ? i : pick(n_host);
		nodes[i] =
			(struct guest_node){ arena_printf(a, "%d-%d", n_vcpus, n_vcpus + size - 1),
				arena_printf(a, "%d", bound[i]), "bind" };
		for (int k = 0; k < size; k++)
			node_of_vcpu[n_vcpus++] = bound[i];
		need[bound[i]] += (size + 1) / 2;
	}
	int cores = 4 * (shape.l3s ? shape.l3s : 1);
	for (int i = 0; i < n_host; i++)
		fits &= need[i] < cores; /* one is the host's */
	(void)guest(h, n_vcpus, 1, nodes, (size_t)n);
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e = { 0 };
	holds = fake_place(h, "", 1, NULL, &p, &e) == 0 && p->n + p->refused.n == 1;
	for (size_t k = 0; holds && fits && k < (size_t)n_vcpus; k++)
		holds = p->n == 1 && node_of(h, &p->v[0].vcpus[k].cpus) == node_of_vcpu[k];
	holds = holds && (!fits || streq(p->v[0].place_note, BOUND));
	fake_free(h);
	return holds;
}

/* Without nodes of its own: as few nodes as can hold it, and no two differ by more than a core. */
static bool is_even(void)
{
	struct shape shape = { 2, 1 + pick(2), pick(3), 4 + pick(5), 2, true };
	struct fake_host *h = fake_host(shape);
	int cores = shape.cores * (shape.l3s ? shape.l3s : 1), room = 2 * (cores - 1);
	int n = room + 1 + pick(room), most = 0, least = n, n_nodes = 0, on[4] = { 0 };
	bool holds = n > 60;
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e = { 0 };
	if (!holds) {
		(void)guest(h, n, 1 + pick(2), NULL, 0);
		holds = fake_place(h, "", 1, NULL, &p, &e) == 0 && p->n == 1;
		for (int k = 0; holds && k < n; k++)
			on[node_of(h, &p->v[0].vcpus[k].cpus)]++;
		for (size_t i = 0; i < h->s.n_nodes; i++) {
			n_nodes += on[i] > 0;
			most = on[i] > most ? on[i] : most;
			least = on[i] && on[i] < least ? on[i] : least;
		}
		holds &= n_nodes == (n + room - 1) / room && most - least <= 2;
	}
	fake_free(h);
	return holds;
}

static void test_random(void)
{
	enum { N = 2000 };
	int n_bound = 0, n_even = 0;
	rng = 20261130;
	for (int i = 0; i < N; i++) {
		n_bound += follows_bound();
		n_even += is_even();
	}
	same_int(n_bound, N, "random guests that are bound: vCPUs where their memory is");
	same_int(n_even, N, "random guests that are too large: evenly, on as few nodes as can be");
}

int main(void)
{
	test_even();
	test_guest_nodes();
	test_bound();
	test_no_room();
	test_random();
	return tap_done();
}
