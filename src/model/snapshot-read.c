/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a snapshot, part by part. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "model/read.h"

#define MAX_LOOKS 10

/* Which CPUs are isolated, by the boot parameter's effect and by partitions. */
static void mark_isolated(struct snapshot *s)
{
	s->isolated_cpus = s->boot_isolated_cpus;
	if (s->root_isolated)
		s->isolated_cpus = cpuset_or(&s->isolated_cpus, s->root_isolated);
	for (size_t i = 0; i < s->n_cgroups; i++) {
		const struct cgroup *g = &s->cgroups[i];
		if (g->partition && streq(g->partition, "isolated") && g->effective)
			s->isolated_cpus = cpuset_or(&s->isolated_cpus, g->effective);
	}
	for (size_t i = 0; i < s->n_cpus; i++)
		s->cpus[i].is_isolated = cpuset_has(&s->isolated_cpus, s->cpus[i].cpu);
}

typedef void read_part_fn(struct host *h, struct snapshot *s);

/* In this order: interrupts' devices need the devices. */
static const struct {
	unsigned int parts;
	read_part_fn *read;
} part_rows[] = {
	{ SNAPSHOT_TOPOLOGY, read_memory },
	{ SNAPSHOT_IRQS, read_irqs },
	{ SNAPSHOT_ZONES, read_zones },
	{ SNAPSHOT_TUNABLES, read_tunables },
	{ SNAPSHOT_POWER, read_power },
	{ SNAPSHOT_PCI, read_pci },
	{ SNAPSHOT_PCI | SNAPSHOT_IRQS, read_irq_devices },
	{ SNAPSHOT_PCI | SNAPSHOT_IRQS, read_irq_states },
};

/* Tasks need the cgroups. */
static int read_who(struct host *h, unsigned int parts, struct snapshot *s, struct err *e)
{
	if (parts & SNAPSHOT_CGROUPS)
		read_cgroups(h, s);
	return parts & SNAPSHOT_TASKS ? read_tasks(h, s, e) : 0;
}

static int read_parts(struct host *h, unsigned int parts, struct snapshot *s, struct err *e)
{
	CLEANUP(confined_stop) struct confined begun = { 0 };
	s->hostname = read_text(h, s, "proc/sys/kernel/hostname");
	s->boot_id = read_text(h, s, "proc/sys/kernel/random/boot_id");
	s->cmdline = read_text(h, s, "proc/cmdline");
	bool has_sets = read_cpu_sets(h, s);
	bool has_topology = parts & SNAPSHOT_TOPOLOGY || !has_sets;
	int r = has_topology ? begin_topology(h, &begun, e) : 0;
	bool is_beside = begun.pid; /* another process reads the topology meanwhile */
	if (r == 0 && is_beside)
		r = read_who(h, parts, s, e);
	if (r == 0 && has_topology)
		r = read_topology(h, s, &begun, e);
	if (r == 0 && !is_beside)
		r = read_who(h, parts, s, e);
	if (r < 0)
		return err_ctx(e, "read the host");
	for (size_t i = 0; i < N_ELEMENTS(part_rows); i++)
		if ((parts & part_rows[i].parts) == part_rows[i].parts)
			part_rows[i].read(h, s);
	mark_isolated(s);
	return 0;
}

/* The nearest group of the thread's that has sets, as far up as need be; -1: none has. */
static int group_with_sets(const struct snapshot *s, int g)
{
	while (g >= 0 && !s->cgroups[g].effective)
		g = s->cgroups[g].parent;
	return g;
}

static bool is_group_same(struct host *h, struct snapshot *s, const struct cgroup *g)
{
	const struct cpuset *now = read_effective(h, s, g);
	return now && cpuset_equal(now, g->effective);
}

/*
 * The groups' sets are read, and then the threads' masks. When a partition is made or goes in
 * between, masks of one state lie beside sets of another, and each looks as if somebody had chosen
 * it. So what differs is read once more, the masks and then the sets: where both are what they
 * were, they were so at one time.
 */
static bool is_settled(struct host *h, struct snapshot *s)
{
	AUTO_FREE bool *is_known = xcalloc(s->n_cgroups + 1, sizeof *is_known);
	for (size_t i = 0; i < s->n_tasks; i++) {
		const struct task *t = &s->tasks[i];
		int g = group_with_sets(s, t->cgroup);
		struct cpuset now;
		if (g < 0 || !t->allowed || task_is_immovable(t) ||
			cpuset_equal(t->allowed, s->cgroups[g].effective))
			continue;
		is_known[g] = true;
		if (host_get_thread_affinity(h, t->pid, t->tid, &now) == 0 &&
			!cpuset_equal(&now, t->allowed))
			return false;
	}
	for (size_t g = 0; g < s->n_cgroups; g++)
		if (is_known[g] && !is_group_same(h, s, &s->cgroups[g]))
			return false;
	return true;
}

int snapshot_read(struct host *h, unsigned int parts, struct snapshot **ret, struct err *e)
{
	for (int i = 0; i < MAX_LOOKS; i++) {
		AUTO_SNAPSHOT struct snapshot *s = xcalloc(1, sizeof *s);
		int r = read_parts(h, parts, s, e);
		if (r < 0)
			return r;
		if (is_settled(h, s)) {
			*ret = TAKE(s);
			return 0;
		}
	}
	return err_set(e, -EAGAIN,
		"read the host: cgroups and threads' masks changed each of the %d times; try again "
		"when no VM starts or ends",
		MAX_LOOKS);
}
