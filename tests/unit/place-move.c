/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves: offered where a VM is refused, made with --repack, as few as can be, and never of one that
 * may not move. "place-move N SEED" asks a brute force on N random small hosts. */
#include "pick.h"
#include "tap.h"

#include <inttypes.h>

#include "../machine/fake-host.h"
#include "placed.h"
#include "vm/memory.h"

/* Three and four free cores: the first one is the host's. CPU n has its sibling in n + 8. */
static const struct shape small = { 1, 1, 2, 4, 2, true };

enum { IN_FORCE_MAX = 16 };

/* Who is in force: VM by VM, as if others had been there and gone. */
struct force {
	struct placement v[IN_FORCE_MAX];
	size_t n;
	struct placements *owned[IN_FORCE_MAX];
};

/* The VM's vCPUs get whole cores from this one on, by the host's numbering of cores. */
static void put(struct force *f, struct fake_host *h, size_t vm, size_t core, const char *policy)
{
	struct snapshot s = h->s;
	const struct vm *v = &h->vms.vms[vm];
	AUTO_POLICY struct policy *text = fake_policy(policy);
	struct cgroup groups[2] = { s.cgroups[0], { .path = v->cgroup, .parent = 0, .inode = 9 } };
	struct cpuset mine = CPUSET_EMPTY;
	struct err e;
	int left = v->n_vcpus;
	for (size_t i = core; left > 0; i++) {
		mine = cpuset_or(&mine, &s.cores[i].cpus);
		left -= cpuset_count(&s.cores[i].cpus);
	}
	groups[1].effective = &mine; /* its group leaves it no choice */
	struct cpuset rest = cpuset_minus(&s.online_cpus, &mine);
	cpuset_add(&mine, cpuset_first(&rest)); /* the host's */
	s.cgroups = groups;
	s.n_cgroups = 2;
	struct placements *p = NULL;
	if (place_vms(&s, &h->vms, text, &vm, 1, NULL, 0, &p, &e) < 0 || p->n != 1)
		abort();
	f->owned[f->n] = p;
	f->v[f->n] = p->v[0];
	f->v[f->n++].housekeeping_cpus = CPUSET_EMPTY;
}

static void force_done(struct force *f)
{
	for (size_t i = 0; i < f->n; i++)
		placements_free(f->owned[i]);
	f->n = 0;
}

static struct placements *plan(
	struct fake_host *h, const char *policy, const struct force *f, size_t vm, bool is_repack)
{
	const struct plan_options options = { .is_repack = is_repack };
	AUTO_POLICY struct policy *text = fake_policy(policy);
	struct placements *p = NULL;
	struct err e = { 0 };
	if (place_vms_as(&h->s, &h->vms, text, &vm, 1, f->v, f->n, &options, &p, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
	return p;
}

/* "100 isolated …" of what is placed, and "moves: 100 1-2 to 5-6 for 200". */
static char *said(const struct placements *p)
{
	AUTO_FREE char *text = describe(p);
	struct strbuf b = { 0 };
	strbuf_puts(&b, text);
	for (size_t i = 0; i < p->moves.n; i++) {
		AUTO_FREE char *from = cpuset_format_list(&p->moves.v[i].from),
			       *to = cpuset_format_list(&p->moves.v[i].to);
		strbuf_printf(&b, "\n%s: %s to %s for %s", p->moves.v[i].vm, from, to,
			p->moves.v[i].for_vms);
	}
	return b.s;
}

static void expect(struct fake_host *h, const char *policy, const struct force *f, size_t vm,
	bool is_repack, const char *want, const char *what)
{
	AUTO_PLACEMENTS struct placements *p = plan(h, policy, f, vm, is_repack);
	AUTO_FREE char *got = said(p);
	same_str(got, want, "%s", what);
}

static const char refused[] = "200: needs 4 free cores in one L3; the most is 3, in L3 0\n"
			      "- VM 100 holds 1 core of L3 1 (CPUs 4,12)\n";

static void test_one(void)
{
	struct fake_host *h = fake_host(small);
	struct force f = { 0 };
	fake_vm(h, "100", 2, 1, 0);
	fake_vm(h, "200", 8, 1, 0);
	put(&f, h, 0, 4, "");
	AUTO_FREE char *no = xasprintf("%s+ place = one-node fits on node 0: 6 free cores\n"
				       "+ 6 vCPUs fit in one L3 (L3 0)",
		refused);
	expect(h, "", &f, 1, false, no, "not movable: no move is offered");
	expect(h, "", &f, 1, true, no, "and none is made");
	AUTO_FREE char *offer = xasprintf(
		"%s+ place = one-node fits on node 0: 6 free cores\n"
		"+ it fits as it is once VM 100 has CPUs 1,9 instead of 4,12: only --repack moves "
		"a VM\n"
		"+ 6 vCPUs fit in one L3 (L3 0)",
		refused);
	static const char movable[] = "[vm 100]\nmovable = cpus\n";
	expect(h, movable, &f, 1, false, offer, "movable: offered, and nothing moves by itself");
	expect(h, movable, &f, 1, true,
		"200 isolated 4 12 5 13 6 14 7 15\n100 isolated 1 9\n100: 4,12 to 1,9 for 200",
		"made with --repack");
	f.v[0].wish.movable = MOVABLE_CPUS;
	expect(h, "", &f, 1, false, offer, "as it was said when it was placed");
	expect(h, "[vm 100]\n", &f, 1, true, no, "what the policy says now counts more");
	f.v[0].confirm_ns = 1;
	expect(h, movable, &f, 1, true, no, "one that waits to be confirmed stays");
	force_done(&f);
	fake_free(h);
}

static void test_json(void)
{
	struct fake_host *h = fake_host(small);
	struct force f = { 0 };
	fake_vm(h, "100", 2, 1, 0);
	fake_vm(h, "200", 8, 1, 0);
	put(&f, h, 0, 4, "");
	AUTO_PLACEMENTS struct placements *p = plan(h, "[vm 100]\nmovable = cpus\n", &f, 1, false);
	const struct alternative *a = &p->refused.v[0].alternatives.v[1];
	ok(a->n_moves == 1 && streq(a->moves[0].vm, "100") && !a->set[0].key && !a->n_vcpus,
		"the move, and nothing else");
	same_str(list_of(h, &a->moves[0].from), "4,12", "from");
	same_str(list_of(h, &a->moves[0].to), "1,9", "to");
	force_done(&f);
	fake_free(h);
}

/* No other VM is touched as long as there is room. */
static void test_needless(void)
{
	struct fake_host *h = fake_host(small);
	struct force f = { 0 };
	fake_vm(h, "100", 2, 1, 0);
	fake_vm(h, "200", 4, 1, 0);
	put(&f, h, 0, 4, "");
	expect(h, "[vm 100]\nmovable = memory\n", &f, 1, true, "200 isolated 1 9 2 10",
		"who has room needs no move");
	force_done(&f);
	fake_free(h);
}

/* Two sockets of six cores, one of each the host's; CPU n has its sibling in n + 12. */
static void test_nodes(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct force f = { 0 };
	struct memory_node on = { .node = 1, .kib = 8 << 20 };
	struct vm_memory memory = { .nodes = { &on, 1, 1 } };
	fake_vm(h, "100", 4, 1, 0)->memory = &memory;
	fake_vm(h, "150", 4, 1, 0);
	fake_vm(h, "200", 8, 1, 0);
	put(&f, h, 0, 7, "");
	put(&f, h, 1, 1, "");
	AUTO_PLACEMENTS struct placements *p = plan(h, "[vm 100]\nmovable = cpus\n", &f, 2, true);
	ok(p->n == 0 && p->moves.n == 0, "movable = cpus: not away from its memory");
	placements_freep(&p);
	p = plan(h, "[vm 1*]\nmovable = cpus\n", &f, 2, true);
	ok(p->n == 0, "where its memory is not known: not away from the node where it is");
	placements_freep(&p);
	p = plan(h, "[vm 100]\nmovable = memory\n", &f, 2, true);
	AUTO_FREE char *got = said(p);
	same_str(got,
		"200 isolated 7 19 8 20 9 21 10 22\n"
		"100 isolated 3 15 4 16 (its memory is on node 1: CPUs "
		"3-4,15-16 reach it over the interconnect)\n"
		"100: 7-8,19-20 to 3-4,15-16 for 200",
		"movable = memory: away from it, and that is said");
	force_done(&f);
	fake_free(h);
}

/* Who is apart from others, or shares cores, stays. */
static void test_who_stays(void)
{
	struct fake_host *h = fake_host(small);
	struct force f = { 0 };
	fake_vm(h, "100", 2, 1, 0);
	fake_vm(h, "200", 8, 1, 0);
	put(&f, h, 0, 4, "[vm 100]\napart = 200\n");
	AUTO_PLACEMENTS struct placements *p = plan(h, "[vm 100]\nmovable = cpus\n", &f, 1, true);
	ok(p->n == 0, "one that is apart from others");
	force_done(&f);
	placements_freep(&p);
	put(&f, h, 0, 4, "[vm 100]\napart = 300\n");
	p = plan(h, "[vm 100]\nmovable = cpus\n", &f, 1, true);
	ok(p->n == 2, "but not one that is apart from nobody who is there");
	force_done(&f);
	placements_freep(&p);
	put(&f, h, 0, 4, "[vm 100]\ncores = thread\n");
	p = plan(h, "[vm 100]\nmovable = cpus\n", &f, 1, true);
	ok(p->n == 0, "one whose cores are others' too");
	force_done(&f);
	fake_free(h);
}

/* One in force itself that has grown: it keeps what it has until it gets more. */
static void test_grown(void)
{
	struct fake_host *h = fake_host(small), *later = fake_host(small);
	struct force f = { 0 };
	static const char movable[] = "[vm 100]\nmovable = cpus\n";
	for (int i = 0; i < 2; i++) {
		fake_vm(i ? later : h, "100", 2, 1, 0);
		fake_vm(i ? later : h, "200", i ? 8 : 4, 1, 0);
	}
	put(&f, h, 0, 4, "");
	put(&f, h, 1, 1, "");
	AUTO_PLACEMENTS struct placements *p = plan(later, movable, &f, 1, false);
	ok(p->n == 0 && p->refused.n == 1, "there is no room for it");
	expect(later, movable, &f, 1, true,
		"200 isolated 4 12 5 13 6 14 7 15\n100 isolated 3 11\n100: 4,12 to 3,11 for 200",
		"a move makes it, to what is free as long as the other has its old CPUs");
	force_done(&f);
	fake_free(h);
	fake_free(later);
}

/* One core is free in each L3: neither can move before the other has. */
static void test_swap(void)
{
	struct fake_host *h = fake_host(small);
	struct force f = { 0 };
	fake_vm(h, "100", 4, 1, 0);
	fake_vm(h, "200", 6, 1, 0);
	fake_vm(h, "300", 4, 1, 0);
	put(&f, h, 0, 1, "");
	put(&f, h, 1, 4, "");
	expect(h, "[vm *]\nmovable = memory\n", &f, 2, true,
		"300 isolated 6 14 7 15\n100 isolated 4 12 5 13\n200 isolated 1 9 2 10 3 11\n"
		"100: 1-2,9-10 to 4-5,12-13 for 300\n200: 4-6,12-14 to 1-3,9-11 for 300",
		"two VMs swap their L3s");
	force_done(&f);
	fake_free(h);
}

/* The policy lets a VM of a higher priority go first, and where it went the other does not fit. */
static void test_batch(void)
{
	struct fake_host *h = fake_host(small);
	fake_vm(h, "100", 4, 1, 0);
	fake_vm(h, "200", 6, 1, 0);
	fake_vm(h, "300", 4, 1, 0);
	static const char policy[] = "[vm 100]\npriority = 3\n[vm 200]\npriority = 2\n";
	const struct plan_options options = { .is_repack = true };
	AUTO_POLICY struct policy *text = fake_policy(policy);
	AUTO_PLACEMENTS struct placements *p = NULL, *q = NULL;
	const size_t wanted[] = { 0, 1, 2 };
	struct err e;
	same_int(place_vms(&h->s, &h->vms, text, wanted, 3, NULL, 0, &p, &e), 0, "as it is");
	same_int(place_vms_as(&h->s, &h->vms, text, wanted, 3, NULL, 0, &options, &q, &e), 0,
		"with --repack");
	AUTO_FREE char *got = said(q);
	same_int((int)p->n, 2, "one is refused");
	same_str(got, "100 isolated 4 12 5 13\n200 isolated 1 9 2 10 3 11\n300 isolated 6 14 7 15",
		"what is placed now makes room too, in the order of the VMs, and moves nowhere");
	fake_free(h);
}

/* ---- by brute force ---- */

enum { VMS_MAX = 7, L3S_MAX = 4 };

struct problem {
	int n_l3s, n_per_node, n_vms; /* the last VM is the guest */
	int free[L3S_MAX], size[VMS_MAX + 1], at[VMS_MAX + 1];
	enum movable_wish movable[VMS_MAX + 1];
};

static bool fits(const struct problem *x)
{
	bool has_room = false;
	for (int l = 0; l < x->n_l3s; l++) {
		if (x->free[l] < 0)
			return false;
		has_room |= x->free[l] >= x->size[x->n_vms];
	}
	return has_room;
}

/* The least number of moves, all at once, of the vm-th VM and those after it; 'best' when there is
 * none below it. */
static int least(struct problem *x, int vm, int n_moves, int best)
{
	if (n_moves >= best)
		return best;
	if (vm == x->n_vms)
		return fits(x) ? n_moves : best;
	best = least(x, vm + 1, n_moves, best);
	for (int l = 0, from = x->at[vm]; l < x->n_l3s; l++) {
		bool is_near = l / x->n_per_node == from / x->n_per_node;
		if (l == from || !x->movable[vm] || (x->movable[vm] == MOVABLE_CPUS && !is_near))
			continue;
		x->free[l] -= x->size[vm];
		x->free[from] += x->size[vm];
		best = least(x, vm + 1, n_moves + 1, best);
		x->free[l] += x->size[vm];
		x->free[from] -= x->size[vm];
	}
	return best;
}

static const char *word(enum movable_wish movable)
{
	return movable == MOVABLE_NO ? "no" : movable == MOVABLE_CPUS ? "cpus" : "memory";
}

/* Puts VMs into L3s until one is refused; false: all fit. */
static bool fill(struct problem *x, struct fake_host *h, struct force *f, struct strbuf *policy)
{
	int cores = (int)h->s.n_cores / x->n_l3s, left[L3S_MAX];
	for (int l = 0; l < x->n_l3s; l++)
		x->free[l] = left[l] = cores - (l % x->n_per_node == 0); /* housekeeping */
	for (x->n_vms = 0; x->n_vms < VMS_MAX; x->n_vms++) {
		int vm = x->n_vms, l = pick(x->n_l3s), fits = -1;
		x->size[vm] = 1 + pick(cores);
		x->movable[vm] = (enum movable_wish)pick(3);
		for (int k = 0; k < x->n_l3s; k++)
			fits = left[(l + k) % x->n_l3s] >= x->size[vm] ? (l + k) % x->n_l3s : fits;
		AUTO_FREE char *id = xasprintf("%d", 100 + vm);
		fake_vm(h, id, x->size[vm], 1, 0);
		strbuf_printf(policy, "[vm %s]\nmovable = %s\n", id, word(x->movable[vm]));
		bool is_known = x->size[vm] <= cores - (x->n_per_node == 1);
		if (fits < 0 && is_known)
			return true;
		if (fits < 0)
			return false; /* no L3 could hold it: it would go elsewhere */
		x->at[vm] = fits;
		left[fits] -= x->size[vm];
		put(f, h, (size_t)vm, (size_t)(cores * (fits + 1) - left[fits] - x->size[vm]), "");
	}
	return false;
}

static bool stays(const struct force *f, const struct placements *p)
{
	for (size_t i = 0; i < p->n; i++) {
		bool is_moved = false;
		for (size_t k = 0; k < p->moves.n; k++)
			is_moved |= streq(p->moves.v[k].vm, p->v[i].vm);
		for (size_t k = 0; k < f->n; k++)
			if (streq(f->v[k].vm, p->v[i].vm) && !is_moved)
				return false;
	}
	return true;
}

/* No CPU is two VMs'. */
static bool is_disjoint(const struct force *f, const struct placements *p)
{
	struct cpuset all = CPUSET_EMPTY;
	for (size_t k = 0; k < f->n + p->n; k++) {
		const struct placement *pl = k < f->n ? &f->v[k] : &p->v[k - f->n];
		bool is_replaced = false;
		for (size_t i = 0; k < f->n && i < p->n; i++)
			is_replaced |= streq(p->v[i].vm, pl->vm);
		if (is_replaced)
			continue;
		if (cpuset_intersects(&all, &pl->claim_cpus))
			return false;
		all = cpuset_or(&all, &pl->claim_cpus);
	}
	return !cpuset_intersects(&all, &p->reserved_cpus);
}

struct tally {
	int n, n_moved, n_hopeless, n_wrong, most;
};

static void judge(struct problem *x, struct fake_host *h, const struct force *f, const char *policy,
	uint64_t seed, struct tally *t)
{
	enum { OFFERED_MAX = 3 };
	size_t guest = (size_t)x->n_vms;
	for (int i = 0; i < x->n_vms; i++)
		x->free[x->at[i]] -= x->size[i];
	int want = least(x, 0, 0, 99);
	AUTO_PLACEMENTS struct placements *p = plan(h, policy, f, guest, false),
					  *q = plan(h, policy, f, guest, true);
	size_t n_offered = 0;
	for (size_t r = 0; r < p->refused.n; r++)
		for (size_t i = 0; i < p->refused.v[r].alternatives.n; i++)
			n_offered += p->refused.v[r].alternatives.v[i].n_moves;
	bool is_right = want == 0 ? p->n == 1 && !q->moves.n
		: want == 99      ? !n_offered && !q->n && !q->moves.n
				  : (int)q->moves.n == want && q->refused.n == 0 &&
			(int)n_offered == (want <= OFFERED_MAX ? want : 0);
	is_right = is_right && stays(f, q) && is_disjoint(f, q);
	t->n++;
	t->n_moved += want > 0 && want < 99;
	t->n_hopeless += want == 99;
	t->most = want < 99 && want > t->most ? want : t->most;
	t->n_wrong += !is_right;
	if (!is_right)
		printf("# seed %" PRIu64 ": least %d, offered %zu, made %zu\n", seed, want,
			n_offered, q->moves.n);
}

static void try_random(uint64_t seed, struct tally *t)
{
	rng = seed * 0x9e3779b97f4a7c15u + 1;
	for (int i = 0; i < 4; i++)
		pick(2);
	struct shape shape = { 1 + pick(2), 1, 1 + pick(2), 2 + pick(5), 1, true };
	struct fake_host *h = fake_host(shape);
	struct problem x = { .n_l3s = shape.sockets * shape.l3s, .n_per_node = shape.l3s };
	struct force f = { 0 };
	AUTO_STRBUF struct strbuf policy = { 0 };
	if (fill(&x, h, &f, &policy))
		judge(&x, h, &f, policy.s, seed, t);
	force_done(&f);
	fake_free(h);
}

/* ---- VMs that lie over several L3s ---- */

static size_t n_placed(struct fake_host *h, const char *policy, const size_t *vms, size_t n)
{
	AUTO_POLICY struct policy *text = fake_policy(policy);
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e = { 0 };
	if (place_vms(&h->s, &h->vms, text, vms, n, NULL, 0, &p, &e) < 0)
		abort();
	return p->n;
}

/* VMs come one by one, and some go again; of those that were refused then, one after the other
 * comes once more. Where all fit that are planned anew together, --repack finds a way. */
static void try_wide(uint64_t seed, int *n_refused, int *n_made, int *n_wrong)
{
	static const char policy[] =
		"[vm *]\nmovable = memory\nisolation = pinned\n[vm 1?[02468]]\nemulator = own\n";
	rng = seed * 0x9e3779b97f4a7c15u + 1;
	struct fake_host *h =
		fake_host((struct shape){ 1 + pick(2), 1, 3 + pick(3), 3 + pick(4), 2, true });
	struct force f = { 0 };
	for (int i = pick(8); i; i--)
		fake_offline(h, 1 + pick((int)h->s.n_cpus - 1));
	size_t guests[12], n_guests = 0, all[13];
	for (size_t i = 0; i < 12; i++) {
		AUTO_FREE char *id = xasprintf("%zu", 100 + i);
		(void)fake_vm(h, id, 1 + pick(1 + pick(30)), 1, 0);
		struct placements *p = plan(h, policy, &f, i, false);
		bool is_there = p->n && pick(3) && f.n < IN_FORCE_MAX;
		if (is_there) {
			f.owned[f.n] = p;
			f.v[f.n++] = p->v[0];
			continue;
		}
		placements_free(p);
		guests[n_guests++] = i;
	}
	for (size_t k = 0; k < n_guests; k++) {
		size_t n = 0;
		AUTO_PLACEMENTS struct placements *p = plan(h, policy, &f, guests[k], false);
		if (p->n)
			continue;
		AUTO_PLACEMENTS struct placements *q = plan(h, policy, &f, guests[k], true);
		for (size_t i = 0; i < f.n; i++)
			all[n++] = (size_t)(atoi(f.v[i].vm) - 100);
		all[n++] = guests[k];
		bool is_wrong = !q->n && n_placed(h, policy, all, n) == n;
		++*n_refused;
		*n_made += q->n > 0;
		*n_wrong += is_wrong;
		if (is_wrong)
			printf("# seed %" PRIu64 ": no way for VM %s\n", seed,
				h->vms.vms[guests[k]].id);
	}
	force_done(&f);
	fake_free(h);
}

static void test_wide(int n)
{
	int n_refused = 0, n_made = 0, n_wrong = 0;
	for (uint64_t seed = 1; seed <= (uint64_t)n; seed++)
		try_wide(seed, &n_refused, &n_made, &n_wrong);
	ok(n_wrong == 0 && n_made > n_refused / 100,
		"over several L3s: of %d refused ones %d get in by moves, %d more could", n_refused,
		n_made, n_wrong);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 2000;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	struct tally t = { 0 };
	test_one();
	test_json();
	test_needless();
	test_nodes();
	test_who_stays();
	test_grown();
	test_swap();
	test_batch();
	test_wide(argc > 1 ? n : 20);
	for (uint64_t seed = first; seed < first + (uint64_t)n; seed++)
		try_random(seed, &t);
	ok(t.n_wrong == 0, "%d of %d refusals are as brute force says: as few moves as can be",
		t.n - t.n_wrong, t.n);
	ok(argc > 1 || (t.n_moved > t.n / 10 && t.n_hopeless > t.n / 10 && t.most > 2),
		"%d need moves, %d at most; %d are hopeless", t.n_moved, t.most, t.n_hopeless);
	return tap_done();
}
