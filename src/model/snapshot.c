/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot.h"

#include <string.h>

#include "base/str.h"
#include "model/read.h"

void snapshot_free(struct snapshot *s)
{
	arena_done(&s->arena);
	free(s->notes);
	free(s);
}

const struct cpu *snapshot_cpu(const struct snapshot *s, int cpu)
{
	if (s->cpu_index) {
		int i = cpu >= 0 && cpu < s->n_cpu_index ? s->cpu_index[cpu] : -1;
		return i < 0 ? NULL : &s->cpus[i];
	}
	for (size_t i = 0; i < s->n_cpus; i++)
		if (s->cpus[i].cpu == cpu)
			return &s->cpus[i];
	return NULL;
}

const struct task *snapshot_task(const struct snapshot *s, int tid)
{
	size_t i = lower_bound(t, s->tasks, s->n_tasks, t->tid < tid);
	return i < s->n_tasks && s->tasks[i].tid == tid ? &s->tasks[i] : NULL;
}

int snapshot_cgroup(const struct snapshot *s, const char *path)
{
	for (size_t i = 0; !s->cgroup_index && i < s->n_cgroups; i++)
		if (streq(s->cgroups[i].path, path))
			return (int)i;
	if (!s->cgroup_index)
		return -1;
	size_t at = lower_bound(
		g, s->cgroup_index, s->n_cgroups, strcmp(s->cgroups[*g].path, path) < 0);
	int g = at < s->n_cgroups ? s->cgroup_index[at] : -1;
	return g >= 0 && streq(s->cgroups[g].path, path) ? g : -1;
}

size_t snapshot_services(const struct snapshot *s, struct service ret[SERVICES_MAX])
{
	static const struct service known[] = {
		{ "irqbalance", "irqbalance", "where interrupts go; told to keep off" },
		{ "tuned", "tuned", "what its profile says: masks, governor, sysctls" },
		{ "numad", "numad", "masks and memory of processes" },
		{ "ksmtuned", "ksmtuned", "how much ksmd merges" },
		{ "power-profiles-daemon", "power-profiles-", "governor and energy preference" },
		{ "thermald", "thermald", "frequency limits, when it is hot" },
		{ "tlp", "tlp", "governor and energy preference" },
		{ "libvirtd", "libvirtd", "masks and groups of its VMs, where their XML pins" },
		{ "virtqemud", "virtqemud", "masks and groups of its VMs, where their XML pins" },
		{ "pvestatd", "pvestatd", "CPU sets of containers, to spread them" },
	};
	_Static_assert(N_ELEMENTS(known) <= SERVICES_MAX, "room for all");
	memcpy(ret, known, sizeof known);
	for (size_t i = 0; i < s->n_tasks; i++) {
		const struct task *t = &s->tasks[i];
		for (size_t k = 0; t->tid == t->pid && k < N_ELEMENTS(known); k++)
			if (!task_is_kthread(t) && !ret[k].task && streq(t->comm, known[k].comm))
				ret[k].task = t;
	}
	return N_ELEMENTS(known);
}

const char *cpu_kind_name(enum cpu_kind kind)
{
	static const char *const names[] = {
		[CPU_UNIFORM] = "uniform",
		[CPU_PERFORMANCE] = "performance",
		[CPU_EFFICIENCY] = "efficiency",
		[CPU_LOW_POWER] = "low-power",
	};
	return names[kind];
}
