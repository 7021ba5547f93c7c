/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Placing beside what is in force already: what a claim keeps, and what it no longer does. */
#include "tap.h"

#include "../machine/fake-host.h"
#include "placed.h"
#include "vm/memory.h"

static void test_in_force(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 4, 1, 0);
	fake_vm(h, "200", 2, 1, 0);
	fake_vm(h, "300", 2, 1, 0);
	AUTO_PLACEMENTS struct placements *all = NULL, *again = NULL;
	struct err e;
	same_int(fake_place(h, "", 3, NULL, &all, &e), 0, "three");
	/* 100 is gone: the claims of the others stand, and so do they when they are planned anew */
	all->v[0] = all->v[2];
	all->n = 2;
	h->s.isolated_cpus = cpus("3-4,15-16");
	same_int(fake_place(h, "", 3, all, &again, &e), 0, "again");
	AUTO_FREE char *got = describe(again);
	same_str(
		got, "100 isolated 1 13 2 14\n200 isolated 3 15\n300 isolated 4 16", "same places");
	same_str(list_of(h, &again->housekeeping_cpus), "0,5-12,17-23", "housekeeping");
	fake_free(h);
}

static void test_old_claims(void)
{
	AUTO_PLACEMENTS struct placements *old = NULL, *p = NULL, *q = NULL, *first = NULL;
	struct err e;
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "200", 2, 1, 0);
	same_int(fake_place(h, "", 1, NULL, &old, &e), 0, "one");
	fake_vm(h, "100", 2, 1, 0);
	struct vm other = h->vms.vms[0];
	h->vms.vms[0] = h->vms.vms[1];
	h->vms.vms[1] = other;
	h->vms.vms[1].pid = 999; /* restarted, and not planned now */
	same_int(fake_place(h, "", 1, old, &p, &e), 0, "another");
	AUTO_FREE char *got = describe(p);
	same_str(got, "100 isolated 1 13", "the claim of a process that ended is nobody's");
	fake_free(h);

	h = fake_host(two_sockets);
	fake_vm(h, "100", 2, 1, 0);
	same_int(fake_place(h, "[host]\nhousekeeping = 6-11,18-23\n", 1, NULL, &first, &e), 0,
		"on the first core");
	same_int(fake_place(h, "[host]\nhousekeeping = 1 core\n", 1, first, &q, &e), 0, "again");
	AUTO_FREE char *kept = describe(q);
	same_str(kept, "100 isolated 0 12", "it stays there");
	same_str(list_of(h, &q->reserved_cpus), "1,6,13,18",
		"what the host keeps is none of the CPUs that a VM has");
	fake_free(h);
}

static void test_move_away(void)
{
	AUTO_PLACEMENTS struct placements *old = NULL, *p = NULL;
	struct err e;
	struct fake_host *h = fake_host(two_l3s);
	fake_vm(h, "100", 2, 1, 0);
	same_int(fake_place(h, "", 1, NULL, &old, &e), 0, "small");
	fake_free(h);
	h = fake_host(two_l3s);
	fake_vm(h, "100", 16, 1, 0);
	fake_vm(h, "200", 14, 1, 0);
	same_int(fake_place(h, "", 2, old, &p, &e), 0, "it has grown");
	AUTO_FREE char *got = describe(p);
	same_str(got,
		"100 isolated 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31\n"
		"200 isolated 1 17 2 18 3 19 4 20 5 21 6 22 7 23",
		"and leaves its old CPUs to the next");
	fake_free(h);
}

static void test_grow_beside(void)
{
	static const struct shape small = { 1, 1, 1, 8, 2, true };
	AUTO_PLACEMENTS struct placements *old = NULL, *p = NULL;
	struct err e;
	struct fake_host *h = fake_host(small);
	fake_vm(h, "100", 2, 1, 0);
	fake_vm(h, "200", 4, 1, 0);
	same_int(fake_place(h, "", 2, NULL, &old, &e), 0, "two");
	fake_free(h);
	h = fake_host(small);
	fake_vm(h, "100", 12, 1, 0);
	fake_vm(h, "200", 4, 1, 0);
	same_int(fake_place(h, "", 2, old, &p, &e), 0, "one has grown");
	ok(p->n == 1 && streq(p->v[0].vm, "200") && p->refused.n == 1 &&
			streq(p->refused.v[0].vm, "100"),
		"and gets nothing that is another's");
	fake_free(h);
}

/* The rest of a core that a VM with cores = thread opened is for others of its kind, unless it is
 * the host's. */
static void test_open_core(void)
{
	AUTO_PLACEMENTS struct placements *old = NULL, *p = NULL, *q = NULL;
	struct err e;
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 1, 1, 0);
	same_int(fake_place(h, "[vm *]\ncores = thread\n", 1, NULL, &old, &e), 0, "a thread");
	fake_vm(h, "200", 1, 1, 0);
	same_int(fake_place(h, "[vm *]\ncores = thread\n", 2, old, &p, &e), 0, "a second");
	AUTO_FREE char *got = describe(p);
	same_str(got, "100 isolated 1\n200 isolated 13", "on the rest of that core");
	same_int(fake_place(h, "[host]\nhousekeeping = 0,12-13\n[vm *]\ncores = thread\n", 2, old,
			 &q, &e),
		0, "with housekeeping there");
	AUTO_FREE char *apart = describe(q);
	same_str(apart, "100 isolated 1\n200 isolated 2", "and not on the host's");
	fake_free(h);
}

/* What could be had when it was applied need not be what can be had now. */
static void test_other_level(void)
{
	AUTO_PLACEMENTS struct placements *old = NULL, *p = NULL;
	struct err e;
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 2, 1, 0);
	same_int(fake_place(h, "", 1, NULL, &old, &e), 0, "with partitions");
	same_int(old->v[0].level, LEVEL_ISOLATED, "isolated");
	h->s.has_remote_partitions = false;
	same_int(fake_place(h, "", 1, old, &p, &e), 0, "without partitions");
	ok(p->n == 1 && p->v[0].level == LEVEL_FENCED && p->v[0].why_less,
		"the level that can be had now, and why");
	fake_free(h);
}

/* What it costs to be there is said, and that it stays; no reason that is none: there is room. */
static void test_notes(void)
{
	AUTO_PLACEMENTS struct placements *old = NULL, *p = NULL;
	struct err e;
	struct fake_host *h = fake_host(two_sockets);
	struct cpuset pin = cpus("1");
	struct memory_node on = { .node = 1, .kib = 8 << 20 };
	struct vm_memory memory = { .nodes = { &on, 1, 1 } };
	struct vm *vm = fake_vm(h, "100", 4, 1, 0);
	fake_kind(h, "1-2,13-14", CPU_EFFICIENCY);
	fake_kind(h, "0,3-12,15-23", CPU_PERFORMANCE);
	same_int(fake_place(h, "[vm *]\nkind = efficiency\n", 1, NULL, &old, &e), 0, "one");
	vm->memory = &memory;
	fake_vm(h, "other", 1, 1, 0)->threads[0].allowed = &pin;
	same_int(fake_place(h, "", 1, old, &p, &e), 0, "again");
	AUTO_FREE char *got = describe(p);
	same_str(got,
		"100 isolated 2 14 1 13 (all its vCPUs are on efficiency cores, CPUs 1-2,13-14; "
		"its memory is on node 1: CPUs 1-2,13-14 reach it over the interconnect; "
		"it lies over CPUs 1,13, which somebody pinned to vCPUs of VM other: they will run "
		"elsewhere; what is in force stays where it is)",
		"it stays");
	fake_free(h);
}

int main(void)
{
	test_notes();
	test_in_force();
	test_old_claims();
	test_move_away();
	test_grow_beside();
	test_open_core();
	test_other_level();
	return tap_done();
}
