/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How pinning went wrong for others, as public reports tell it, and what is planned instead; what
 * is said for and against a place.
 */
#include "tap.h"

#include "base/str.h"
#include "../machine/fake-host.h"
#include "plan/claims.h"
#include "vm/config.h"
#include "vm/memory.h"

static struct placements *place(
	struct fake_host *h, const char *policy, size_t n, const struct placements *in_force)
{
	struct placements *p = NULL;
	struct err e = { 0 };
	same_int(fake_place(h, policy, n, in_force, &p, &e), 0, "place");
	return p;
}

static const char *claim(struct fake_host *h, const struct placements *p, size_t i)
{
	return i < p->n ? list_of(h, &p->v[i].claim_cpus) : "refused";
}

static bool has(const char *text, const char *what)
{
	return text && strstr(text, what);
}

/* Idle neighbours beside vCPUs that cannot leave their CPUs: spare ones, nobody else's. */
static void test_cage(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 4, 1, 0);
	fake_vm(h, "200", 4, 1, 0);
	AUTO_PLACEMENTS struct placements *p = place(h, "[vm 100]\nspare = 2\n[vm 200]\n", 2, NULL);
	same_int(cpuset_count(&p->v[0].vcpus[0].cpus), 3, "a vCPU has its own CPU and two more");
	ok(!cpuset_intersects(&p->v[0].spare_cpus, &p->v[1].claim_cpus), "nobody else's");
	same_int(h->s.nodes[0].node, 0, "node");
	ok(cpuset_is_subset(&p->v[0].claim_cpus, &h->s.l3s[0].cpus) ||
			cpuset_is_subset(&p->v[0].claim_cpus, &h->s.l3s[1].cpus),
		"in the same L3");
	fake_free(h);
}

/* 8 vCPUs in a mask of 4 CPUs: of its slice, which is named. */
static void test_narrow_mask(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct snapshot *s = &h->s;
	fake_vm(h, "100", 8, 1, 0);
	struct cpuset four = cpus("2-3,14-15");
	s->cgroups[s->n_cgroups++] = (struct cgroup){
		.path = "qemu.slice", .parent = 0, .cpus = "2-3,14-15", .effective = &four
	};
	s->cgroups[s->n_cgroups++] = (struct cgroup){ .path = "qemu.slice/100.scope", .parent = 1 };
	AUTO_PLACEMENTS struct placements *p = place(h, "", 1, NULL);
	same_int((int)p->refused.n, 1, "refused");
	bool is_named = false;
	for (size_t i = 0; p->refused.n && i < p->refused.v[0].blocking.n; i++)
		is_named |= has(
			p->refused.v[0].blocking.v[i].text, "/qemu.slice allows it CPUs 2-3,14-15");
	ok(is_named, "the group and its CPUs are named");
	fake_free(h);
}

/* vCPUs pinned, and QEMU's other threads wherever they like. */
static void test_helpers_anywhere(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 4, 1, 2);
	AUTO_PLACEMENTS struct placements *p = place(h, "", 1, NULL);
	ok(cpuset_is_empty(&p->v[0].emulator_cpus), "with the host's own work");
	ok(!cpuset_intersects(&p->housekeeping_cpus, &p->v[0].claim_cpus), "which is elsewhere");
	fake_free(h);
}

/* Its memory is where somebody is pinned: it goes where nobody is. */
static void test_pins_before_memory(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct memory_node on[] = { { .node = 0, .kib = 8 << 20 } };
	struct vm_memory memory = { .nodes = { on, 1, 1 } };
	struct cpuset pin = cpus("1");
	fake_vm(h, "100", 10, 1, 0)->memory = &memory;
	fake_vm(h, "other", 1, 1, 0)->threads[0].allowed = &pin;
	AUTO_PLACEMENTS struct placements *p = place(h, "", 1, NULL);
	same_str(claim(h, p, 0), "7-11,19-23", "off somebody's pins, though its memory is there");
	same_str(p->v[0].place_note,
		"its memory is on node 0: CPUs 7-11,19-23 reach it over the interconnect",
		"... and says what that costs");
	fake_free(h);
}

/* CPUs fixed on one node, and the memory on the other. */
static void test_far_memory(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct memory_node on[] = { { .node = 1, .kib = 8 << 20 } };
	struct vm_memory memory = { .nodes = { on, 1, 1 } };
	fake_vm(h, "100", 4, 1, 0)->memory = &memory;
	AUTO_PLACEMENTS struct placements *p = place(h, "", 1, NULL);
	same_str(claim(h, p, 0), "7-8,19-20", "on the node of its memory");
	fake_free(h);
}

/* A range of isolcpus= as mask: nothing balances there, all threads sit on its first CPU. */
static void test_isolcpus_range(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_boot_isolated(h, "2-5,14-17");
	fake_vm(h, "100", 4, 1, 0);
	AUTO_PLACEMENTS struct placements *p = place(h, "[vm *]\nisolation = pinned\n", 1, NULL);
	bool is_one_each = true;
	for (size_t i = 0; i < p->v[0].n_vcpus; i++)
		is_one_each &= cpuset_count(&p->v[0].vcpus[i].cpus) == 1;
	ok(is_one_each && cpuset_count(&p->v[0].vcpu_cpus) == 4, "one CPU each");
	ok(cpuset_is_subset(&p->v[0].vcpu_cpus, &h->s.boot_isolated_cpus), "there");
	fake_free(h);
}

/* Siblings are numbered otherwise after an update of the firmware, or on the host that a VM
 * migrates to: what is kept is the wish. */
static void test_numbering(void)
{
	for (int is_far = 0; is_far < 2; is_far++) {
		struct fake_host *h = fake_host((struct shape){ 2, 1, 1, 6, 2, is_far });
		fake_vm(h, "100", 4, 2, 0);
		AUTO_PLACEMENTS struct placements *p = place(h, "", 1, NULL);
		same_str(claim(h, p, 0), is_far ? "1-2,13-14" : "2-5", "two whole cores");
		struct cpuset core = cpuset_or(&p->v[0].vcpus[0].cpus, &p->v[0].vcpus[1].cpus);
		ok(cpuset_equal(&core, &h->s.cores[1].cpus), "guest siblings are siblings");
		fake_free(h);
	}
}

/* Half of the nodes have no memory. */
static void test_bare_nodes(void)
{
	struct fake_host *h = fake_host((struct shape){ 1, 4, 1, 4, 2, true });
	h->s.nodes[0].has_memory = h->s.nodes[2].has_memory = false;
	fake_vm(h, "100", 4, 1, 0);
	AUTO_PLACEMENTS struct placements *p = place(h, "", 1, NULL);
	ok(cpuset_is_subset(&p->v[0].claim_cpus, &h->s.nodes[1].cpus) ||
			cpuset_is_subset(&p->v[0].claim_cpus, &h->s.nodes[3].cpus),
		"a node with memory");
	fake_free(h);
}

/* More than there is: a refusal, and nobody is killed for it later. */
static void test_too_much_memory(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct vm_node node = { .mib = 50 << 10, .hostnodes = "1", .policy = "bind" };
	struct vm_config config = { .memory_mib = 10000000, .source = "command line" };
	h->s.nodes[0].mem_total_kib = 64 << 20;
	h->s.nodes[1].mem_total_kib = 32 << 20;
	fake_vm(h, "100", 4, 1, 0)->config = &config;
	AUTO_PLACEMENTS struct placements *p = place(h, "", 1, NULL);
	same_str(p->refused.n ? p->refused.v[0].reason : NULL,
		"it has 10000000 MiB of memory by its configuration, and this host has 98304",
		"more than the host has");
	config.memory_mib = 50 << 10;
	placements_freep(&p);
	p = place(h, "", 1, NULL);
	same_int((int)p->n, 1, "less");
	config.nodes.v = &node;
	config.nodes.n = 1;
	placements_freep(&p);
	p = place(h, "", 1, NULL);
	same_str(p->refused.n ? p->refused.v[0].reason : NULL,
		"it has 51200 MiB of memory by its configuration bound to node 1, and that has "
		"32768",
		"more than the node has that it is bound to");
	h->s.nodes[1].is_memory_unknown = true;
	placements_freep(&p);
	p = place(h, "", 1, NULL);
	same_int((int)p->n, 1, "where nobody knows it is let in");
	fake_free(h);
}

/* Bound, and not there yet: of what is free now, huge pages apart; the first of two has it. */
static void test_bound_memory(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct vm_node node = { .mib = 8 << 10, .hostnodes = "1", .policy = "bind" };
	struct vm_config config = { .memory_mib = 8 << 10, .source = "command line" };
	struct memory_node on[] = { { .node = 1, .kib = 2 << 20 } };
	struct vm_memory memory = { .nodes = { on, 1, 1 }, .source = "numa_maps" };
	struct hugepages pages = { .size_kib = 2048, .total = 4096, .free = 1000 };
	config.nodes.v = &node;
	config.nodes.n = 1;
	for (int i = 0; i < 2; i++)
		h->s.nodes[i].mem_total_kib = 64 << 20;
	h->s.nodes[1].mem_free_kib = 4 << 20;
	h->s.nodes[1].mem_cache_kib = 4 << 20;
	for (int i = 0; i < 2; i++) {
		struct vm *vm = fake_vm(h, i ? "200" : "100", 2, 1, 0);
		vm->config = &config;
		vm->memory = &memory;
	}
	AUTO_PLACEMENTS struct placements *p = place(h, "", 2, NULL);
	same_str(p->n == 1 ? p->v[0].vm : NULL, "100", "6 of 8 GiB, with what the cache gives up");
	same_str(p->refused.n ? p->refused.v[0].reason : NULL,
		"its configuration binds 6144 MiB more to node 1 than are there yet, and 2048 MiB "
		"are left there: it would be killed when it comes to use them",
		"and the second finds two");
	placements_freep(&p);
	node.hugepages_kib = 2048;
	h->s.nodes[1].hugepages = &pages;
	h->s.nodes[1].n_hugepages = 1;
	p = place(h, "", 1, NULL);
	ok(p->refused.n &&
			has(p->refused.v[0].reason,
				"binds 8192 MiB more to node 1 than are there yet, and 2000 MiB "
				"are left there in pages of 2048 KiB"),
		"huge pages are another thing, and what is there in others is none");
	struct memory_pages there[] = { { 4, 1 << 20 }, { 2048, 1 << 20 } };
	on[0].pages.v = there;
	on[0].pages.n = N_ELEMENTS(there);
	placements_freep(&p);
	p = place(h, "", 1, NULL);
	ok(p->refused.n && has(p->refused.v[0].reason, "binds 7168 MiB more"),
		"those of their size count");
	pages.free = 3584;
	placements_freep(&p);
	p = place(h, "", 1, NULL);
	same_int((int)p->n, 1, "just enough of them");
	fake_free(h);
}

/* Nothing is bound, and nothing there yet: a node with too little comes last, and is told. */
static void test_little_memory(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct vm_config config = { .memory_mib = 8 << 10, .source = "command line" };
	struct vm_memory memory = { .source = "numa_maps" };
	h->s.nodes[0].mem_total_kib = h->s.nodes[1].mem_total_kib = 64 << 20;
	h->s.nodes[0].mem_free_kib = 1 << 20;
	h->s.nodes[1].mem_free_kib = 9 << 20;
	for (int i = 0; i < 2; i++) {
		struct vm *vm = fake_vm(h, i ? "200" : "100", 8, 1, 0);
		vm->config = &config;
		vm->memory = &memory;
	}
	AUTO_PLACEMENTS struct placements *p = place(h, "", 2, NULL);
	same_str(claim(h, p, 0), "7-10,19-22", "where there is enough");
	ok(has(p->v[1].place_note, "node 0 of its CPUs has 1024 MiB free"), "the other is told");
	fake_free(h);
}

/* Two starts in quick succession: the second is planned beside the claim of the first. */
static void test_two_starts(void)
{
	struct fake_host *h = fake_host((struct shape){ 1, 1, 1, 4, 2, true });
	fake_vm(h, "100", 4, 1, 0);
	fake_vm(h, "200", 4, 1, 0);
	AUTO_PLACEMENTS struct placements *first = place(h, "[vm 100]\n", 1, NULL);
	AUTO_PLACEMENTS struct placements *p = place(h, "[vm 200]\n[vm 100]\n", 2, first);
	same_str(claim(h, p, 0), claim(h, first, 0), "the first stays");
	same_int((int)p->refused.n, 1, "and there is no room for two");
	fake_free(h);
}

/* Latency VMs together on one core while idle ones own whole cores. */
static void test_stacked(void)
{
	struct fake_host *h = fake_host(two_l3s);
	fake_vm(h, "100", 1, 1, 0);
	fake_vm(h, "200", 1, 1, 0);
	struct vm *idle = fake_vm(h, "idle", 4, 1, 0);
	for (size_t i = 0; i < idle->n_threads; i++) {
		idle->threads[i].has_times = true;
		idle->threads[i].run_ns = 1000000000;
	}
	h->s.ticks_since_boot = 3000 + 1000 * 100;
	AUTO_PLACEMENTS struct placements *p = place(h, "", 3, NULL);
	ok(!cpuset_intersects(&p->v[0].claim_cpus, &p->v[1].claim_cpus), "cores of their own");
	ok(cpuset_count(&p->v[0].claim_cpus) == 2, "whole ones");
	same_str(p->v[2].verdict,
		"its vCPUs ran 0.1 % of the time since they were started: it is idle, and would "
		"keep "
		"CPUs from others",
		"and the idle one is told");
	ok(!p->v[0].verdict, "nobody else");
	fake_free(h);
}

static void test_verdict(void)
{
	struct fake_host *h = fake_host((struct shape){ 1, 1, 1, 4, 2, true });
	fake_vm(h, "100", 6, 1, 0);
	fake_vm(h, "200", 4, 1, 0);
	AUTO_PLACEMENTS struct placements *p = place(h, "", 1, NULL);
	ok(has(p->verdict, "10 vCPUs in all, on 8 CPUs"), "oversubscribed");
	ok(has(p->verdict,
		   "CPUs 0,4 are all that is left for the host and for 4 vCPUs of VMs "
		   "without CPUs of their own: no headroom"),
		"no headroom");
	placements_freep(&p);
	p = place(h, "[vm *]\ncores = shared\n", 1, NULL);
	ok(has(p->verdict,
		   "CPUs 0-7 are all that is left for the host and for 10 vCPUs of VMs "
		   "without CPUs of their own"),
		"its own too, where it has none");
	fake_free(h);
	h = fake_host((struct shape){ 1, 1, 1, 4, 1, true });
	struct cpuset closed = cpus("3");
	h->s.isolated_cpus = closed;
	fake_vm(h, "100", 2, 1, 0);
	fake_vm(h, "200", 2, 1, 0)->threads[0].allowed = &closed;
	placements_freep(&p);
	p = place(h, "", 1, NULL);
	same_str(p->verdict,
		"CPU 0 is all that is left for the host and for 1 vCPU of VMs without CPUs of "
		"their own: no headroom",
		"not those in somebody's partition");
	fake_free(h);
	h = fake_host(two_sockets);
	fake_vm(h, "100", 4, 1, 0);
	placements_freep(&p);
	p = place(h, "", 1, NULL);
	ok(!p->verdict && !p->v[0].verdict, "nothing speaks against it");
	placements_freep(&p);
	fake_vm(h, "200", 30, 1, 0);
	p = place(h, "[vm 200]\ncores = shared\nplace = any\n", 2, NULL);
	ok(has(p->v[1].verdict, "its 30 vCPUs share 20 CPUs"), "more than it shares");
	fake_free(h);
}

/* Shared ones are near their memory, and not where others of their kind work already. */
static void test_shared_places(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct memory_node on[] = { { .node = 0, .kib = 8 << 20 } };
	struct vm_memory memory = { .nodes = { on, 1, 1 } };
	fake_vm(h, "100", 2, 1, 0)->memory = &memory;
	fake_vm(h, "200", 2, 1, 0);
	fake_vm(h, "300", 2, 1, 0)->memory = &memory;
	AUTO_PLACEMENTS struct placements *p =
		place(h, "[vm *]\ncores = shared\nplace = one-node\n", 3, NULL);
	same_str(list_of(h, &p->v[0].vcpu_cpus), "0-5,12-17", "where its memory is");
	same_str(list_of(h, &p->v[1].vcpu_cpus), "6-11,18-23", "the other has more time left");
	same_str(list_of(h, &p->v[2].vcpu_cpus), "0-5,12-17", "memory counts more than load");
	fake_free(h);
}

static void test_explained(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct memory_node on[] = { { .node = 1, .kib = 8 << 20 } };
	struct vm_memory memory = { .nodes = { on, 1, 1 } };
	fake_vm(h, "100", 4, 1, 0)->memory = &memory;
	AUTO_POLICY struct policy *policy = fake_policy("[vm *]\n");
	AUTO_PLACEMENTS struct placements *p = NULL;
	const struct plan_options explained = { .is_explained = true };
	const size_t wanted = 0;
	struct err e;
	same_int(place_vms_as(&h->s, &h->vms, policy, &wanted, 1, NULL, 0, &explained, &p, &e), 0,
		"place");
	const struct explanation *x = p->v[0].explanation;
	same_str(x->place, "L3 1", "place");
	same_str(x->runner_up, "L3 0", "runner-up");
	same_str(plan_term_key(x->decided), "remote_memory", "what decides");
	ok(x->chosen[TERM_REMOTE_MEMORY] == 0 && x->other[TERM_REMOTE_MEMORY] == 20 &&
			!x->is_other_better,
		"two cores, each 10 farther than its own node");
	same_int((int)x->chosen[TERM_WEIGHT], 2, "cores");
	same_int((int)x->chosen[TERM_SLACK], 3, "cores of that L3 that VMs can still have");
	placements_freep(&p);
	h->vms.vms[0].memory = NULL;
	same_int(place_vms_as(&h->s, &h->vms, policy, &wanted, 1, NULL, 0, &explained, &p, &e), 0,
		"place");
	same_int(p->v[0].explanation->decided, N_TERMS, "alike: the lower CPUs");
	fake_free(h);
}

/* Whatever it was that chose the place of a VM planned alone: no other is better, for the terms are
 * compared as the search does. */
static void test_explained_alone(void)
{
	static const char *const policies[] = { "", "near = 0000:0b:00.0\n", "isolation = fenced\n",
		"kind = efficiency\n", "place = any\n", "cores = one-thread\nplace = one-node\n" };
	static const enum plan_term decided[] = { TERM_REMOTE_MEMORY, TERM_DEVICE_DISTANCE,
		TERM_NOT_ISOLATED, TERM_REMOTE_MEMORY, TERM_REMOTE_MEMORY, TERM_REMOTE_MEMORY };
	static struct pci_device device = { .address = "0000:0b:00.0", .node = 1 };
	struct memory_node on[] = { { .node = 0, .kib = 8 << 20 } };
	struct vm_memory memory = { .nodes = { on, 1, 1 } };
	struct fake_host *h = fake_host(two_sockets);
	h->s.pci_devices = &device;
	h->s.n_pci_devices = 1;
	fake_kind(h, "0-4,6-10,12-16,18-22", CPU_PERFORMANCE);
	fake_kind(h, "5,11,17,23", CPU_EFFICIENCY);
	fake_boot_isolated(h, "8-9,20-21");
	fake_vm(h, "100", 2, 1, 0)->memory = &memory;
	for (size_t i = 0; i < N_ELEMENTS(policies); i++) {
		AUTO_PLACEMENTS struct placements *p = NULL;
		AUTO_FREE char *text = xasprintf("[vm *]\n%s", policies[i]);
		AUTO_POLICY struct policy *policy = fake_policy(text);
		const struct plan_options explained = { .is_explained = true };
		const size_t wanted = 0;
		struct err e;
		same_int(place_vms_as(
				 &h->s, &h->vms, policy, &wanted, 1, NULL, 0, &explained, &p, &e),
			0, "place");
		const struct explanation *x = p->v[0].explanation;
		ok(!x->is_other_better && !x->is_kept && !x->is_batch, "%s: the best", text);
		same_int(x->decided, decided[i], "%s: by %s", text, plan_term_key(decided[i]));
	}
	fake_free(h);
}

int main(void)
{
	test_cage();
	test_narrow_mask();
	test_helpers_anywhere();
	test_far_memory();
	test_pins_before_memory();
	test_isolcpus_range();
	test_numbering();
	test_bare_nodes();
	test_too_much_memory();
	test_bound_memory();
	test_little_memory();
	test_two_starts();
	test_stacked();
	test_verdict();
	test_shared_places();
	test_explained();
	test_explained_alone();
	return tap_done();
}
