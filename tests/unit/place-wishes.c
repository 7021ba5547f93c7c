/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs of which nobody knows which threads are the vCPUs, and kinds of cores that a policy asks for.
 */
#include "base/str.h"
#include "../machine/fake-host.h"
#include "plan/claims.h"
#include "tap.h"

/* "100 isolated 1 13 2 14", or why not. */
static void placed_first(
	struct fake_host *h, const char *policy, size_t n, const char *want, const char *what)
{
	AUTO_PLACEMENTS struct placements *p = NULL;
	AUTO_STRBUF struct strbuf b = { 0 };
	struct err e = { 0 };
	if (fake_place(h, policy, n, NULL, &p, &e) < 0)
		strbuf_puts(&b, e.text);
	for (size_t i = 0; p && i < p->n; i++) {
		const struct placement *pl = &p->v[i];
		strbuf_printf(&b, "%s%s %s", i ? "\n" : "", pl->vm, level_name(pl->level));
		for (size_t k = 0; k < pl->n_vcpus; k++)
			strbuf_printf(&b, " %s", list_of(h, &pl->vcpus[k].cpus));
		strbuf_printf(&b, "%s%s", pl->place_note ? "; " : "",
			pl->place_note ? pl->place_note : "");
	}
	for (size_t i = 0; p && i < p->refused.n; i++) {
		const struct refusal *r = &p->refused.v[i];
		strbuf_printf(&b, "%s: %s", r->vm, r->reason);
		for (size_t k = 0; k < r->blocking.n; k++)
			strbuf_printf(&b, "\n- %s", r->blocking.v[k].text);
		for (size_t k = 0; k < r->alternatives.n; k++)
			strbuf_printf(&b, "\n+ %s", r->alternatives.v[k].text);
	}
	same_str(b.s, want, "%s", what);
}

static void placed(struct fake_host *h, const char *policy, const char *want, const char *what)
{
	placed_first(h, policy, 64, want, what);
}

/* A VM none of whose threads has a name: 5 like the main one, and one that is called. */
static struct vm *fake_unnamed(struct fake_host *h)
{
	struct vm *vm = fake_vm(h, "100", 6, 1, 0);
	for (size_t i = 0; i < vm->n_threads; i++) {
		struct vm_thread *t = &vm->threads[i];
		t->comm = i == 5 ? "call_rcu" : "qemu-kvm";
		t->role = t->role == ROLE_VCPU ? ROLE_WORKER : t->role;
		t->index = t->guest_socket = t->guest_core = t->guest_thread = -1;
	}
	return vm;
}

/* vcpus = N: CPUs are kept for so many, and all that may be vCPUs share them. */
static void test_unknown_vcpus(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct vm *vm = fake_unnamed(h);
	struct err e;
	struct arena a = { 0 };
	struct placement back;
	placed(h, "", "100: none of its threads is known to be a vCPU", "without the key");
	placed(h, "[vm 100]\nvcpus = 6\n",
		"100: none of its threads is known to be a vCPU\n"
		"- vcpus = 6: it has fewer threads that may be vCPUs",
		"more than there can be");
	placed(h, "[vm 100]\nvcpus = 3\n", "100 isolated 1-2,13 1-2,13 1-2,13 1-2,13 1-2,13",
		"two cores");
	placed(h, "[vm 100]\nvcpus = 3\ncores = one-thread\n", "100 isolated 1-3 1-3 1-3 1-3 1-3",
		"three cores");
	AUTO_PLACEMENTS struct placements *p = NULL, *again = NULL;
	same_int(fake_place(h, "[vm *]\nvcpus = 4\n", 1, NULL, &p, &e), 0, "place");
	const struct placement *pl = &p->v[0];
	ok(placement_may_be_vcpu(pl, vm->threads[4].tid, vm->threads[4].start), "one of them");
	ok(!placement_may_be_vcpu(pl, vm->threads[5].tid, vm->threads[5].start),
		"not what has a name of its own");
	json_t *o = placement_to_json(pl);
	same_int(placement_from_json(o, &a, &back), 0, "the ledger reads it back");
	ok(back.n_vcpus == 5 && back.vcpus[0].vcpu == -1 &&
			cpuset_equal(&back.vcpus[4].cpus, &pl->vcpu_cpus),
		"as it was");
	json_decref(o);
	same_int(fake_place(h, "[vm *]\nvcpus = 4\n", 1, p, &again, &e), 0, "again");
	same_str(list_of(h, &again->v[0].claim_cpus), list_of(h, &pl->claim_cpus), "stays");
	/* somebody tells: the threads have one CPU each */
	for (int i = 0; i < 4; i++) {
		vm->threads[i].role = ROLE_VCPU;
		vm->threads[i].index = i;
	}
	placed(h, "[vm 100]\nvcpus = 2\n", "100 isolated 1 13 2 14", "the key is of no use now");
	arena_done(&a);
	fake_free(h);
}

/* Cores 0-3 are fast, 4-7 are not, and share a small L3; or the other way round. */
static struct fake_host *fake_kinds(bool is_hybrid, bool has_sizes, bool is_turned)
{
	static const struct shape shape = { 1, 1, 2, 4, 1, false };
	struct fake_host *h = fake_host(shape);
	for (size_t i = 0; i < h->s.n_cpus; i++)
		if (is_hybrid)
			h->s.cpus[i].kind = (h->s.cpus[i].l3 == 0) != is_turned ? CPU_PERFORMANCE
										: CPU_EFFICIENCY;
	for (size_t i = 0; i < h->s.n_l3s; i++)
		h->s.l3s[i].size_kib = has_sizes && (i == 0) != is_turned ? 98304 : 32768;
	return h;
}

static void test_kind(void)
{
	struct fake_host *h = fake_kinds(true, false, false);
	fake_vm(h, "100", 2, 1, 0);
	placed(h, "", "100 isolated 1 2", "fast ones first");
	placed(h, "[vm *]\nkind = performance\n", "100 isolated 1 2", "fast ones");
	placed(h, "[vm *]\nkind = efficiency\n", "100 isolated 4 5", "the others, and no note");
	placed(h, "[vm *]\nkind = big-cache\n",
		"100 isolated 1 2; kind = big-cache makes no difference here: no L3 of the host is "
		"larger than another",
		"caches that are alike");
	fake_vm(h, "200", 4, 1, 0);
	placed(h, "[vm *]\nkind = performance\n[vm 100]\nisolation = none\n",
		"200: needs 4 cores of its own; 3 are free\n"
		"- housekeeping keeps CPU 0\n"
		"+ kind = any fits, on other cores\n"
		"+ 3 vCPUs fit in one L3 (L3 0)",
		"not on others, but they are offered");
	placed(h, "[vm *]\nisolation = none\n[vm 200]\nisolation = isolated\n",
		"200 isolated 4 5 6 7; all its vCPUs are on efficiency cores, CPUs 4-7",
		"any kind takes what is left, and says so");
	placed(h, "[vm 200]\nisolation = none\n[vm 100]\ncores = shared\nkind = efficiency\n",
		"100 pinned 4-7 4-7", "shared ones too");
	fake_free(h);
	/* by what the caches are, not by numbers */
	for (int is_turned = 0; is_turned < 2; is_turned++) {
		h = fake_kinds(false, true, is_turned);
		fake_vm(h, "100", 2, 1, 0);
		placed(h, "[vm *]\nkind = big-cache\n",
			is_turned ? "100 isolated 4 5" : "100 isolated 1 2", "the large L3");
		placed(h, "[vm *]\nkind = efficiency\n",
			is_turned ? "100 isolated 4 5; kind = efficiency makes no difference here: "
				    "the "
				    "host has no efficiency cores"
				  : "100 isolated 1 2; kind = efficiency makes no difference here: "
				    "the "
				    "host has no efficiency cores",
			"no such cores");
		fake_free(h);
	}
}

/* A VM of somebody else's, none of whose threads is known, pinned thread by thread: another keeps
 * clear of its CPUs, and says so where it cannot. */
static void test_unknown_pins(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 2, 1, 0);
	struct vm *other = fake_vm(h, "other", 4, 1, 0);
	for (int i = 0; i < 4; i++) {
		AUTO_FREE char *cpu = xasprintf("%d", 1 + i);
		struct cpuset *mask = arena_alloc(&h->s.arena, sizeof *mask);
		*mask = cpus(cpu);
		other->threads[i].role = ROLE_WORKER;
		other->threads[i].index = -1;
		other->threads[i].allowed = mask;
	}
	placed_first(h, "", 1, "100 isolated 5 17", "clear of them");
	placed_first(h, "[host]\nhousekeeping = 0,5-12,17-23\n", 1,
		"100 isolated 1 13; it lies over CPUs 1,13, which somebody pinned to "
		"vCPUs of VM other: they will run elsewhere",
		"where there is no other place");
	fake_free(h);
}

/* What is needed and what is free are counted alike, in what this VM can use of cores. */
static void test_need(void)
{
	/* 4 performance cores with SMT (0-7), 8 efficiency cores (8,10,…,22), one L3 */
	struct fake_host *h = fake_host((struct shape){ 1, 1, 1, 12, 2, false });
	for (int cpu = 9; cpu < 24; cpu += 2)
		fake_offline(h, cpu);
	fake_kind(h, "0-7", CPU_PERFORMANCE);
	fake_kind(h, "8,10,12,14,16,18,20,22", CPU_EFFICIENCY);
	fake_vm(h, "100", 9, 1, 0);
	static const struct {
		const char *policy, *reason;
	} cases[] = {
		{ "kind = efficiency", "needs 9 cores of its own; 8 are free" },
		{ "kind = performance", "needs 5 cores of its own; 3 are free" },
		{ "kind = efficiency\ncores = thread", "needs 9 CPUs of its own; 8 are free" },
		{ "cores = full", NULL },
		{ "cores = full\nspare = 6", "needs 15 CPUs of its own; 14 are free" },
		{ "cores = one-thread\nspare = 3", "needs 12 cores of its own; 11 are free" },
	};
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		AUTO_PLACEMENTS struct placements *p = NULL;
		AUTO_FREE char *policy = xasprintf("[vm *]\n%s\n", cases[i].policy);
		struct err e;
		same_int(fake_place(h, policy, 1, NULL, &p, &e), 0, "%s", policy);
		same_str(p->refused.n ? p->refused.v[0].reason : NULL, cases[i].reason, "%s",
			policy);
	}
	fake_free(h);
}

int main(void)
{
	test_need();
	test_unknown_pins();
	test_kind();
	test_unknown_vcpus();
	return tap_done();
}
