/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that must be apart, planned together: whoever fits in some order has a place. */
#include "pick.h"
#include "tap.h"

#include "placed.h"

/* Three cores are free on each node: one of those that need not be apart would take two of one. */
static void test_stories(void)
{
	static const char policy[] = "[host]\nhousekeeping = 0-2,9-11\n"
				     "[vm *]\nisolation = pinned\nplace = one-node\n"
				     "[vm a]\nplace = any\n"
				     "[vm b]\napart = c\napart-by = node\n";
	struct fake_host *h = fake_host((struct shape){ 2, 1, 1, 6, 1, true });
	AUTO_PLACEMENTS struct placements *force = NULL;
	struct err e = { 0 };
	fake_vm(h, "a", 2, 1, 0);
	fake_vm(h, "b", 2, 1, 0);
	fake_vm(h, "c", 2, 1, 0);
	placed(h, policy, "a pinned 5 8\nb pinned 3 4\nc pinned 6 7", "all have a place");
	same_int(fake_place(h, policy, 1, NULL, &force, &e), 0, "the first alone");
	placed_beside(h, policy, 64, force,
		"a pinned 3 4\n"
		"b pinned 6 7\n"
		"c: needs 2 free cores in one node; the most is 1, in node 0\n"
		"- VM a holds 2 cores of node 0 (CPUs 3-4)\n"
		"+ 1 vCPU fits in one node (node 0)",
		"in force, it stays");
	fake_vm(h, "d", 9, 1, 0);
	placed(h, policy,
		"a pinned 5 8\n"
		"b pinned 3 4\n"
		"c pinned 6 7\n"
		"d: needs 9 cores of its own; 0 are free\n"
		"- housekeeping keeps CPUs 0-2,9-11\n"
		"- VM c holds 2 cores of this host (CPUs 6-7)\n"
		"- VM a holds 2 cores of this host (CPUs 5,8)",
		"one that fits nowhere changes nothing for the others");
	fake_free(h);
}

/* ---- any order ---- */

enum { VMS_MAX = 5 };

static void make(struct fake_host **ret_host, struct strbuf *policy)
{
	static const char *const places[] = { "one-l3", "one-node", "any" };
	static const char *const parts[] = { "core", "l3", "node" };
	struct shape shape = { 1 + pick(2), 1 + pick(2), 1 + pick(2), 2 + pick(4), 1, true };
	struct fake_host *h = *ret_host = fake_host(shape);
	int n = 2 + pick(VMS_MAX - 1);
	strbuf_puts(policy, "");
	for (int i = 0; i < n; i++) {
		AUTO_FREE char *id = xasprintf("vm%d", i);
		fake_vm(h, id, 1 + pick(1 + pick(6)), 1, 0);
		strbuf_printf(
			policy, "[vm vm%d]\nisolation = pinned\nplace = %s\n", i, places[pick(3)]);
		if (pick(2))
			strbuf_printf(policy, "apart = vm%d vm%d\napart-by = %s\n", pick(n),
				pick(n), parts[pick(3)]);
	}
}

static int n_cpus(const struct placements *p)
{
	int n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += cpuset_count(&p->v[i].claim_cpus);
	return n;
}

/* The most CPUs that those that are not done get one after the other, in any order. */
static int most_in_order(struct fake_host *h, const struct policy *policy, unsigned int done,
	const struct placement *in_force, size_t n)
{
	int most = 0;
	for (size_t i = 0; i < h->vms.n_vms; i++) {
		AUTO_PLACEMENTS struct placements *p = NULL;
		struct placement all[VMS_MAX];
		struct err e = { 0 };
		if (done >> i & 1)
			continue;
		if (place_vms(&h->s, &h->vms, policy, &i, 1, in_force, n, &p, &e) < 0)
			abort();
		if (n)
			memcpy(all, in_force, n * sizeof *all);
		if (p->n)
			all[n] = p->v[0];
		int rest = most_in_order(h, policy, done | 1u << i, all, n + p->n);
		most = rest + n_cpus(p) > most ? rest + n_cpus(p) : most;
	}
	return most;
}

static int n_vcpus(const struct fake_host *h)
{
	int n = 0;
	for (size_t i = 0; i < h->vms.n_vms; i++)
		n += h->vms.vms[i].n_vcpus;
	return n;
}

static void test_any_order(int n_hosts)
{
	int n_refused = 0, n_less = 0, n_all = 0;
	for (int seed = 1; seed <= n_hosts; seed++) {
		AUTO_STRBUF struct strbuf text = { 0 };
		AUTO_PLACEMENTS struct placements *p = NULL;
		struct fake_host *h;
		struct err e = { 0 };
		rng = (uint64_t)seed * 0x9e3779b97f4a7c15u;
		make(&h, &text);
		AUTO_POLICY struct policy *policy = fake_policy(text.s);
		if (fake_place(h, text.s, VMS_MAX, NULL, &p, &e) < 0)
			abort();
		int most = p->refused.n ? most_in_order(h, policy, 0, NULL, 0) : n_cpus(p);
		n_refused += p->refused.n > 0;
		n_less += n_cpus(p) < most;
		n_all += n_cpus(p) < most && most == n_vcpus(h);
		fake_free(h);
	}
	ok(n_refused > n_hosts / 20, "%d of %d hosts have no room for all", n_refused, n_hosts);
	same_int(n_all, 0, "where another order has, nobody is refused");
	ok(n_less < n_hosts / 100, "seldom would another have given places to more: %d", n_less);
}

int main(int argc, char **argv)
{
	test_stories();
	test_any_order(argc > 1 ? atoi(argv[1]) : 500);
	return tap_done();
}
