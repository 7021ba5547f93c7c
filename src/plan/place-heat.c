/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts that stay where they are, whatever anybody writes: the kernel spreads the queues of
 * NVMe disks and the like over all CPUs itself ("managed", genirq), and those of each CPU's own
 * chip cannot leave it. A vCPU there is stopped by each of them.
 *
 * Counts are since boot. Most hosts have a queue for every CPU, so that all cores are alike: a core
 * is hot where it gets a good part of what the worst one does, and others do not.
 */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "plan/place.h"

enum {
	HEAT_MIN = 10000, /* fewer since boot are no matter */
	HEAT_PART = 10,   /* of the worst core: less than a tenth is cool beside it */
};

/* nvme0q1 and up: queues of I/O are managed, wherever they are on more than one CPU (since 4.8,
 * drivers/nvme/host/pci.c: nvme_setup_irqs()); nvme0q0 is the controller's own, and moves. */
static bool is_nvme_queue(const char *action)
{
	const char *at = str_after(action, "nvme");
	if (!at || !isdigit((unsigned char)*at))
		return false;
	at += strspn(at, "0123456789");
	return *at == 'q' && at[1] >= '1' && at[1] <= '9';
}

static bool is_unmovable(const struct irq *irq)
{
	if (irq->managed != IRQ_MANAGED_UNKNOWN)
		return irq->managed == IRQ_MANAGED;
	return is_nvme_queue(irq->action);
}

/* What came to the CPUs; by_core: adds it to the sum of each core, when not NULL. What came to
 * others than it comes to now is past. */
static uint64_t count_on(const struct planner *p, const struct irq *irq, const struct cpuset *cpus,
	uint64_t *by_core)
{
	const struct count_table *t = &p->s->interrupts;
	uint64_t n = 0;
	if (irq->effective && !cpuset_intersects(irq->effective, cpus))
		return 0;
	for (size_t i = 0; irq->counts && i < t->n_cpus; i++) {
		int cpu = t->cpus[i];
		if (!cpuset_has(cpus, cpu) || (irq->effective && !cpuset_has(irq->effective, cpu)))
			continue;
		n += irq->counts[i];
		if (by_core && p->core_of_cpu[cpu] >= 0)
			by_core[p->core_of_cpu[cpu]] += irq->counts[i];
	}
	return n;
}

/* What came of those that can be moved, or cannot; action: of these only, unless NULL. *ret_most:
 * the one with most. */
static uint64_t sum_of(const struct planner *p, const struct cpuset *cpus, bool is_movable,
	const char *action, const char **ret_most)
{
	uint64_t sum = 0, most = 0;
	for (size_t i = 0; i < p->s->n_irqs; i++) {
		const struct irq *irq = &p->s->irqs[i];
		if (is_unmovable(irq) == is_movable || (action && !streq(irq->action, action)))
			continue;
		uint64_t n = count_on(p, irq, cpus, NULL);
		sum += n;
		*ret_most = n > most ? irq->action : *ret_most;
		most = n > most ? n : most;
	}
	return sum;
}

static struct heat heat_of(struct planner *p, const struct cpuset *cpus, bool is_movable)
{
	const char *who = "";
	struct heat heat = { .sum = sum_of(p, cpus, is_movable, NULL, &who) };
	uint64_t of_who = sum_of(p, cpus, is_movable, who, &who);
	heat.whom = of_who == heat.sum ? arena_printf(&p->out->arena, "of %s", who)
				       : arena_printf(&p->out->arena, "%llu of them of %s",
						 (unsigned long long)of_who, who);
	return heat;
}

struct heat place_heat(struct planner *p, const struct cpuset *cpus)
{
	return heat_of(p, cpus, false);
}

struct heat place_movable_heat(struct planner *p, const struct cpuset *cpus)
{
	return heat_of(p, cpus, true);
}

void inventory_mark_hot(struct planner *p)
{
	AUTO_FREE uint64_t *sums = xcalloc(p->inv.n_cores + 1, sizeof *sums);
	uint64_t most = 0;
	size_t n_hot = 0;
	for (size_t i = 0; i < p->s->n_irqs; i++)
		if (is_unmovable(&p->s->irqs[i]))
			(void)count_on(p, &p->s->irqs[i], &p->s->online_cpus, sums);
	for (size_t i = 0; i < p->inv.n_cores; i++)
		most = sums[i] > most ? sums[i] : most;
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		p->inv.cores[i].is_hot = sums[i] >= HEAT_MIN && sums[i] >= most / HEAT_PART;
		n_hot += p->inv.cores[i].is_hot;
	}
	for (size_t i = 0; n_hot == p->inv.n_cores && i < p->inv.n_cores; i++)
		p->inv.cores[i].is_hot = false; /* all alike */
}
