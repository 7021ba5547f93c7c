/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tap.h"

#include <errno.h>

#include "base/str.h"
#include "../machine/fake-host.h"
#include "plan/claims.h"
#include "vm/config.h"
#include "vm/memory.h"
#include "placed.h"

static const struct shape no_l3 = { 2, 1, 0, 4, 2, false };
static const struct shape no_smt = { 1, 1, 2, 4, 1, false };

/* A host with one VM, and what becomes of it. */
static void one(struct shape shape, int n_vcpus, int guest_threads, const char *policy,
	const char *want, const char *what)
{
	struct fake_host *h = fake_host(shape);
	fake_vm(h, "100", n_vcpus, guest_threads, 0);
	placed(h, policy, want, what);
	fake_free(h);
}

static void test_shapes(void)
{
	one(two_sockets, 4, 1, "", "100 isolated 1 13 2 14", "consecutive vCPUs on siblings");
	one(two_sockets, 4, 2, "", "100 isolated 1 13 2 14", "guest siblings on host siblings");
	one(two_sockets, 3, 1, "", "100 isolated 1 13 2", "an odd vCPU");
	one(two_sockets, 3, 1, "[vm *]\ncores = one-thread\n", "100 isolated 1 2 3", "one thread");
	one(two_sockets, 3, 1, "[vm *]\ncores = thread\n", "100 isolated 1 13 2", "threads");
	one(no_smt, 3, 1, "", "100 isolated 1 2 3", "no SMT: best fit is beside housekeeping");
	one(no_smt, 4, 2, "", "100 isolated 4 5 6 7", "guest SMT on a host without");
	one(no_l3, 4, 1, "", "100 isolated 2 3 4 5", "no L3: one node, without a note");
	one(two_l3s, 6, 2, "", "100 isolated 1 17 2 18 3 19", "beside housekeeping");
	one(two_l3s, 4, 1, "[host]\nhousekeeping = 8\n", "100 isolated 9 25 10 26", "there too");
	one(two_sockets, 4, 1, "[host]\nhousekeeping = 2 cores\n", "100 isolated 2 14 3 15",
		"two cores per node");
	one(two_sockets, 4, 1, "[host]\nhousekeeping = 6-11,18-23\n", "100 isolated 0 12 1 13",
		"a whole socket for the host");
	one(two_sockets, 4, 1, "[host]\nhousekeeping = 0-3\n", "100 isolated 4 16 5 17",
		"what is left of an L3 first");
	one(two_sockets, 4, 1, "[vm *]\nisolation = none\n", "", "none: left alone");
	one(two_sockets, 2, 1, "[vm *]\nisolation = pinned\n", "100 pinned 1 13", "pinned");
	one(two_sockets, 2, 1, "[vm *]\nisolation = fenced\n", "100 fenced 1 13", "fenced");
	one((struct shape){ 1, 1, 1, 2, 2, false }, 2, 1, "", "100 isolated 2 3", "a tiny host");
	one((struct shape){ 2, 2, 4, 8, 2, true }, 16, 2, "",
		"100 isolated 8 136 9 137 10 138 11 139 12 140 13 141 14 142 15 143", "256 CPUs");
}

static void test_large(void)
{
	one(two_l3s, 20, 1, "",
		"100 isolated 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 1 17 2 18 (it is "
		"larger "
		"than what it can have of any L3 here: placed in one node instead)",
		"larger than an L3: one node, few L3s");
	one(no_l3, 8, 2, "",
		"100 isolated 2 3 4 5 10 11 12 13 (it is larger than what it can have of any node "
		"here: placed in fewest nodes instead)",
		"larger than a node");
	one(two_sockets, 12, 1, "[vm *]\nplace = fewest-nodes\n",
		"100 isolated 1 13 2 14 3 15 7 19 8 20 9 21", "as wished: no note");
	one(no_l3, 14, 2, "",
		"100: needs 7 cores of its own; 6 are free\n"
		"- housekeeping keeps CPUs 0-1,8-9\n+ 12 vCPUs fit in the free CPUs",
		"larger than the host");
	one((struct shape){ 1, 1, 1, 1, 2, false }, 1, 1, "",
		"100: needs 1 core of its own; 0 are free\n- housekeeping keeps CPUs 0-1",
		"a host of one core");
	/* sub-NUMA clusters: an L3 that holds two nodes; the VM stays in one of them */
	struct fake_host *h = fake_host((struct shape){ 1, 2, 1, 4, 1, false });
	h->s.n_l3s = 1;
	h->s.l3s[0].cpus = h->s.online_cpus;
	for (size_t i = 0; i < h->s.n_cores; i++)
		h->s.cores[i].l3 = 0;
	fake_vm(h, "1", 2, 1, 0);
	fake_vm(h, "2", 3, 1, 0);
	placed(h, "",
		"1 isolated 5 6\n"
		"2 isolated 1 2 3",
		"one node of an L3 with two");
	fake_free(h);
}

static void test_smt_groups(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct vm *vm = fake_vm(h, "100", 4, 2, 0);
	/* QEMU numbers threads first; others may not */
	for (int i = 0; i < 4; i++) {
		vm->threads[i].guest_core = i % 2;
		vm->threads[i].guest_thread = i / 2;
	}
	placed(h, "", "100 isolated 1 2 13 14", "siblings 0,2 and 1,3");
	vm->threads[0] = vm->threads[1]; /* vCPU 0 is not plugged in */
	vm->threads[1] = vm->threads[2];
	vm->threads[2] = vm->threads[3];
	vm->threads[3].role = ROLE_WORKER;
	placed(h, "", "100 isolated 1 2 13", "a lone sibling has a core to itself");
	vm->threads[0].guest_core = -1;
	placed(h, "", "100 isolated 1 13 2", "unknown siblings: consecutive");
	fake_free(h);
}

static void test_neighbours(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "a", 6, 1, 0);
	fake_vm(h, "b", 8, 1, 0);
	fake_vm(h, "c", 4, 1, 0);
	fake_vm(h, "d", 4, 1, 0);
	placed(h, "",
		"a isolated 7 19 8 20 9 21\n"
		"b isolated 1 13 2 14 3 15 4 16\n"
		"c isolated 10 22 11 23\n"
		"d: needs 2 free cores in one L3; the most is 1, in L3 0\n"
		"- VM b holds 4 cores of L3 0 (CPUs 1-4,13-16)\n"
		"+ 2 vCPUs fit in one L3 (L3 0)",
		"best fit, and a refusal");
	fake_free(h);
	h = fake_host(two_l3s);
	fake_vm(h, "a", 10, 1, 0);
	fake_vm(h, "b", 10, 1, 0);
	fake_vm(h, "c", 8, 1, 0);
	placed(h, "",
		"a isolated 1 17 2 18 3 19 4 20 5 21\n"
		"b isolated 8 24 9 25 10 26 11 27 12 28\n"
		"c: needs 4 free cores in one L3; the most is 3, in L3 1\n"
		"- VM a holds 5 cores of L3 0 (CPUs 1-5,17-21)\n"
		"+ place = one-node fits on node 0: 5 free cores\n"
		"+ 6 vCPUs fit in one L3 (L3 1)",
		"a wider place would do");
	placed(h, "[vm c]\nplace = any\n",
		"a isolated 1 17 2 18 3 19 4 20 5 21\n"
		"b isolated 8 24 9 25 10 26 11 27 12 28\n"
		"c isolated 13 29 14 30 15 31 6 22",
		"any: gaps first");
	placed(h, "[vm c]\ncores = one-thread\n",
		"a isolated 1 17 2 18 3 19 4 20 5 21\n"
		"c isolated 8 9 10 11 12 13 14 15\n"
		"b: needs 5 free cores in one L3; the most is 2, in L3 0\n"
		"- VM a holds 5 cores of L3 0 (CPUs 1-5,17-21)\n"
		"+ 4 vCPUs fit in one L3 (L3 0)",
		"blocking only where it would fit otherwise");
	fake_free(h);
}

static const char *cpus_text(struct fake_host *h, const struct placements *p)
{
	struct cpuset all = claims_sum(p->v, p->n);
	return list_of(h, &all);
}

/* VMs that are planned together are one batch: the order in which they are named is nothing. */
static void test_batch(void)
{
	struct fake_host *h = fake_host(two_l3s);
	AUTO_PLACEMENTS struct placements *p = NULL, *later = NULL;
	struct err e;
	fake_vm(h, "small", 2, 1, 0);
	fake_vm(h, "large", 16, 1, 0);
	same_int(fake_place(h, "", 2, NULL, &p, &e), 0, "place");
	same_int((int)p->n, 2, "a small VM does not take the only whole L3");
	fake_free(h);
	h = fake_host((struct shape){ 1, 1, 1, 9, 2, true });
	for (int i = 0; i < 16; i++) {
		AUTO_FREE char *id = xasprintf("vm%d", i);
		fake_vm(h, id, 1, 1, 0);
	}
	placements_freep(&p);
	same_int(fake_place(h, "[vm *]\ncores = thread\n", 15, NULL, &p, &e), 0, "place");
	same_str(cpus_text(h, p), "1-8,10-16", "with cores = thread they fill up cores");
	same_int(fake_place(h, "[vm *]\ncores = thread\n", 16, p, &later, &e), 0, "one more");
	same_str(cpus_text(h, later), "1-8,10-17", "also later, beside those in force");
	fake_free(h);
	/* What first fit by decreasing size loses: 6 + 6 and 4 + 4 + 4 fill two L3s of 12. */
	h = fake_host((struct shape){ 1, 1, 2, 13, 1, false });
	placements_freep(&p);
	static const int sizes[] = { 5, 4, 4, 4, 7 };
	for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
		AUTO_FREE char *id = xasprintf("vm%zu", i);
		fake_vm(h, id, sizes[i], 1, 0);
	}
	same_int(fake_place(h, "[host]\nhousekeeping = 0,13\n", 5, NULL, &p, &e), 0, "place");
	same_int((int)p->n, 5, "all of them where all fit");
	fake_free(h);
	h = fake_host((struct shape){ 2, 1, 8, 2, 2, false });
	fake_vm(h, "100", 20, 1, 0);
	placed(h, "[vm *]\nplace = any\n",
		"100 isolated 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23",
		"any place is better in one socket");
	fake_free(h);
	h = fake_host(two_l3s);
	h->s.l3s[0].size_kib = 32768;
	h->s.l3s[1].size_kib = 98304;
	fake_vm(h, "100", 4, 1, 0);
	placed(h, "", "100 isolated 8 24 9 25", "the larger cache");
	fake_free(h);
}

/* Pins that vCPU i of the VM to the i-th list. */
static void pin(struct fake_host *h, struct vm *vm, const char *const *lists)
{
	for (size_t i = 0; lists[i]; i++) {
		struct cpuset set = cpus(lists[i]);
		vm->threads[i].allowed = arena_dup(&h->vms.arena, &set, 1, sizeof set);
	}
}

static void test_pins(void)
{
	static const char *const narrow[] = { "1", "2", NULL },
				 *const wide[] = { "0-23", "1-23", NULL };
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 4, 2, 0);
	struct vm *other = fake_vm(h, "other", 2, 1, 0);
	pin(h, other, narrow);
	placed_first(
		h, "", 1, "100 isolated 3 15 4 16", "off the cores that libvirt pinned others to");
	placed_first(h, "", 2, "100 isolated 1 13 2 14\nother isolated 3 15",
		"pins of what is placed too do not count");
	placed_first(h, "[host]\nhousekeeping = 0,3-11,15-23\n", 1,
		"100 isolated 1 13 2 14 (it lies over CPUs 1-2,13-14, which somebody "
		"pinned to vCPUs of VM other: they will run elsewhere)",
		"over them, if nothing else is left");
	placed_first(h, "[host]\nhousekeeping = 0,3-11,15-23\n[vm *]\nisolation = pinned\n", 1,
		"100 pinned 1 13 2 14 (it lies over CPUs 1-2,13-14, which somebody "
		"pinned to vCPUs of VM other: they will share them)",
		"only pinned");
	pin(h, other, wide);
	other->threads[0].allowed = NULL;
	placed_first(h, "", 1,
		"100 isolated 1 13 2 14 (it lies over CPUs 1-2,13-14, which somebody "
		"pinned to vCPUs of VM other: they will run elsewhere)",
		"a pin to nearly all");
	fake_free(h);
}

/* Somebody took CPUs of a claim off the VM's group: a partition of ours did not need them there, a
 * fenced VM has to leave them. */
static void test_limit_in_force(void)
{
	static const char *const policies[] = { "[vm *]\nisolation = isolated\n",
		"[vm *]\nisolation = fenced\n" };
	static const char *const places[] = { "1-2,13-14", "2-3,14-15" };
	for (size_t i = 0; i < N_ELEMENTS(policies); i++) {
		struct fake_host *h = fake_host(two_sockets);
		AUTO_PLACEMENTS struct placements *old = NULL, *p = NULL;
		struct err e = { 0 };
		add_group(h, "100.scope", NULL);
		fake_vm(h, "100", 4, 1, 0)->cgroup = "100.scope";
		same_int(fake_place(h, policies[i], 1, NULL, &old, &e), 0, "placed");
		same_str(list_of(h, &old->v[0].claim_cpus), places[0], "in force");
		const struct cpuset rest = cpus("0-12,14-23");
		h->s.cgroups[h->s.n_cgroups - 1].effective = &rest;
		same_int(fake_place(h, policies[i], 1, old, &p, &e), 0, "placed again");
		same_str(list_of(h, &p->v[0].claim_cpus), places[i], "%s: without CPU 13",
			policies[i]);
		fake_free(h);
	}
}

/* What others hold, what the VM's own groups do not allow, and what better is not used. */
static void test_limits(void)
{
	struct fake_host *h = fake_host(two_sockets);
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e;
	fake_vm(h, "100", 4, 2, 0);
	struct cgroup *slice = add_group(h, "qemu.slice", "6-9,18-21");
	slice->cpus = "6-9,18-21";
	add_group(h, "qemu.slice/100.scope", NULL);
	placed(h, "", "100 isolated 7 19 8 20", "inside of what its slice allows");
	placed(h, "[host]\nhousekeeping = 6-7,18-19\n", "100 isolated 8 20 9 21", "all of it");
	placed(h, "[vm *]\ncores = one-thread\n[host]\nhousekeeping = 0\n",
		"100: no CPU would be left for QEMU's other threads\n"
		"- group /qemu.slice allows it CPUs 6-9,18-21 only\n"
		"+ give group /qemu.slice more CPUs",
		"but for its helpers");
	slice->cpus = NULL;
	slice->effective = NULL;
	struct cgroup *held = add_group(h, "kube", "0-23");
	held->exclusive = "1-5,13-17";
	placed(h, "", "100 isolated 7 19 8 20", "not what a group holds exclusively");
	placed(h, "[host]\nhousekeeping = 6-11,18-23\n",
		"100: needs 2 cores of its own; 1 is free\n"
		"- housekeeping keeps CPUs 6-11,18-23\n"
		"+ 2 vCPUs fit in one L3 (L3 0)",
		"and it is named");
	held->exclusive = NULL;
	held->partition = "root";
	*(struct cpuset *)(uintptr_t)held->effective = cpus("1-5,13-17");
	placed(h, "", "100 isolated 7 19 8 20", "nor in a root partition");
	same_int(fake_place(h, "", 1, NULL, &p, &e), 0, "place");
	same_str(list_of(h, &p->housekeeping_cpus), "0,6,9-12,18,21-23",
		"which is no place for displaced work either");
	held->partition = NULL;
	held->cpus = "1-2,13-14";
	placed(h, "", "100 isolated 3 15 4 16", "better not where a container is pinned");
	placed(h, "[vm *]\nisolation = fenced\n[host]\nhousekeeping = 0,3-11,15-23\n",
		"100 fenced 1 13 2 14 (it lies over CPUs 1-2,13-14, which somebody "
		"pinned to group /kube: they will run elsewhere)",
		"else it is said");
	placed(h, "[host]\nhousekeeping = 0,4-11,16-23\n",
		"100 isolated 3 15 1 13 (it lies over CPUs 1,13, which somebody pinned to group "
		"/kube: they will run elsewhere)",
		"but of its list a partition leaves a core: the kernel refuses one all of it");
	fake_free(h);
}

static void test_memory(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct vm *vm = fake_vm(h, "100", 4, 2, 0);
	struct vm_node node = { .hostnodes = "1", .policy = "bind" };
	struct vm_config config = { .nodes = { &node, 1, 1 } };
	vm->config = &config;
	placed(h, "", "100 isolated 7 19 8 20", "the node that its memory is bound to");
	placed(h, "[host]\nhousekeeping = 6-11,18-23\n",
		"100 isolated 0 12 1 13 (its memory is on node 1: CPUs "
		"0-1,12-13 reach it over the interconnect)",
		"else it is said");
	struct memory_node on[] = { { .node = 0, .kib = 100 }, { .node = 1, .kib = 900 } };
	struct vm_memory memory = { .nodes = { on, 2, 2 } };
	vm->config = NULL;
	vm->memory = &memory;
	placed(h, "", "100 isolated 7 19 8 20", "the node that most of it is on");
	vm->memory = NULL;
	h->s.nodes[0].has_memory = false;
	placed(h, "", "100 isolated 7 19 8 20", "a node that has memory at all");
	fake_free(h);
}

static void test_helpers(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 4, 1, 2);
	placed(h, "[vm *]\nemulator = own\n", "100 isolated 1 13 2 14 emulator=3,15", "emulator");
	placed(h, "[vm *]\niothreads = own\n", "100 isolated 1 13 2 14 iothreads=3,15 io0=3 io1=15",
		"one thread per I/O thread");
	placed(h, "[vm *]\niothreads = own\nemulator = own\n",
		"100 isolated 1 13 2 14 emulator=3 iothreads=15", "both on one core");
	placed(h, "[vm *]\niothreads = 4,16\nemulator = 1\n",
		"100 isolated 2 14 3 15 emulator=1 iothreads=4,16", "named CPUs are kept free");
	placed(h, "[host]\nhousekeeping = 0-1,12-13\n[vm *]\nemulator = 1\n",
		"100 isolated 2 14 3 15 emulator=1", "named CPUs of housekeeping");
	placed(h, "[vm *]\nemulator = 24\n", "p:2: emulator = 24: CPU 24 is not online", "offline");
	fake_vm(h, "200", 2, 1, 0);
	placed(h, "[vm 200]\nemulator = 1\n",
		"100 isolated 2 14 3 15\n200 isolated 4 16 emulator=1",
		"another's are kept free too");
	AUTO_PLACEMENTS struct placements *force = NULL, *p = NULL;
	struct err e = { 0 };
	same_int(fake_place(h, "", 1, NULL, &force, &e), 0, "100 is in force");
	same_int(
		fake_place(h, "[vm 200]\niothreads = 13,15\n", 2, force, &p, &e), -EINVAL, "taken");
	same_str(e.text, "p:2: iothreads = 13,15: CPU 13 belongs to VM 100", "message");
	fake_free(h);
	h = fake_host(no_smt);
	fake_vm(h, "100", 3, 1, 2);
	placed(h, "[vm *]\niothreads = own\nemulator = own\n",
		"100 isolated 4 5 6 emulator=7 iothreads=7", "one CPU for all helpers");
	fake_vm(h, "200", 3, 1, 1);
	placed(h, "[vm 200]\niothreads = own\n",
		"100 isolated 1 2 3\n"
		"200 isolated 4 5 6 iothreads=7 io0=7",
		"the helper's core may be in another L3 of the node");
	fake_free(h);
}

static void test_levels(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct vm *vm = fake_vm(h, "100", 2, 1, 0);
	h->s.has_remote_partitions = false;
	placed(h, "",
		"100 fenced 1 13 (this kernel has no remote cpuset partitions "
		"(cpuset.cpus.exclusive, "
		"since 6.7))",
		"fenced");
	vm->cgroup = "";
	static const char *const advice =
		"+ start it in a scope of its own: systemd-run --scope --slice=qemu.slice "
		"qemu-system-x86_64 …\n+ isolation = pinned needs no cgroup";
	AUTO_FREE char *root = xasprintf(
		"100: its process is in the root cgroup, which cannot be fenced\n%s", advice);
	placed(h, "", root, "root cgroup");
	placed(h, "[vm *]\nisolation = pinned\n", "100 pinned 1 13", "pinned needs none");
	vm->cgroup = "user.slice";
	fake_vm(h, "200", 2, 1, 0)->cgroup = "user.slice";
	AUTO_FREE char *shared = xasprintf("200 pinned 1 13\n100: it shares the cgroup user.slice\n"
					   "- VM 200 is in the cgroup user.slice\n%s",
		advice);
	placed(h, "[vm 200]\nisolation = pinned\n", shared, "one cgroup for two VMs");
	h->s.has_cpuset = false;
	placed(h, "[vm 200]\nisolation = none\n",
		"100: no cgroup v2 hierarchy with the cpuset controller\n"
		"+ isolation = pinned needs none",
		"no cpuset controller");
	h->vms.n_vms = 1;
	h->vms.vms[0].n_threads = 0;
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e;
	same_int(fake_place(h, "[vm *]\nvcpus = 3\n", 1, NULL, &p, &e), 0, "no threads at all");
	same_str(p->refused.n ? p->refused.v[0].reason : NULL,
		"none of its threads is known to be a vCPU", "reason");
	ok(p->refused.n && !p->refused.v[0].is_starting, "... which will not pass");
	placements_freep(&p);
	h->vms.vms[0].is_starting = true;
	same_int(fake_place(h, "[vm *]\n", 1, NULL, &p, &e), 0, "none yet");
	same_str(p->refused.n ? p->refused.v[0].reason : NULL, VM_WITHOUT_VCPU, "reason");
	ok(p->refused.n && p->refused.v[0].is_starting && !p->refused.v[0].alternatives.n,
		"... and nothing is advised");
	fake_free(h);
}

static void test_isolcpus(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 4, 1, 0);
	fake_boot_isolated(h, "2-5,14-17");
	placed(h, "", "100 isolated 7 19 8 20", "no partition on isolcpus");
	placed(h, "[vm *]\nisolation = pinned\n", "100 pinned 2 14 3 15", "but pins, there first");
	fake_vm(h, "200", 10, 1, 0);
	placed(h, "[vm 100]\nisolation = pinned\nplace = any\n[host]\nhousekeeping = 6\n",
		"100 pinned 2 14 3 15\n200 isolated 7 19 8 20 9 21 10 22 11 23", "one each");
	placed(h, "[vm 100]\nisolation = none\n[host]\nhousekeeping = 6-11,18-23\n",
		"200: needs 5 cores of its own; 2 are free\n"
		"- housekeeping keeps CPUs 6-11,18-23\n"
		"+ isolation = fenced fits on CPUs of isolcpus=\n"
		"+ 4 vCPUs fit in one L3 (L3 0)",
		"a refusal for isolcpus");
	h->s.isolated_cpus = cpus("2-5,8-9,14-17");
	placed(h, "[vm 200]\nisolation = none\n", "100 isolated 7 19 10 22",
		"nor on a partition of others");
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e;
	same_int(fake_place(h, "", 1, NULL, &p, &e), 0, "place");
	same_str(list_of(h, &p->housekeeping_cpus), "0-1,6,11-13,18,20-21,23", "housekeeping");
	same_str(list_of(h, &p->reserved_cpus), "0,6,12,18", "reserved");
	fake_free(h);
	h = fake_host((struct shape){ 1, 1, 1, 4, 2, true });
	fake_vm(h, "100", 4, 1, 0);
	fake_boot_isolated(h, "3,7");
	placed(h, "[host]\nhousekeeping = 3,7\n[vm *]\ncores = full\nvcpus = 6\n",
		"100 isolated 1 5 2 6", "the host keeps its last core");
	fake_vm(h, "200", 2, 1, 0);
	placed(h, "[host]\nhousekeeping = 3,7\n",
		"100 isolated 1 5 2 6\n"
		"200: needs 1 free core in one L3; none is free\n"
		"- VM 100 holds 2 cores of L3 0 (CPUs 1-2,5-6)",
		"never the last CPU");
	fake_free(h);
}

static void test_odd_hosts(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 4, 2, 0);
	fake_offline(h, 13);
	fake_offline(h, 2);
	fake_offline(h, 14);
	placed(h, "[host]\nhousekeeping = 6\n", "100 isolated 0 12 3 15", "offline CPUs");
	fake_free(h);
	h = fake_host(two_sockets);
	fake_memory_node(h);
	fake_vm(h, "100", 4, 2, 0);
	placed(h, "", "100 isolated 1 13 2 14", "a node without CPUs");
	fake_free(h);
	/* 4 performance cores with SMT (0-7), 8 efficiency cores (8,10,…,22), one L3 */
	h = fake_host((struct shape){ 1, 1, 1, 12, 2, false });
	for (int cpu = 9; cpu < 24; cpu += 2)
		fake_offline(h, cpu);
	fake_kind(h, "0-7", CPU_PERFORMANCE);
	fake_kind(h, "8,10,12,14,16,18,20,22", CPU_EFFICIENCY);
	fake_vm(h, "100", 6, 2, 0);
	placed(h, "", "100 isolated 2 3 4 5 6 7", "performance cores");
	placed(h, "[vm *]\nemulator = own\n", "100 isolated 2 3 4 5 6 7 emulator=8",
		"helpers may have another kind");
	fake_vm(h, "200", 4, 1, 0);
	placed(h, "",
		"100 isolated 2 3 4 5 6 7\n200 isolated 8 10 12 14 (all its vCPUs are on "
		"efficiency "
		"cores, CPUs 8,10,12,14)",
		"then efficiency cores, said");
	h->vms.n_vms = 0;
	fake_vm(h, "300", 10, 1, 0);
	placed(h, "",
		"300 isolated 2 3 4 5 6 7 8 10 12 14 (4 of its 10 vCPUs are on slower (efficiency) "
		"cores, CPUs 8,10,12,14)",
		"a mix when nothing else will do, said");
	fake_free(h);
	/* 8 like cores with SMT; the last two are favoured, the sixth most */
	h = fake_host((struct shape){ 1, 1, 1, 8, 2, false });
	for (size_t i = 0; i < h->s.n_cpus; i++)
		h->s.cpus[i].rank = h->s.cpus[i].core == 5 ? 0 : h->s.cpus[i].core > 5 ? 1 : 2;
	fake_vm(h, "100", 4, 2, 0);
	placed(h, "", "100 isolated 10 11 12 13", "favoured cores first");
	fake_vm(h, "200", 4, 2, 0);
	placed(h, "", "100 isolated 10 11 12 13\n200 isolated 14 15 2 3", "then the others");
	fake_free(h);
}

static void test_shared(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 2, 1, 0);
	fake_vm(h, "200", 4, 1, 0);
	placed(h, "[vm 100]\ncores = shared\n[vm 200]\n",
		"100 pinned 6-11,18-23 6-11,18-23 (CPUs that are shared cannot be kept free of "
		"others "
		"(cores = shared))\n200 isolated 1 13 2 14",
		"shared: the emptiest L3");
	placed(h, "[vm 100]\ncores = shared\nplace = any\nisolation = pinned\nemulator = own\n",
		"100 pinned 0,4-12,16-23 0,4-12,16-23 emulator=1,13\n200 isolated 2 14 3 15",
		"any");
	fake_free(h);
}

static void test_names(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "db", 2, 1, 0);
	fake_vm(h, "db", 2, 1, 0);
	placed(h, "[vm *]\nisolation = pinned\n", "db pinned 1 13\ndb pinned 2 14",
		"two VMs of one name are two VMs");
	AUTO_PLACEMENTS struct placements *old = NULL, *p = NULL, *q = NULL;
	struct err e = { 0 };
	h->vms.vms[1].cgroup = "another.scope";
	same_int(fake_place(h, "[vm *]\nemulator = 4\n", 1, NULL, &old, &e), 0, "one in force");
	same_int(fake_place(h, "", 2, old, &p, &e), 0, "both");
	AUTO_FREE char *got = describe(p);
	same_str(got, "db isolated 1 13\ndb isolated 2 14", "the second has no claim in force");
	h->vms.vms[0].pid = 999; /* restarted */
	h->vms.n_vms = 1;
	same_int(fake_place(h, "[vm *]\nemulator = 13\n", 1, old, &q, &e), 0, "after a restart");
	AUTO_FREE char *moved = describe(q);
	same_str(moved, "db isolated 2 14 emulator=13", "the name inherits the claim");
	fake_free(h);
}

/* Objects that are not ours: every member missing, or of the wrong type. */
static void test_json(void)
{
	static const char *const bad[] = {
		"{\"tid\": 0}",
		"{\"tid\": -1}",
		"{\"tid\": 2147483648}",
		"{\"start\": -1}",
		"{\"start\": \"7\"}",
		"{\"cpus\": \"1-\"}",
	};
	static const char *const bad_wishes[] = {
		"{\"cores\": \"some\"}",
		"{\"core\": \"full\"}",
		"{\"vcpus\": 4}",
		"{\"iothreads\": \"spare\"}",
		"{\"near\": \"gpu\"}",
	};
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 2, 1, 1)->name = "db \xff"; /* not UTF-8 */
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e;
	struct arena a = { 0 };
	struct placement back;
	same_int(fake_place(h, "[vm *]\niothreads = own\n", 1, NULL, &p, &e), 0, "place");
	json_t *o = placement_to_json(&p->v[0]);
	same_int(placement_from_json(o, &a, &back), 0, "read back");
	same_str(back.name, "db \xff", "a name of any bytes");
	same_str(back.cgroup, "qemu.slice/100.scope", "cgroup");
	ok(back.n_vcpus == 2 && back.vcpus[1].tid == p->v[0].vcpus[1].tid &&
			back.vcpus[1].start == 1000 && back.iothreads[0].vcpu == -1,
		"threads");
	same_str(back.iothreads[0].id, "io0", "I/O thread");
	ok(cpuset_is_empty(&back.memory_nodes), "its memory is not held");
	p->v[0].vcpus[1].vcpu = -1;
	p->v[0].memory_nodes = cpuset_of(1);
	json_t *held = placement_to_json(&p->v[0]);
	ok(placement_from_json(held, &a, &back) == 0 && back.vcpus[1].vcpu == -1 &&
			cpuset_equal(&back.memory_nodes, &p->v[0].memory_nodes),
		"a vCPU that nobody knows, and memory that is held");
	json_decref(held);
	same_int(placement_from_json(NULL, &a, &back), -EINVAL, "nothing");
	const char *key;
	json_t *value;
	json_object_foreach (o, key, value) {
		bool is_new = streq(key, "wish") || streq(key, "housekeeping") ||
			streq(key, "confirm_ns") || streq(key, "spare") || streq(key, "memory");
		json_t *less = json_copy(o), *wrong = json_copy(o);
		json_object_del(less, key);
		json_object_set_new(wrong, key, json_true());
		same_int(placement_from_json(less, &a, &back), is_new ? 0 : -EINVAL, "no %s", key);
		same_int(placement_from_json(wrong, &a, &back), -EINVAL, "bad %s", key);
		json_decref(less);
		json_decref(wrong);
	}
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		json_t *other = json_deep_copy(o), *patch = json_loads(bad[i], 0, NULL);
		json_object_update(json_array_get(json_object_get(other, "vcpus"), 1), patch);
		same_int(placement_from_json(other, &a, &back), -EINVAL, "vCPU with %s", bad[i]);
		json_decref(other);
		json_decref(patch);
	}
	for (size_t i = 0; i < N_ELEMENTS(bad_wishes); i++) {
		json_t *other = json_deep_copy(o), *patch = json_loads(bad_wishes[i], 0, NULL);
		json_object_update(json_object_get(other, "wish"), patch);
		same_int(placement_from_json(other, &a, &back), -EINVAL, "a wish with %s",
			bad_wishes[i]);
		json_decref(other);
		json_decref(patch);
	}
	json_decref(o);
	arena_done(&a);
	fake_free(h);
}

int main(void)
{
	test_shapes();
	test_large();
	test_smt_groups();
	test_neighbours();
	test_batch();
	test_pins();
	test_limits();
	test_memory();
	test_helpers();
	test_levels();
	test_isolcpus();
	test_odd_hosts();
	test_shared();
	test_limit_in_force();
	test_names();
	test_json();
	return tap_done();
}
