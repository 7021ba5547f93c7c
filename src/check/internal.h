/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules share: the VMs as they see them, and how they say what they found. */
#pragma once

#include <string.h>

#include "base/str.h"
#include "check/check.h"
#include "model/irqbalance.h"
#include "model/reading.h"
#include "model/snapshot.h"
#include "vm/config.h"
#include "vm/memory.h"
#include "vm/vm.h"

/* A VM and its CPUs. */
struct check_vm {
	const struct vm *vm;
	const char *label;
	bool is_meant;      /* rules about one VM are told of it */
	int n_vcpus;        /* threads that are known to be vCPUs */
	int n_pinned;       /* of them, those with CPUs of their own */
	bool is_pinned;     /* all of them */
	bool is_one_to_one; /* and each has one, that no other of them has */
	/* They are meant for it alone: not so many that it is rather a part of the host that
	 * several VMs share, as numad and cpusets of slices give. */
	bool is_dedicated;
	bool is_named;                     /* its manager's file names them, be it many */
	struct cpuset vcpu_cpus;           /* union of the pinned vCPUs' masks; empty: none is */
	struct cpuset core_cpus;           /* all of the cores that these are of */
	struct cpuset nodes;               /* of vcpu_cpus, by the kernel's number */
	const struct placement *placement; /* in force, or NULL */
};

/* So many threads have this mask: masks are few, threads many. */
struct mask_count {
	const struct cpuset *mask;
	size_t n;
};

/* CPUs that a finding would give a VM: no other finding gives them to another one. */
struct offer {
	const struct check_vm *to;
	struct cpuset cpus;
};

struct checking {
	const struct check_input *in;
	const struct snapshot *s;
	const struct limits *limits;
	struct check *out;
	struct arena *arena; /* out's */
	struct check_vm *vms;
	size_t n_vms;
	struct cpuset pinned_cpus;      /* of all VMs that are dedicated */
	ARRAY(struct mask_count) masks; /* of all threads that can be moved */
	struct cpuset unpinned_cpus;    /* where nobody has CPUs of his own */
	struct cpuset spare_cpus;       /* of these, no siblings of a VM's: for who is to move */
	ARRAY(struct offer) offers;
	const struct rule *rule; /* that runs */
	const char *unknown;     /* why it could not look; see unknown_if() */
};

/* For a rule that needs what this host, or this recording, may not tell: without it, and with
 * nothing found, the rule was skipped for that reason. */
static inline void unknown_if(struct checking *c, bool is_unknown, const char *reason)
{
	if (is_unknown)
		c->unknown = reason;
}

/* for_each_vm(v, c): VMs that are asked about; for_each_pinned: those whose
 * vCPUs somebody gave CPUs, for_each_dedicated: few of them. */
#define for_each_vm(v, c)                                                                          \
	for (const struct check_vm *v = (c)->vms; v < (c)->vms + (c)->n_vms; v++)                  \
		if (v->is_meant)
#define for_each_pinned(v, c)    for_each_vm(v, c) if (v->n_pinned)
#define for_each_dedicated(v, c) for_each_vm(v, c) if (v->is_dedicated)

/* A finding of the rule that runs, about the VM (NULL: the host). The pointer is good until the
 * next one. */
struct finding *found(struct checking *c, const struct check_vm *v, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
void says(struct checking *c, struct finding *f, const char *source, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void do_this(struct checking *c, struct finding *f, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The VM's section, and the line in it; NULL: that the section is there says all. */
void in_policy(struct checking *c, struct finding *f, const struct check_vm *v, const char *line);

/* Texts in the arena. */
const char *list_of(struct checking *c, const struct cpuset *cpus);
const char *cpus_of(struct checking *c, const struct cpuset *cpus); /* "CPU 4", "CPUs 4-5" */
const char *say(struct checking *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A word as the shell takes it: names of units and groups have backslashes. */
const char *quoted(struct checking *c, const char *word);
/* "5", "41": percent, with one digit below ten. */
const char *percent(struct checking *c, double share);
/* "6", "12.5", "0.25": two digits behind the point, where they are needed. */
const char *decimal(struct checking *c, double x);
/* "1 CPU", "3 CPUs". */
const char *some(struct checking *c, long n, const char *what);

/* Appends what takes the VM's isolation into wideberth's hands: the command and the policy's lines.
 */
void isolate(struct checking *c, struct finding *f, const struct check_vm *v);
/* Its manager is libvirt, which takes commands. */
bool is_libvirt(const struct check_vm *v);
/* What virsh knows it by, for the shell. */
const char *name_of(struct checking *c, const struct check_vm *v);

/* offer.c: as many of these CPUs as the VM has vCPUs, of the kind of its own ones, near them, and
 * offered to no other VM; what it was offered before where that will do. In one L3 domain or else
 * one node where there are so many, each of another core where that will do; those of CPU 0's core
 * come last. Empty: there are not so many. */
struct cpuset offer_cpus(struct checking *c, const struct check_vm *v, const struct cpuset *from);
/* The same for n of them, and nobody remembers it. */
struct cpuset choose_cpus(
	const struct checking *c, const struct check_vm *v, const struct cpuset *from, int n);
/* What it was offered last, until the next offer; NULL: nothing. */
const struct cpuset *offer_of(const struct checking *c, const struct check_vm *v);
void offered(struct checking *c, const struct check_vm *v, const struct cpuset *cpus);
/* Appends the commands that put each vCPU on one CPU of the set, in order, now and at the VM's next
 * start; none where it is empty. */
void give_cpus(
	struct checking *c, struct finding *f, const struct check_vm *v, const struct cpuset *cpus);
/* The same for threads that are no vCPUs: all of them on the set. */
void pin_threads(struct checking *c, struct finding *f, const struct check_vm *v,
	const struct vm_thread *const *threads, size_t n, const struct cpuset *cpus);
/* Appends what moves these interrupts to where nobody has CPUs of his own, and keeps irqbalance
 * off the set. */
void move_irqs(
	struct checking *c, struct finding *f, const int *irqs, size_t n, const struct cpuset *off);
/* The task of irqbalance where it runs and does not stay off all of these CPUs. */
const struct task *irqbalance_on(const struct checking *c, const struct cpuset *cpus);
void take_figures(struct checking *c);
/* Roots first, by weight; see struct finding. */
void order_findings(struct checking *c);

/* The core of a CPU; NULL: it is in none, or not there. */
const struct core *core_of(const struct snapshot *s, int cpu);
/* All CPUs of the cores that these are of. */
struct cpuset whole_cores(const struct snapshot *s, const struct cpuset *cpus);
/* What the cgroup lets its threads have; NULL: all, or there is none. */
const struct cpuset *group_cpus(const struct snapshot *s, const char *path);
/* Those of the CPUs that it lets them have: taskset fails (EINVAL) where that is none. */
struct cpuset within_group(const struct snapshot *s, const struct cpuset *cpus, const char *path);
/* By the kernel's number, or NULL. */
const struct node *node_of(const struct snapshot *s, int number);
/* NULL: unknown. The list is by tid. */
const struct thread_rate *rate_of(const struct checking *c, int tid);
/* How many CPUs' time others than the VM's vCPUs took of its CPUs within the interval; at
 * most, where a CPU's time is not known. */
double others_run(const struct checking *c, const struct check_vm *v);
/* What share of the interval the thread ran on the VM's CPUs, as far as two looks can tell. It may
 * run nowhere else; or it was seen there, and somebody beside the vCPUs ran there for half of that
 * time at least. 0: it was elsewhere, or there was no interval. */
double ran_there(const struct checking *c, const struct check_vm *v, int tid,
	const struct cpuset *allowed, int last_cpu);
/* Likewise of all the VM's vCPUs, wherever they ran. */
double vcpus_run(const struct checking *c, const struct check_vm *v);
/* For a finding whose suspects ran so much; see struct finding. */
void quiet_below_hog(const struct checking *c, struct finding *f, double run);
const struct group_reading *group_reading_of(const struct checking *c, const char *path);

/* ---- the rules: name(), by file ---- */

#define RULE(name) void check_##name(struct checking *c)
/* load.c */
RULE(disk);
RULE(pool);
RULE(storage);
RULE(host_steal);
RULE(softirq);
RULE(irq_rate);
RULE(hog);
RULE(caged);
RULE(oversubscribed);
RULE(sibling_busy);
RULE(wait);
/* quota.c */
RULE(quota);
/* pins.c */
RULE(stacked);
RULE(too_few);
RULE(half_pinned);
RULE(overlap);
RULE(siblings);
RULE(emulator);
RULE(iothreads);
RULE(smt_blind);
RULE(crosses_nodes);
RULE(crosses_l3);
RULE(cpu0);
RULE(kinds);
RULE(fifo);
/* hold.c */
RULE(partition);
RULE(lost);
RULE(container);
RULE(irqbalance);
RULE(irq_may);
RULE(open);
RULE(boot_lists);
RULE(boot_effect);
RULE(boot_housekeeping);
RULE(boot_unused);
/* memory.c */
RULE(remote);
RULE(wander);
RULE(too_large);
RULE(memoryless);
RULE(min_free);
RULE(balancing);
RULE(ksm);
RULE(small_pages);
RULE(huge_short);
RULE(huge_far);
RULE(huge_idle);
RULE(huge_given);
RULE(balloon);
RULE(device_far);
/* power.c */
RULE(governor);
RULE(frequency);
RULE(capped);
RULE(power_limit);
RULE(turbo);
RULE(throttled);
RULE(idle_states);
RULE(idle_poll);
RULE(clocksource);
/* recipe.c */
RULE(no_kvm);
RULE(unknown_vcpus);
RULE(config);
RULE(affinity_range);
RULE(affinity_stale);
RULE(numa_cpus);
RULE(numa_only);
RULE(one_mask);
RULE(hook);
RULE(all_cpus);
RULE(group_narrow);
