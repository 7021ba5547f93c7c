/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host as it was at one moment: read once, immutable, freed at once.
 *
 * Objects refer to each other by number. Absent is not zero: numbers are -1 and pointers NULL
 * where the host has no such thing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/err.h"

struct host;

enum cpu_kind {
	CPU_UNIFORM, /* all CPUs are of one kind */
	CPU_PERFORMANCE,
	CPU_EFFICIENCY,
	CPU_LOW_POWER,
};

/* One CPU (hardware thread). core, l3, node, socket index the arrays of the snapshot, and are
 * unique on the whole host; -1 where unknown (offline CPUs, hosts without an L3). */
struct cpu {
	int cpu; /* the kernel's number */
	int core, l3, node, socket;
	enum cpu_kind kind;
	bool is_online;
	bool is_isolated; /* in cpuset.cpus.isolated, or isolcpus= */
};

struct core {
	struct cpuset cpus; /* its SMT siblings, online ones */
	int l3, node, socket;
};

struct l3_domain {
	struct cpuset cpus;
	uint64_t size_kib;
	int node; /* the node with most of its CPUs */
};

struct hugepages {
	uint64_t size_kib, total, free; /* pages */
};

struct node {
	int node;           /* the kernel's number */
	struct cpuset cpus; /* online CPUs; may be empty */
	uint64_t mem_total_kib, mem_free_kib;
	bool has_memory;
	struct hugepages *hugepages;
	size_t n_hugepages;
	int *distances; /* to node index 0 … n_nodes-1; NULL when unknown */
};

struct socket {
	struct cpuset cpus;
};

/* One line of /proc/interrupts that has a number: a device's interrupt, not LOC, RES, …. */
struct irq {
	int irq;
	const char *name;   /* chip and action as printed: "PCI-MSI 512000-edge virtio0-config" */
	const char *action; /* the last word(s): "virtio0-config"; "" when nobody requested it */
	const struct cpuset *affinity; /* smp_affinity_list; NULL when there is no such file */
	const struct cpuset *effective;
	uint64_t *counts; /* by column of snapshot.irq_cpus */
};

/* A named line: LOC, RES, CAL, TLB, … or a softirq (NET_RX, TIMER, …). */
struct irq_line {
	const char *name, *text;
	uint64_t *counts;
};

enum { /* include/linux/sched.h, field 9 of /proc/PID/stat */
	PF_KTHREAD_FLAG = 0x00200000,
	PF_NO_SETAFFINITY_FLAG = 0x04000000,
};

struct task {
	int tid, pid; /* pid: the thread group */
	int ppid;
	uint64_t start; /* field 22 of stat, clock ticks since boot: with tid an identity */
	unsigned int flags;
	int last_cpu;
	int policy, rt_priority, nice; /* SCHED_…; 1 … 99 for SCHED_FIFO and SCHED_RR, else 0 */
	const char *comm;
	const struct cpuset *allowed; /* Cpus_allowed_list */
	int cgroup;                   /* index, or -1 */
};

static inline bool task_is_kthread(const struct task *t)
{
	return t->flags & PF_KTHREAD_FLAG;
}

/* A kernel thread whose affinity the kernel lets nobody change. */
static inline bool task_is_immovable(const struct task *t)
{
	return t->flags & PF_NO_SETAFFINITY_FLAG;
}

/* One directory of the cgroup v2 tree. Texts are the files' contents without the newline, NULL
 * where the file does not exist. */
struct cgroup {
	const char *path; /* below the mount: "" is the root, "qemu.slice/100.scope" */
	uint64_t inode;
	int parent;       /* index; -1 for the root */
	const char *type; /* "domain", "threaded", … */
	const char *controllers, *subtree_control;
	const char *cpus, *exclusive, *partition, *mems;
	const struct cpuset *effective; /* cpuset.cpus.effective, NULL when cpuset is not enabled */
};

struct workqueues {
	const struct cpuset *cpumask;   /* NULL: not there */
	const struct cpuset *requested; /* 6.8 and later */
};

struct snapshot {
	struct arena arena;

	struct cpuset present_cpus, online_cpus;
	struct cpuset isolated_cpus;      /* isolcpus= and isolated partitions */
	struct cpuset boot_isolated_cpus; /* isolcpus= only */
	struct cpu *cpus;
	size_t n_cpus;
	struct core *cores;
	size_t n_cores;
	struct l3_domain *l3s;
	size_t n_l3s;
	struct node *nodes;
	size_t n_nodes;
	struct socket *sockets;
	size_t n_sockets;

	/* SNAPSHOT_IRQS */
	int *irq_cpus; /* the CPU of each column of /proc/interrupts: online CPUs only */
	size_t n_irq_cpus;
	struct irq *irqs;
	size_t n_irqs;
	struct irq_line *irq_lines;
	size_t n_irq_lines;
	const struct cpuset *default_smp_affinity;
	struct workqueues workqueues;

	/* SNAPSHOT_TASKS: every thread of the machine, by tid */
	struct task *tasks;
	size_t n_tasks;

	/* SNAPSHOT_CGROUPS: parents before children. n_cgroups is 0 without cgroup v2. */
	const char *cgroup_mount; /* "sys/fs/cgroup", or "sys/fs/cgroup/unified" */
	struct cgroup *cgroups;
	size_t n_cgroups;
	bool has_systemd;                   /* /run/systemd/system exists: as sd_booted(3) has it */
	bool has_cpuset;                    /* the root's cgroup.controllers name cpuset */
	bool has_remote_partitions;         /* cpuset.cpus.exclusive exists (6.7 and later) */
	const struct cpuset *root_isolated; /* root's cpuset.cpus.isolated (6.8 and later) */

	const char *hostname, *kernel_release, *boot_id, *cmdline; /* NULL where unknown */
	/* Interned sets; see model/read.h. */
	struct cpuset **sets;
	size_t n_sets, sets_room;

	const char **notes; /* what could not be read, for people */
	size_t n_notes;
};

enum snapshot_parts {
	SNAPSHOT_TOPOLOGY = 0, /* always */
	SNAPSHOT_IRQS = 1,
	SNAPSHOT_TASKS = 2,
	SNAPSHOT_CGROUPS = 4,
	SNAPSHOT_ALL = 7,
};

/* Reads the parts. On success *ret is the caller's, to free with snapshot_free(). */
int snapshot_read(
	struct host *h, unsigned int parts, struct snapshot **ret, struct err *e) MUST_CHECK;
void snapshot_free(struct snapshot *s);
DEFINE_CLEANUP(struct snapshot, snapshot_free)
#define AUTO_SNAPSHOT CLEANUP(snapshot_freep)

/* The CPU with the kernel's number, or NULL. */
const struct cpu *snapshot_cpu(const struct snapshot *s, int cpu);
/* The thread, or NULL. */
const struct task *snapshot_task(const struct snapshot *s, int tid);
/* The index of the cgroup with this path, or -1. */
int snapshot_cgroup(const struct snapshot *s, const char *path);
const char *cpu_kind_name(enum cpu_kind kind);
