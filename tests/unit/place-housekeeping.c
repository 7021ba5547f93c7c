/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which cores the host keeps, and how many. */
#include "tap.h"

#include "base/str.h"
#include "../machine/fake-host.h"

enum { DAY = 24 * 3600 * 100 }; /* in ticks */

/* Two sockets of eight cores: CPUs 0-7 with 16-23, 8-15 with 24-31. */
static const struct shape wide = { 2, 1, 1, 8, 2, true };

static void keeps(struct fake_host *h, const char *policy, const char *want, const char *note,
	const char *what)
{
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e = { 0 };
	if (!ok(fake_place(h, policy, 64, NULL, &p, &e) == 0, "%s: can be planned", what))
		return;
	same_str(list_of(h, &p->reserved_cpus), want, "%s", what);
	same_str(p->housekeeping_note ? p->housekeeping_note : "", note, "... and what is said");
}

/* A disk whose queue the kernel holds on these CPUs. */
static void add_queue(struct fake_host *h, const char *list, uint32_t count)
{
	struct snapshot *s = &h->s;
	struct arena *a = &s->arena;
	int *columns = arena_alloc(a, s->n_cpus * sizeof *columns);
	uint32_t *counts = arena_alloc(a, s->n_cpus * sizeof *counts);
	struct cpuset on = cpus(list);
	for (size_t i = 0; i < s->n_cpus; i++) {
		columns[i] = s->cpus[i].cpu;
		counts[i] = cpuset_has(&on, columns[i]) ? count : 0;
	}
	s->interrupts.cpus = columns;
	s->interrupts.n_cpus = s->n_cpus;
	s->irqs = arena_alloc(a, sizeof *s->irqs);
	s->irqs[0] = (struct irq){ .irq = 30, .action = "nvme0q1", .counts = counts };
	s->irqs[0].managed = IRQ_MANAGED;
	s->irqs[0].device = -1;
	s->n_irqs = 1;
}

static void test_which(void)
{
	struct fake_host *h = fake_host(wide);
	(void)fake_vm(h, "100", 2, 1, 0);
	keeps(h, "", "0,8,16,24", "", "the lowest core of each node");
	keeps(h, "[host]\nhousekeeping = 2 cores\n", "0-1,8-9,16-17,24-25", "", "two of each");
	add_queue(h, "5,11", 1000000);
	keeps(h, "", "0,11,16,27", "", "CPU 0's, and where a disk's interrupts come to");
	keeps(h, "[host]\nhousekeeping = 2 cores\n", "0,5,8,11,16,21,24,27", "",
		"two of each: these, then the lowest");
	keeps(h, "[host]\nhousekeeping = 3\n", "3", "", "by hand: as it is written");
	fake_boot_isolated(h, "1-15,17-23,25-31");
	keeps(h, "", "0,16,24", "",
		"what isolcpus= has is not the host's; of a core it splits the rest is");
	fake_free(h);
}

static void add_task(struct fake_host *h, int pid, int tid, double busy)
{
	struct snapshot *s = &h->s;
	if (!s->tasks)
		s->tasks = arena_alloc(&s->arena, 64 * sizeof *s->tasks);
	size_t at = s->n_tasks++;
	for (; at > 0 && s->tasks[at - 1].tid > tid; at--)
		s->tasks[at] = s->tasks[at - 1];
	s->tasks[at] = (struct task){ .pid = pid,
		.tid = tid,
		.start = s->ticks_since_boot - DAY,
		.run_ticks = (uint64_t)(busy * DAY),
		.last_cpu = -1,
		.cgroup = -1 };
}

static void test_load(void)
{
	struct fake_host *h = fake_host(wide);
	struct vm *vm = fake_vm(h, "100", 2, 1, 0);
	h->s.ticks_since_boot = 2 * DAY;
	add_task(h, 1, 1, 0.5);
	add_task(h, 77, 77, 1.5);
	keeps(h, "", "0,8,16,24", "", "half of the CPUs busy: still one core of each node");
	add_task(h, vm->pid, vm->pid, 1.75); /* of its process */
	add_task(h, vm->pid, vm->pid + 1, 0.9);
	add_task(h, vm->pid, vm->pid + 2, 0.8);
	keeps(h, "", "0-1,8-9,16-17,24-25",
		"2 cores of each node, as all that is no vCPU has kept 2.0 CPUs busy on average",
		"QEMU's other threads count, its vCPUs do not");
	/* plugged in a while ago, and busy since: as much of the process as it ran */
	h->s.tasks[3].start += DAY * 9 / 10;
	keeps(h, "", "0-1,8-9,16-17,24-25",
		"2 cores of each node, as all that is no vCPU has kept 2.0 CPUs busy on average",
		"a vCPU that is younger than its process");
	add_task(h, 78, 78, 20);
	keeps(h, "", "0-1,8-9,16-17,24-25",
		"2 cores of each node, as all that is no vCPU has kept 22.1 CPUs busy on average",
		"no more than a quarter of a node");
	keeps(h, "[host]\nhousekeeping = 1 cores\n", "0,8,16,24", "", "the policy is obeyed");
	h->s.ticks_since_boot = 5 * 60 * 100;
	keeps(h, "", "0,8,16,24", "", "five minutes say nothing");
	fake_free(h);
}

/* Nobody knows which threads are vCPUs. */
static void test_unknown(void)
{
	struct fake_host *h = fake_host(wide);
	struct vm *vm = fake_vm(h, "100", 2, 1, 0);
	h->s.ticks_since_boot = 2 * DAY;
	add_task(h, vm->pid, vm->pid, 8);
	for (size_t i = 0; i < vm->n_threads; i++)
		vm->threads[i].role =
			vm->threads[i].role == ROLE_VCPU ? ROLE_WORKER : vm->threads[i].role;
	vm->n_vcpus = 0;
	keeps(h, "[vm *]\nisolation = none\n", "0,8,16,24", "", "a VM whose vCPUs are not known");
	fake_free(h);
}

int main(void)
{
	test_which();
	test_load();
	test_unknown();
	return tap_done();
}
