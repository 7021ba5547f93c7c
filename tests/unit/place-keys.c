/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of the policy about where, and interrupts that nobody can move. */
#include "tap.h"

#include "base/str.h"
#include "../machine/fake-host.h"
#include "plan/claims.h"
#include "vm/config.h"
#include "placed.h"

/* Counts of one interrupt, by CPU. */
static void add_irq(struct fake_host *h, const char *action, enum irq_managed managed,
	const char *list, uint32_t count)
{
	struct snapshot *s = &h->s;
	struct cpuset set = cpus(list);
	struct count_table *t = &s->interrupts;
	uint32_t *counts = arena_alloc(&s->arena, s->n_cpus * sizeof *counts);
	if (!s->irqs)
		s->irqs = arena_alloc(&s->arena, 64 * sizeof *s->irqs);
	if (!t->n_cpus) {
		t->cpus = arena_alloc(&s->arena, s->n_cpus * sizeof *t->cpus);
		cpuset_for_each (cpu, &s->online_cpus)
			t->cpus[t->n_cpus++] = cpu;
	}
	for (size_t i = 0; i < t->n_cpus; i++)
		counts[i] = cpuset_has(&set, t->cpus[i]) ? count : 0;
	s->irqs[s->n_irqs++] = (struct irq){ .irq = 30 + (int)s->n_irqs,
		.name = action,
		.action = action,
		.counts = counts,
		.device = -1,
		.managed = managed };
}

static void test_hot(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 4, 2, 0);
	add_irq(h, "eth0-rx", IRQ_MOVABLE, "1-2", 99000000);
	placed(h, "", "100 isolated 1 13 2 14", "what can be moved is no matter");
	add_irq(h, "nvme0q1", IRQ_MANAGED_UNKNOWN, "1", 99000000);
	add_irq(h, "virtio1-req.1", IRQ_MANAGED, "14", 99000000);
	placed(h, "", "100 isolated 3 15 4 16", "off the interrupts that nobody can move");
	placed(h, "[host]\nhousekeeping = 0,3-11,15-23\n",
		"100 isolated 1 13 2 14 (interrupts that cannot be moved come to its CPUs "
		"1-2,13-14"
		": 198000000 so far, 99000000 of them of nvme0q1)",
		"else it is said");
	add_irq(h, "nvme0q2", IRQ_MANAGED_UNKNOWN, "0-23", 200000000);
	placed(h, "", "100 isolated 1 13 2 14", "all alike");
	fake_free(h);
}

/* Whose interrupts: with a number, unless all are. */
static void test_whose(void)
{
	struct fake_host *h = fake_host((struct shape){ 1, 1, 1, 4, 1, true });
	static const char *const actions[] = { "eth0-rx", "acpi", "eth0-rx", "xhci" };
	static const char *const verdicts[] = {
		"20000 interrupts came to its CPUs so far, of eth0-rx, ",
		"40000 interrupts came to its CPUs so far, 20000 of them of eth0-rx, ",
		"60000 interrupts came to its CPUs so far, 40000 of them of eth0-rx, ",
		"80000 interrupts came to its CPUs so far, 40000 of them of eth0-rx, ",
	};
	fake_vm(h, "100", 2, 1, 0);
	for (size_t i = 0; i < N_ELEMENTS(actions); i++) {
		AUTO_PLACEMENTS struct placements *p = NULL;
		AUTO_FREE char *want = xasprintf("%sand level pinned leaves them there: isolation "
						 "= fenced moves them",
			verdicts[i]);
		struct err e;
		add_irq(h, actions[i], IRQ_MOVABLE, "1-2", 10000);
		same_int(
			fake_place(h, "[vm *]\nisolation = pinned\n", 1, NULL, &p, &e), 0, "place");
		same_str(p->v[0].verdict, want, "%zu of them", i + 1);
	}
	fake_free(h);
}

static void test_near(void)
{
	static int distances[2][2] = { { 10, 21 }, { 21, 10 } };
	static struct pci_device devices[] = { { .address = "0000:0b:00.0", .node = 1 },
		{ .address = "0000:0c:00.0", .node = -1 } };
	struct fake_host *h = fake_host(two_sockets);
	h->s.nodes[0].distances = distances[0];
	h->s.nodes[1].distances = distances[1];
	h->s.pci_devices = devices;
	h->s.n_pci_devices = N_ELEMENTS(devices);
	struct vm *vm = fake_vm(h, "100", 4, 1, 0);
	placed(h, "[vm *]\nnear = 0b:00.0\n", "100 isolated 7 19 8 20", "the device's node");
	placed(h, "[vm *]\nnear = 0b:00.0\n[host]\nhousekeeping = 6-11,18-23\n",
		"100 isolated 0 12 1 13 (0b:00.0 is on node 1: "
		"CPUs 0-1,12-13 reach it over the interconnect, distance 21 where local is 10)",
		"and what it costs elsewhere");
	placed(h, "[vm *]\nnear = 0d:00.0\n",
		"100 isolated 1 13 2 14 (near = 0d:00.0: this host has no such device)",
		"no device");
	placed(h, "[vm *]\nnear = 0c:00.0\n",
		"100 isolated 1 13 2 14 (near = 0c:00.0: its node is not known)", "no node");
	struct vm_device own = { .node = 1 };
	vm->devices = &own;
	vm->n_devices = 1;
	placed(h, "[vm *]\nnear = auto\n", "100 isolated 7 19 8 20", "its own devices");
	struct vm_node node = { .hostnodes = "0", .policy = "bind" };
	struct vm_config config = { .nodes = { &node, 1, 1 } };
	vm->config = &config;
	placed(h, "[vm *]\nnear = auto\n",
		"100 isolated 1 13 2 14 (its devices are on node 1: CPUs 1-2,13-14 reach them over "
		"the interconnect, distance 21 where local is "
		"10)",
		"memory comes first");
	fake_free(h);
}

static void test_priority(void)
{
	struct fake_host *h = fake_host((struct shape){ 1, 1, 1, 5, 2, true });
	fake_vm(h, "large", 8, 1, 0);
	fake_vm(h, "small", 2, 1, 0);
	placed(h, "",
		"large isolated 1 6 2 7 3 8 4 9\n"
		"small: needs 1 free core in one L3; none is free\n"
		"- VM large holds 4 cores of L3 0 (CPUs 1-4,6-9)",
		"as many cores as possible");
	placed(h, "[vm small]\npriority = 1\n[vm large]\n",
		"small isolated 1 6\n"
		"large: needs 4 free cores in one L3; the most is 3, in L3 0\n"
		"- VM small holds 1 core of L3 0 (CPUs 1,6)\n"
		"+ 6 vCPUs fit in one L3 (L3 0)",
		"but the higher priority first");
	placed(h, "[vm small]\n[vm large]\npriority = -1\n",
		"small isolated 1 6\n"
		"large: needs 4 free cores in one L3; the most is 3, in L3 0\n"
		"- VM small holds 1 core of L3 0 (CPUs 1,6)\n"
		"+ 6 vCPUs fit in one L3 (L3 0)",
		"or the lower one last");
	fake_free(h);
}

static void test_apart(void)
{
	struct fake_host *h = fake_host(two_l3s);
	AUTO_PLACEMENTS struct placements *force = NULL, *p = NULL;
	struct err e;
	fake_vm(h, "a", 2, 1, 0);
	fake_vm(h, "b", 2, 1, 0);
	placed(h, "", "a isolated 1 17\nb isolated 2 18", "beside each other");
	placed(h, "[vm a]\napart = b\napart-by = l3\n[vm b]\n", "a isolated 1 17\nb isolated 8 24",
		"in other L3s");
	placed(h, "[vm a]\napart = x b*\napart-by = node\n[vm b]\n",
		"a isolated 1 17\n"
		"b: needs 1 free core in one L3; none is free\n"
		"- VM a, which it must be apart from by node, keeps it off CPUs 0-31",
		"in other nodes: there are none");
	same_int(fake_place(h, "[vm a]\napart = b\napart-by = l3\n", 1, NULL, &force, &e), 0, "a");
	same_int(fake_place(h, "[vm a]\napart = b\napart-by = l3\n[vm b]\n", 2, force, &p, &e), 0,
		"then b");
	AUTO_FREE char *got = describe(p);
	same_str(got, "a isolated 1 17\nb isolated 8 24", "also of what is in force");
	fake_free(h);
}

static void test_spare(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_vm(h, "100", 2, 1, 1);
	placed(h, "[vm *]\nspare = 2\n",
		"100 isolated 1-2,14 2,13-14 (for the spare CPUs 2,14 its partition is a root one: "
		"closed to everybody else, and the scheduler balances its vCPUs inside)",
		"a core more");
	placed(h, "[vm *]\nspare = 2\nemulator = spare\nisolation = fenced\n",
		"100 fenced 1-2,14 2,13-14 emulator=2,14", "for QEMU's other threads too");
	placed(h, "[vm *]\nspare = 1\ncores = one-thread\nisolation = pinned\n",
		"100 pinned 1,3 2-3", "one CPU");
	placed(h, "[vm *]\nemulator = spare\n",
		"p:2: emulator = spare: VM 100 has no spare CPUs (spare = N)", "no such CPUs");
	AUTO_PLACEMENTS struct placements *p = NULL, *q = NULL;
	struct err e;
	same_int(fake_place(h, "[vm *]\nspare = 2\n", 1, NULL, &p, &e), 0, "place");
	same_str(list_of(h, &p->v[0].claim_cpus), "1-2,13-14", "nobody else's");
	same_str(list_of(h, &p->v[0].spare_cpus), "2,14", "spare");
	same_int(fake_place(h, "[vm *]\nspare = 2\n", 1, p, &q, &e), 0, "again");
	same_str(list_of(h, &q->v[0].vcpus[0].cpus), "1-2,14", "it stays");
	same_str(list_of(h, &q->v[0].spare_cpus), "2,14", "and its spare CPUs do");
	h->vms.n_vms = 0;
	fake_vm(h, "200", 10, 1, 0);
	placed(h, "[host]\nhousekeeping = 0,6-11\n[vm *]\nspare = 2\n",
		"200: needs 6 cores of its own; 5 are free\n"
		"- housekeeping keeps CPUs 0,6-11\n"
		"+ cores = thread fits in the same place\n"
		"+ spare = 0 fits in the same place\n"
		"+ 8 vCPUs fit in one L3 (L3 0)",
		"spare CPUs count");
	fake_free(h);
}

int main(void)
{
	test_hot();
	test_whose();
	test_near();
	test_priority();
	test_apart();
	test_spare();
	return tap_done();
}
