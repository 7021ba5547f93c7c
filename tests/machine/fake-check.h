/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host out of thin air for check: 2 sockets of 6 cores with 2 threads (siblings n and n + 12), an
 * L3 and a node each; db01 with 4 vCPUs pinned one to one to 1-4, its other threads on 6-11,18-23;
 * ten seconds in which nothing is wrong. */
#pragma once

#include <stdio.h>

#include "check/check.h"
#include "fake-host.h"
#include "model/irqbalance.h"
#include "model/power.h"
#include "model/reading.h"
#include "vm/config.h"
#include "vm/memory.h"

struct fix {
	struct fake_host *h;
	struct vm *vm; /* db01 */
	struct vm_config config[8];
	struct vm_memory memory[8];
	struct tunables tunables;
	struct power power;
	struct freq_policy policies[24];
	struct cpu_power cpu_power[24];
	struct idle_state idle[2];
	struct rates rates;
	struct cpu_rate cpus[64];
	int cpu_index[CPUSET_MAX];
	struct disk_rate disks[4];
	struct package_rate packages[2];
	struct pool_reading pools[2];
	struct txg groups_of_pool[12];
	struct reading_list list;
	struct reading_thread listed[128];
	struct thread_rate threads[128];
	struct reading reading;
	struct group_rate group_rates[8];
	struct group_reading group_readings[8];
	const char *groups[8];
	struct task tasks[64];
	struct irq irqs[16];
	int columns[24];
	struct count_row rows[16];
	struct irqbalance irqbalance;
	bool has_irqbalance; /* what it bans is known */
	struct placement placements[4];
	size_t n_placements;
	struct intruders intruders;
	bool has_intruders;
	struct limits limits;
};

static const struct cpuset *fix_keep(struct fix *f, const char *list)
{
	struct cpuset set = cpus(list);
	return arena_dup(&f->h->s.arena, &set, 1, sizeof set);
}

/* One vCPU per CPU of the list; where it has fewer, the last serves for the rest. */
UNUSED static void fix_pin(struct fix *f, struct vm *vm, const char *list)
{
	struct cpuset set = cpus(list);
	int cpu = cpuset_first(&set);
	for (size_t i = 0; i < vm->n_threads; i++) {
		struct vm_thread *t = &vm->threads[i];
		if (t->role != ROLE_VCPU)
			continue;
		struct cpuset one = cpuset_of(cpu);
		t->allowed = arena_dup(&f->h->s.arena, &one, 1, sizeof one);
		t->cpu = cpu;
		cpu = cpuset_next(&set, cpu + 1) < 0 ? cpu : cpuset_next(&set, cpu + 1);
	}
}

/* One mask for all threads of the role. */
UNUSED static void fix_mask(struct fix *f, struct vm *vm, enum thread_role role, const char *list)
{
	const struct cpuset *mask = fix_keep(f, list);
	for (size_t i = 0; i < vm->n_threads; i++)
		if (vm->threads[i].role == role) {
			vm->threads[i].allowed = mask;
			vm->threads[i].cpu = cpuset_first(mask);
		}
}

UNUSED static int fix_group(struct fix *f, const char *path, const char *effective)
{
	struct snapshot *s = &f->h->s;
	AUTO_FREE char *above = xstrdup(path);
	char *slash = strrchr(above, '/');
	*(slash ? slash : above) = 0;
	s->cgroups[s->n_cgroups] = (struct cgroup){ .path = path,
		.parent = snapshot_cgroup(s, above),
		.effective = effective ? fix_keep(f, effective) : NULL };
	return (int)s->n_cgroups++;
}

/* Threads are listed by tid: VMs are made in that order, others are numbered behind them. */
static void fix_list(struct fix *f, int pid, int tid, double run, double wait)
{
	size_t at = f->list.n_threads++;
	for (; at && f->listed[at - 1].tid > tid; at--) {
		f->listed[at] = f->listed[at - 1];
		f->threads[at] = f->threads[at - 1];
	}
	f->listed[at] = (struct reading_thread){ pid, tid, 5 };
	f->threads[at] = (struct thread_rate){ tid, true, run, wait, -1 };
	f->rates.n_threads = f->list.n_threads;
}

UNUSED static struct thread_rate *fix_rate(struct fix *f, int tid)
{
	for (size_t i = 0; i < f->rates.n_threads; i++)
		if (f->threads[i].tid == tid)
			return &f->threads[i];
	abort();
}

/* Another VM of so many vCPUs, like db01. */
static struct vm *fix_vm(struct fix *f, const char *id, int n_vcpus, const char *list)
{
	struct vm *vm = fake_vm(f->h, id, n_vcpus, 1, 1);
	size_t i = f->h->vms.n_vms - 1;
	f->config[i] = (struct vm_config){ .source = "command line", .memory_mib = 8192 };
	f->memory[i] = (struct vm_memory){ .locked_kib = -1, .hugetlb_kib = -1 };
	vm->config = &f->config[i];
	vm->memory = &f->memory[i];
	for (size_t k = 0; k < vm->n_threads; k++) {
		vm->threads[k].policy = "other";
		vm->threads[k].comm = vm->threads[k].role == ROLE_VCPU ? "CPU 0/KVM" : "kvm";
		vm->threads[k].allowed = fix_keep(f, "6-11,18-23");
		fix_list(f, vm->pid, vm->threads[k].tid,
			vm->threads[k].role == ROLE_VCPU ? 0.4 : 0.001, 0.001);
	}
	fix_pin(f, vm, list);
	return vm;
}

/* A thread of nobody's VM, that ran so much on the CPU. */
UNUSED static struct task *fix_task(
	struct fix *f, int tid, const char *comm, const char *allowed, int cpu, double run)
{
	struct snapshot *s = &f->h->s;
	s->tasks = f->tasks;
	f->tasks[s->n_tasks] = (struct task){ .tid = tid,
		.pid = tid,
		.n_threads = 1,
		.start = 5,
		.last_cpu = cpu,
		.comm = comm,
		.allowed = fix_keep(f, allowed),
		.cgroup = -1 };
	fix_list(f, tid, tid, run, 0);
	return &f->tasks[s->n_tasks++];
}

/* Work on these CPUs beside the vCPUs', so much of the time of each. */
UNUSED static void fix_busy(struct fix *f, const char *list, double share)
{
	const struct cpuset set = cpus(list);
	cpuset_for_each (cpu, &set) {
		f->cpus[cpu].idle -= share;
		f->cpus[cpu].user += share;
	}
}

/* The thread of the VM as one of the host's, that ran so much and was seen on the CPU. VMs' before
 * others': tasks are by tid. */
UNUSED static void fix_task_of(
	struct fix *f, const struct vm *vm, struct vm_thread *t, int cpu, double run)
{
	struct snapshot *s = &f->h->s;
	s->tasks = f->tasks;
	t->cpu = cpu;
	f->tasks[s->n_tasks++] = (struct task){ .tid = t->tid,
		.pid = vm->pid,
		.n_threads = (int)vm->n_threads,
		.start = 5,
		.last_cpu = cpu,
		.comm = t->comm,
		.allowed = t->allowed,
		.cgroup = -1 };
	fix_rate(f, t->tid)->run = run;
}

/* An interrupt of a device, that may go to these CPUs, and came so often per s on one of them. */
UNUSED static struct irq *fix_irq(
	struct fix *f, int number, const char *action, const char *affinity, int cpu, double per_s)
{
	struct snapshot *s = &f->h->s;
	struct count_table *t = &f->rates.interrupts;
	uint32_t *counts = arena_alloc(&s->arena, 24 * sizeof *counts);
	counts[cpu] = (uint32_t)(per_s * f->rates.window_s);
	s->irqs = f->irqs;
	t->cpus = f->columns;
	t->n_cpus = 24;
	t->rows = f->rows;
	struct cpuset at = cpuset_of(cpu);
	f->rows[t->n_rows++] = (struct count_row){ .name = arena_printf(&s->arena, "%d", number),
		.irq = number,
		.text = action,
		.action = action,
		.is_per_cpu = true,
		.is_device = true,
		.counts = counts };
	f->irqs[s->n_irqs] = (struct irq){ .irq = number,
		.name = action,
		.action = action,
		.affinity = fix_keep(f, affinity),
		.effective = arena_dup(&s->arena, &at, 1, sizeof at),
		.counts = counts,
		.device = -1,
		.managed = IRQ_MOVABLE };
	return &f->irqs[s->n_irqs++];
}

static void fix_quiet(struct fix *f)
{
	struct rates *r = &f->rates;
	r->window_s = 10;
	r->cpus = f->cpus;
	r->cpu_index = f->cpu_index;
	r->threads = f->threads;
	r->disks = f->disks;
	r->packages = f->packages;
	f->reading.pools = f->pools;
	r->groups = f->group_rates;
	memset(f->cpu_index, -1, sizeof f->cpu_index);
	for (int cpu = 0; cpu < 24; cpu++) {
		f->columns[cpu] = cpu;
		f->cpu_index[cpu] = (int)r->n_cpus;
		f->cpus[r->n_cpus++] = (struct cpu_rate){ cpu, 0.35, 0.047, 0.001, 0.002, 0, 0.6 };
	}
	r->host = (struct group_rate){ NULL, 0, 0, 0, 0, 0, 0 };
}

static void fix_power(struct fix *f)
{
	f->idle[0] = (struct idle_state){ "POLL", 0, 5, 5, 0 };
	f->idle[1] = (struct idle_state){ "C1", 2, 5, 5, 0 };
	for (int cpu = 0; cpu < 24; cpu++) {
		struct cpuset one = cpuset_of(cpu);
		f->policies[cpu] = (struct freq_policy){ .policy = cpu,
			.cpus = arena_dup(&f->h->s.arena, &one, 1, sizeof one),
			.driver = "acpi-cpufreq",
			.governor = "performance",
			.min_khz = 1500000,
			.max_khz = 3400000,
			.hw_min_khz = 1500000,
			.hw_max_khz = 3400000,
			.cur_khz = 3400000 };
		f->cpu_power[cpu] = (struct cpu_power){ .cpu = cpu,
			.policy = cpu,
			.idle_states = f->idle,
			.n_idle_states = 2,
			.resume_latency = "0" };
	}
	f->power = (struct power){ f->policies, 24, f->cpu_power, 24 };
	f->h->s.power = &f->power;
}

static void fix_tunables(struct fix *f)
{
	size_t n;
	const struct tunable_row *rows = tunable_rows(&n);
	for (size_t i = 0; i < n; i++)
		if (tunable_value(&f->tunables, &rows[i]).is_number)
			*(int64_t *)(void *)((char *)&f->tunables + rows[i].offset) = ABSENT;
	f->tunables.sched_rt_runtime_us = 950000;
	f->tunables.sched_rt_period_us = 1000000;
	f->tunables.min_free_kbytes = 90112;
	f->tunables.clocksource = "tsc";
	f->tunables.thp_enabled = "madvise";
	f->h->s.tunables = &f->tunables;
}

static struct fix *fix_new(void)
{
	struct fix *f = xcalloc(1, sizeof *f);
	f->h = fake_host(two_sockets);
	struct snapshot *s = &f->h->s;
	s->cgroup_mount = "sys/fs/cgroup";
	s->has_isolated_file = true;
	s->cmdline = "quiet";
	for (size_t i = 0; i < s->n_nodes; i++) {
		s->nodes[i].mem_total_kib = 64 << 20;
		s->nodes[i].mem_free_kib = 32 << 20;
	}
	f->list.threads = f->listed;
	f->list.groups = f->groups;
	f->reading.groups = f->group_readings;
	f->limits = limits_default();
	fix_quiet(f);
	fix_power(f);
	fix_tunables(f);
	fix_group(f, "qemu.slice", "0-23");
	fix_group(f, "qemu.slice/db01.scope", "0-23");
	f->vm = fix_vm(f, "db01", 4, "1-4");
	return f;
}

static void fix_free(struct fix *f)
{
	fake_free(f->h);
	free(f);
}

/* What check says of it; only: one rule, or NULL for all. */
static struct check *fix_check(struct fix *f, const char *only, bool has_rates)
{
	struct claims claims = claims_of(&f->h->s, f->placements, f->n_placements, NULL);
	const struct check_input in = {
		.s = &f->h->s,
		.vms = &f->h->vms,
		.claims = &claims,
		.intruders = f->has_intruders ? &f->intruders : NULL,
		.rates = has_rates ? &f->rates : NULL,
		.list = &f->list,
		.reading = &f->reading,
		.irqbalance = f->has_irqbalance ? &f->irqbalance : NULL,
		.limits = &f->limits,
	};
	f->list.n_groups = f->rates.n_groups;
	return check_run(&in, &only, only ? 1 : 0, NULL);
}
