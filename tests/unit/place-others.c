/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others have, and what a VM's own groups allow. */
#include "tap.h"

#include "placed.h"
#include "vm/config.h"
#include "vm/memory.h"

/* A VM of one vCPU for each CPU of the list, pinned there by hand. */
static void pin_by_hand(struct fake_host *h, const char *id, const char *list)
{
	struct cpuset all = cpus(list);
	struct vm *vm = fake_vm(h, id, cpuset_count(&all), 1, 0);
	size_t i = 0;
	cpuset_for_each (cpu, &all) {
		struct cpuset one = cpuset_of(cpu);
		vm->threads[i++].allowed = cpuset_keep(&h->vms.arena, &one);
	}
}

/* One L3 would have it all, but for pins. */
static void test_pins(void)
{
	static const struct shape three_l3s = { 1, 1, 3, 4, 1, true };
	struct fake_host *h = fake_host(three_l3s);
	fake_vm(h, "100", 6, 1, 0);
	pin_by_hand(h, "200", "4-5");
	placed_first(h, "[vm 100]\nplace = one-node\n", 1, "100 isolated 8 9 10 11 6 7",
		"in few L3s, but not over pins while others are free");
	placed_first(h, "[vm 100]\nplace = any\n", 1, "100 isolated 8 9 10 11 6 7",
		"wherever it may be");
	fake_free(h);
	h = fake_host(three_l3s);
	fake_vm(h, "100", 2, 1, 0);
	pin_by_hand(h, "200", "8-9");
	h->s.boot_isolated_cpus = cpus("8-10");
	placed_first(h, "[vm *]\nisolation = fenced\n", 1, "100 fenced 1 2",
		"isolcpus= that another VM uses");
	for (size_t i = 0; i < h->s.n_cpus; i++)
		h->s.cpus[i].kind = i < 4 ? CPU_PERFORMANCE : CPU_EFFICIENCY;
	pin_by_hand(h, "300", "1-3");
	h->s.boot_isolated_cpus = CPUSET_EMPTY;
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e = { 0 };
	same_int(fake_place(h, "", 1, NULL, &p, &e), 0, "placed");
	struct cpuset pinned = cpus("1-3,8-9");
	ok(p->n == 1 && !cpuset_intersects(&p->v[0].vcpu_cpus, &pinned),
		"fast cores that other VMs use");
	fake_free(h);
}

/* Slow cores that are nobody's, and not the fast ones of the other L3, is told as it was decided.
 */
static void test_pins_explained(void)
{
	struct fake_host *h = fake_host(two_l3s);
	AUTO_POLICY struct policy *policy = fake_policy("");
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e = { 0 };
	const struct plan_options options = { .is_explained = true };
	const size_t all[] = { 0 };
	for (size_t i = 0; i < h->s.n_cpus; i++)
		h->s.cpus[i].kind = h->s.cpus[i].l3 ? CPU_PERFORMANCE : CPU_EFFICIENCY;
	fake_vm(h, "100", 4, 1, 0);
	pin_by_hand(h, "200", "8-15");
	int r = place_vms_as(&h->s, &h->vms, policy, all, 1, NULL, 0, &options, &p, &e);
	ok(r == 0 && p->n == 1 && p->v[0].explanation, "explained");
	same_str(list_of(h, &p->v[0].vcpu_cpus), "1-2,17-18", "on slow cores");
	same_int(p->v[0].explanation->decided, TERM_PINS, "for the others' pins");
	ok(!p->v[0].explanation->is_other_better, "which are worse");
	fake_free(h);
}

/* Threads can have no CPU that their group has not. */
static void test_groups(void)
{
	struct fake_host *h = fake_host(two_l3s);
	fake_vm(h, "100", 2, 1, 0);
	add_group(h, "qemu.slice", "4-7,20-23")->cpus = "4-7,20-23";
	add_group(h, "qemu.slice/100.scope", NULL);
	placed(h, "[vm *]\ncores = shared\nplace = any\n",
		"100 pinned 4-7,20-23 4-7,20-23 (CPUs that are shared cannot be kept free of "
		"others "
		"(cores = shared))",
		"cores = shared");
	placed(h, "[vm *]\ncores = shared\nspare = 2\nisolation = pinned\n",
		"100 pinned 4-7,20-23 4-7,20-23 (spare = 2 makes no difference with cores = "
		"shared: it has no CPUs of its own)",
		"a wish for CPUs of its own");
	placed(h, "[vm *]\nemulator = 5\n", "100 isolated 4 20 emulator=5", "a helper in it");
	placed(h, "[vm *]\nemulator = 2\n",
		"p:2: emulator = 2: group /qemu.slice allows VM 100 CPUs 4-7,20-23 only",
		"and outside of it");
	placed(h, "[vm *]\niothreads = 4,8\n",
		"p:2: iothreads = 4,8: group /qemu.slice allows VM 100 CPUs 4-7,20-23 only",
		"or half of it");
	fake_free(h);
}

/* What a partition of another VM takes off its group is no limit, but the group's own list is one,
 * also for CPUs that the other has. */
static void test_lists(void)
{
	struct fake_host *h = fake_host(two_l3s);
	AUTO_PLACEMENTS struct placements *force = NULL;
	struct err e = { 0 };
	fake_vm(h, "200", 4, 1, 0);
	fake_vm(h, "100", 4, 1, 0);
	same_int(fake_place(h, "", 1, NULL, &force, &e), 0, "placed");
	same_str(list_of(h, &force->v[0].claim_cpus), "1-2,17-18", "in a partition");
	add_group(h, "qemu.slice", "0,3-16,19-31");
	struct cgroup *own = add_group(h, "qemu.slice/100.scope", "0,16");
	own->cpus = "0-1,16-17";
	placed_beside(h, "", 2, force,
		"200 isolated 1 17 2 18\n"
		"100: needs 2 cores of its own; 0 are free\n"
		"- group /qemu.slice/100.scope allows it CPUs 0-1,16-17 only",
		"the VM on CPUs outside of the list is in nobody's way");
	own->cpus = "0-2,16-18";
	placed_beside(h, "", 2, force,
		"200 isolated 1 17 2 18\n"
		"100: needs 2 free cores in one L3; none is free\n"
		"- VM 200 holds 2 cores of L3 0 (CPUs 1-2,17-18)",
		"the VM on those of the list is");
	fake_free(h);
}

/* What somebody's partition takes off a VM's group is no limit of the group either, whatever else
 * is on these CPUs. */
static void test_parted(void)
{
	struct fake_host *h = fake_host((struct shape){ 1, 1, 1, 4, 1, true });
	fake_vm(h, "100", 4, 1, 0);
	add_group(h, "dpdk", "3")->partition = "isolated";
	add_group(h, "qemu.slice", "0-2");
	add_group(h, "qemu.slice/100.scope", "0-2");
	h->s.isolated_cpus = h->s.boot_isolated_cpus = cpus("3");
	placed(h, "[vm 100]\nisolation = fenced\n",
		"100: needs 4 cores of its own; 2 are free\n"
		"- housekeeping keeps CPU 0\n"
		"- CPU 3 is in a partition of group /dpdk\n"
		"+ 2 vCPUs fit in one L3 (L3 0)",
		"a partition on CPUs of isolcpus=");
	placed(h, "[vm 100]\nisolation = fenced\nemulator = 3\n",
		"p:3: emulator = 3: CPU 3 is in an isolated partition", "no place for helpers");
	fake_free(h);
}

/* A host of six CPUs, whose first the host has; VMs of so many vCPUs in a group that has these. */
static struct fake_host *group_of(const char *list, const int *n_vcpus)
{
	struct fake_host *h = fake_host((struct shape){ 1, 1, 1, 6, 1, true });
	add_group(h, "qemu.slice", list)->cpus = list;
	for (int i = 0; n_vcpus[i]; i++) {
		AUTO_FREE char *id = xasprintf("%d", 100 + i);
		add_group(h, fake_vm(h, id, n_vcpus[i], 1, 0)->cgroup, NULL);
	}
	return h;
}

/* QEMU's other threads have a CPU of the group too: it is left where as many cores as possible are
 * given, whoever comes first. */
static void test_full_group(void)
{
	static const char policy[] = "[host]\nhousekeeping = 0\n[vm *]\nisolation = pinned\n";
	struct fake_host *h = group_of("2-5", (const int[]){ 1, 3, 0 });
	placed(h, policy,
		"101 pinned 2 3 4\n"
		"100: no CPU would be left for QEMU's other threads\n"
		"- group /qemu.slice allows it CPUs 2-5 only\n"
		"+ give group /qemu.slice more CPUs",
		"the larger one");
	fake_free(h);
	h = group_of("2-5", (const int[]){ 1, 1, 2, 0 });
	placed(h, policy,
		"100 pinned 4\n"
		"102 pinned 2 3\n"
		"101: no CPU would be left for QEMU's other threads\n"
		"- group /qemu.slice allows it CPUs 2-5 only\n"
		"+ give group /qemu.slice more CPUs",
		"one of the small ones and the larger one");
	fake_free(h);
	h = group_of("1-2", (const int[]){ 1, 0 });
	fake_vm(h, "200", 3, 1, 0)->cgroup = "system.slice/200.scope";
	placed(h, policy, "100 pinned 1\n200 pinned 3 4 5",
		"who is in no such group goes elsewhere");
	fake_free(h);
}

/* A node that has as much as it will ask for, or else most of it; where its first pages are does
 * not count. */
static void test_memory(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct vm *vm = fake_vm(h, "100", 4, 1, 0);
	struct memory_node on[] = { { .node = 0, .kib = 100 << 10 } };
	struct vm_memory memory = { .nodes = { on, 1, 1 } };
	struct vm_config config = { .memory_mib = 32 << 10 };
	vm->config = &config;
	vm->memory = &memory;
	h->s.nodes[0].mem_total_kib = h->s.nodes[1].mem_total_kib = 64 << 20;
	h->s.nodes[0].mem_free_kib = 1 << 20;
	h->s.nodes[1].mem_free_kib = 21 << 20;
	AUTO_PLACEMENTS struct placements *p = NULL, *q = NULL;
	struct err e = { 0 };
	same_int(fake_place(h, "", 1, NULL, &p, &e), 0, "asked");
	same_int((int)p->n, 1, "placed");
	same_str(list_of(h, &p->v[0].vcpu_cpus), "7-8,19-20", "where most is free");
	on->kib = 16 << 20;
	same_int(fake_place(h, "", 1, NULL, &q, &e), 0, "placed");
	same_str(list_of(h, &q->v[0].vcpu_cpus), "1-2,13-14", "where half of it is");
	fake_free(h);
}

/* Memory that is to move along goes where there is room for it. */
static void test_migration(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct vm *vm = fake_vm(h, "100", 4, 1, 0);
	struct memory_node on[] = { { .node = 1, .kib = 4 << 20 } };
	struct vm_memory memory = { .nodes = { on, 1, 1 } };
	struct vm_config config = { .memory_mib = 4 << 10 };
	vm->config = &config;
	vm->memory = &memory;
	add_group(h, "qemu.slice", NULL);
	add_group(h, vm->cgroup, NULL);
	for (int i = 0; i < 2; i++)
		h->s.nodes[i].mem_total_kib = 64 << 20;
	h->s.nodes[0].mem_free_kib = 1 << 20;
	for (int i = 0; i < 2; i++) {
		AUTO_POLICY struct policy *policy = fake_policy(i
				? "[vm 100]\nmemory = strict\n[host]\nhousekeeping = 6-11,18-23\n"
				: "[vm 100]\nmemory = strict\nnear = 0a:00.0\n");
		struct pci_device device = { .address = "0000:0a:00.0", .node = 0 };
		AUTO_PLACEMENTS struct placements *p = NULL;
		struct err e = { 0 };
		const size_t all[] = { 0 };
		h->s.pci_devices = &device;
		h->s.n_pci_devices = 1;
		policy_migrate_memory(policy);
		same_int(place_vms(&h->s, &h->vms, policy, all, 1, NULL, 0, &p, &e), 0, "planned");
		AUTO_FREE char *got = describe(p);
		if (i)
			ok(strstr(got, "4096 MiB of it are not on node 0") != NULL,
				"no room: that is told, and not that there are no CPUs: %s", got);
		else
			ok(!strncmp(got, "100 isolated 7 19 8 20", 22),
				"beside the device is no room for it: %s", got);
	}
	fake_free(h);
}

/* Who comes first by priority has the memory that both are bound to; what a VM was started with
 * counts, not what its file says by now. */
static void test_bound(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct vm_node node = { .mib = 3 << 10, .hostnodes = "0", .policy = "bind", .cpus = "0-1" };
	struct vm_config config = { .memory_mib = 3 << 10, .nodes = { &node, 1, 1 } };
	struct vm_config edited = { .memory_mib = 1 << 20 };
	struct memory_node on = { .node = 0 };
	struct vm_memory memory = { .nodes = { &on, 1, 1 }, .source = "cgroup" };
	for (int i = 0; i < 2; i++) {
		h->s.nodes[i].mem_total_kib = 64 << 20;
		h->s.nodes[i].mem_free_kib = 4 << 20;
		struct vm *vm = fake_vm(h, i ? "200" : "100", 2, 1, 0);
		vm->config = &config;
		vm->memory = &memory;
	}
	AUTO_PLACEMENTS struct placements *p = NULL, *q = NULL;
	struct err e = { 0 };
	same_int(fake_place(h, "[vm 200]\npriority = 10\n[vm 100]\n", 2, NULL, &p, &e), 0, "asked");
	ok(p->n == 1 && streq(p->v[0].vm, "200"), "the one of a higher priority");
	ok(p->refused.n == 1 && strstr(p->refused.v[0].reason, "1024 MiB are left there"),
		"what is left for the other: %s", p->refused.n ? p->refused.v[0].reason : "");
	h->vms.vms[0].config = &edited;
	same_int(fake_place(h, "[vm 100]\n", 1, NULL, &q, &e), 0, "asked");
	same_int((int)q->n, 0, "more than the host has");
	placements_freep(&q);
	h->vms.vms[0].line = &config;
	same_int(fake_place(h, "[vm 100]\n", 1, NULL, &q, &e), 0, "asked");
	same_int((int)q->n, 1, "but it runs with less");
	fake_free(h);
}

/* One gives up what the other needs, whatever their ids. */
static void test_in_force(void)
{
	static const char grown[] = "[vm 100]\nspare = 2\n[vm 200]\n";
	static const struct shape small = { 1, 1, 1, 8, 1, true };
	struct fake_host *h = fake_host(small);
	AUTO_PLACEMENTS struct placements *force = NULL, *p = NULL;
	struct err e = { 0 };
	fake_vm(h, "100", 3, 1, 0);
	fake_vm(h, "200", 2, 1, 0);
	same_int(
		fake_place(h, "[vm 100]\n[vm 200]\nspare = 2\n", 2, NULL, &force, &e), 0, "placed");
	same_int(fake_place(h, grown, 2, force, &p, &e), 0, "and grown");
	same_str(list_of(h, &force->v[1].claim_cpus), "4-7", "what the second has");
	same_int((int)p->n, 2, "both fit");
	fake_free(h);
}

static void test_housekeeping(void)
{
	struct fake_host *h = fake_host(two_l3s);
	AUTO_PLACEMENTS struct placements *force = NULL, *p = NULL;
	struct err e = { 0 };
	fake_vm(h, "100", 2, 1, 0);
	same_int(fake_place(h, "", 1, NULL, &force, &e), 0, "placed");
	same_int(fake_place(h, "[host]\nhousekeeping = 0-1,16-17,99\n", 1, force, &p, &e), 0,
		"again");
	same_str(p->housekeeping_note,
		"CPUs 1,17,99 of 0-1,16-17,99 are not kept: not online, or claimed by VMs in force",
		"what the host does not get is told");
	fake_free(h);
}

/* From VMs that are not placed here, too; where it is not, that is said. */
static void test_apart(void)
{
	static const char policy[] = "[vm 100]\napart = 200\napart-by = node\n[vm 200]\n";
	struct fake_host *h = fake_host(two_sockets);
	AUTO_PLACEMENTS struct placements *force = NULL;
	struct err e = { 0 };
	fake_vm(h, "100", 2, 1, 0);
	pin_by_hand(h, "200", "1-2");
	placed_first(h, policy, 1, "100 isolated 7 19", "one that somebody pinned");
	placed_first(h, "[vm 100]\n[vm 200]\napart = 100\napart-by = node\n", 1,
		"100 isolated 7 19", "whichever of both names the other");
	placed_first(h,
		"[vm 100]\napart = 200\napart-by = node\n[host]\nhousekeeping = 6-11,18-23\n", 1,
		"100: needs 1 free core in one L3; none is free\n"
		"- VM 200, which it must be apart from by node, keeps it off CPUs 0-5,12-17",
		"and is refused for");
	same_int(fake_place(h, "[vm *]\n", 2, NULL, &force, &e), 0, "placed");
	placed_beside(h, policy, 2, force,
		"100 isolated 1 13 (its CPUs 1,13 are on a node with CPUs that VM 200 may use, "
		"from which it is to be apart)\n"
		"200 isolated 2 14 (its CPUs 2,14 are on a node with CPUs that VM 100 may use, "
		"from which it is to be apart)",
		"what is in force stays, and that is said");
	fake_free(h);
}

/* What is too near counts for all that is planned of it: of one that could not have a place even on
 * an empty host, and of one that is in force and finds another. */
static void test_apart_always(void)
{
	struct fake_host *h = fake_host(two_sockets);
	AUTO_PLACEMENTS struct placements *force = NULL;
	struct err e = { 0 };
	fake_vm(h, "100", 24, 1, 0);
	pin_by_hand(h, "200", "1-2");
	placed_first(h, "[vm 100]\nplace = one-node\napart = 200\napart-by = node\n", 1,
		"100: needs 12 cores of its own; 5 are free\n"
		"- VM 200, which it must be apart from by node, keeps it off CPUs 0-5,12-17\n"
		"- housekeeping keeps CPUs 0,6,12,18\n"
		"+ 10 vCPUs fit in one node (node 1)",
		"one that is larger than the host");
	fake_free(h);
	h = fake_host((struct shape){ 1, 1, 2, 4, 1, false });
	fake_vm(h, "100", 4, 1, 0);
	pin_by_hand(h, "200", "4");
	placed_first(h, "[vm 100]\napart = 200\n", 1,
		"100: needs 4 free cores in one L3; the most is 3, in L3 0\n"
		"- VM 200, which it must be apart from by core, keeps it off CPU 4\n"
		"+ place = one-node fits on node 0: 6 free cores\n"
		"+ 3 vCPUs fit in one L3 (L3 0)",
		"its place is no wider for those whom it must be apart from");
	fake_free(h);
	h = fake_host(two_l3s);
	fake_vm(h, "100", 2, 1, 0);
	fake_vm(h, "200", 2, 1, 0);
	same_int(fake_place(h, "", 2, NULL, &force, &e), 0, "placed");
	placed_beside(h, "[vm 100]\ncores = one-thread\napart = 200\napart-by = l3\n[vm 200]\n", 2,
		force, "100 isolated 8 9\n200 isolated 2 18", "one that needs another place");
	fake_free(h);
}

/* Were isolcpus= not there, the host would keep cores of that node. */
static void test_reserved_without(void)
{
	struct fake_host *h = fake_host((struct shape){ 1, 2, 1, 2, 1, true });
	fake_vm(h, "100", 3, 1, 0);
	h->s.boot_isolated_cpus = cpus("2-3");
	placed(h, "[vm 100]\nplace = any\n",
		"100: needs 3 cores of its own; 1 is free\n"
		"- housekeeping keeps CPU 0\n"
		"- CPUs 2-3 are isolated at boot (isolcpus=), where a partition must not be\n"
		"+ isolation = fenced fits on CPUs of isolcpus=\n"
		"+ 1 vCPU fits in the free CPUs",
		"both are in its way");
	fake_free(h);
}

/* The kernel refuses a partition all of the list of a group beside those on the way to it. */
static void test_neighbours(void)
{
	struct fake_host *h = fake_host((struct shape){ 1, 1, 1, 4, 1, true });
	fake_vm(h, "100", 4, 1, 0);
	struct cgroup *kube = add_group(h, "kube", "0-3");
	kube->cpus = "2-3";
	placed(h, "[host]\nhousekeeping = 0\n",
		"100: needs 4 cores of its own; 2 are free\n"
		"- housekeeping keeps CPU 0\n"
		"- the list of group /kube has CPUs 2-3 only: the kernel lets no partition beside "
		"it have all of it, and CPU 3 is left\n"
		"+ 2 vCPUs fit in one L3 (L3 0)",
		"it is left a core");
	kube->cpus = "0,2-3";
	placed(h, "[host]\nhousekeeping = 0\n",
		"100: needs 4 cores of its own; 3 are free\n"
		"- housekeeping keeps CPU 0\n"
		"+ 3 vCPUs fit in one L3 (L3 0)",
		"it has one that is no VM's");
	fake_free(h);
}

/* A VM that is in the way goes with all that it has: cores that it names for its helpers, too. */
static void test_named_helpers(void)
{
	struct fake_host *h = fake_host((struct shape){ 1, 1, 1, 6, 1, true });
	AUTO_PLACEMENTS struct placements *force = NULL, *named = NULL;
	struct err e = { 0 };
	fake_vm(h, "200", 2, 1, 0);
	fake_vm(h, "300", 1, 1, 0);
	fake_vm(h, "100", 4, 1, 0);
	same_int(fake_place(h, "[vm 200]\nemulator = 4\n[vm 300]\n", 2, NULL, &force, &e), 0,
		"placed");
	placed_beside(h, "[vm 100]\n[vm 200]\nemulator = 4\n[vm 300]\n", 3, force,
		"200 isolated 1 2 emulator=4\n300 isolated 3\n"
		"100: needs 4 free cores in one L3; the most is 1, in L3 0\n"
		"- VM 200 holds 2 cores of L3 0 (CPUs 1-2), and has its helper threads on cores of "
		"CPU 4\n"
		"+ 1 vCPU fits in one L3 (L3 0)",
		"the other one may stay");
	same_int(fake_place(h, "[vm 200]\ncores = shared\nemulator = 1-4\n[vm *]\n", 1, NULL,
			 &named, &e),
		0, "placed");
	h->vms.vms[1] = h->vms.vms[2];
	h->vms.n_vms = 2;
	placed_beside(h, "[vm 100]\n[vm 200]\ncores = shared\nemulator = 1-4\n", 2, named,
		"200 pinned 0-5 0-5 emulator=1-4 (CPUs that are shared cannot be kept free "
		"of others (cores = shared))\n"
		"100: needs 4 cores of its own; 1 is free\n"
		"- VM 200 has its helper threads on cores of CPUs 1-4\n"
		"+ 1 vCPU fits in one L3 (L3 0)",
		"one that has nothing else");
	fake_free(h);
}

int main(void)
{
	test_pins();
	test_pins_explained();
	test_groups();
	test_lists();
	test_parted();
	test_full_group();
	test_memory();
	test_migration();
	test_bound();
	test_in_force();
	test_housekeeping();
	test_apart();
	test_apart_always();
	test_named_helpers();
	test_neighbours();
	test_reserved_without();
	return tap_done();
}
