/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a snapshot, part by part. */
#include <string.h>

#include "base/str.h"
#include "model/read.h"

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

/* In this order: tasks need the cgroups, interrupts' devices the devices. */
static const struct {
	unsigned int parts;
	read_part_fn *read;
} part_rows[] = {
	{ SNAPSHOT_TOPOLOGY, read_memory },
	{ SNAPSHOT_IRQS, read_irqs },
	{ SNAPSHOT_CGROUPS, read_cgroups },
	{ SNAPSHOT_ZONES, read_zones },
	{ SNAPSHOT_TUNABLES, read_tunables },
	{ SNAPSHOT_POWER, read_power },
	{ SNAPSHOT_PCI, read_pci },
	{ SNAPSHOT_PCI | SNAPSHOT_IRQS, read_irq_devices },
	{ SNAPSHOT_PCI | SNAPSHOT_IRQS, read_irq_states },
};

static int read_parts(struct host *h, unsigned int parts, struct snapshot *s, struct err *e)
{
	s->hostname = read_text(h, s, "proc/sys/kernel/hostname");
	s->boot_id = read_text(h, s, "proc/sys/kernel/random/boot_id");
	s->cmdline = read_text(h, s, "proc/cmdline");
	bool has_sets = read_cpu_sets(h, s);
	int r = parts & SNAPSHOT_TOPOLOGY || !has_sets ? read_topology(h, s, e) : 0;
	if (r < 0)
		return err_ctx(e, "read the host");
	for (size_t i = 0; i < N_ELEMENTS(part_rows); i++)
		if ((parts & part_rows[i].parts) == part_rows[i].parts)
			part_rows[i].read(h, s);
	r = parts & SNAPSHOT_TASKS ? read_tasks(h, s, e) : 0;
	if (r < 0)
		return err_ctx(e, "read the host");
	mark_isolated(s);
	return 0;
}

int snapshot_read(struct host *h, unsigned int parts, struct snapshot **ret, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = xcalloc(1, sizeof *s);
	int r = read_parts(h, parts, s, e);
	if (r == 0)
		*ret = TAKE(s);
	return r;
}
