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
#include "kernel/boot-params.h"
#include "kernel/counts.h"
#include "kernel/cpu-times.h"
#include "kernel/task-stat.h"
#include "kernel/zoneinfo.h"
#include "model/absent.h"
#include "model/pci.h"
#include "model/power.h"
#include "model/tunables.h"

struct host;

enum cpu_kind {
	CPU_UNIFORM, /* all CPUs are of one kind */
	CPU_PERFORMANCE,
	CPU_EFFICIENCY,
	CPU_LOW_POWER,
};

/*
 * The topology is hwloc's, who reads it below /sys/devices/system/{cpu,node}
 * (Documentation/admin-guide/cputopology.rst, ABI/testing/sysfs-devices-system-cpu); kinds of CPUs
 * are ours, from what the kernel knows of them (kinds.c).
 *
 * One CPU (hardware thread). core, l3, node, socket, die, cluster, l2 index the arrays of the
 * snapshot, and are unique on the whole host; -1 where unknown (offline CPUs, hosts without an L3).
 */
struct cpu {
	int cpu; /* the kernel's number */
	int core, l3, node, socket;
	enum cpu_kind kind;
	bool is_online;
	bool is_isolated; /* in cpuset.cpus.isolated, or isolcpus= */
	int die, cluster, l2;
	int rank; /* among its kind: 0 is favoured most (ITMT, CPPC highest_perf, frequency) */
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

struct l2_domain {
	struct cpuset cpus;
	uint64_t size_kib;
};

/* Dies of a socket and clusters of cores, where the kernel names them. */
struct cpu_group {
	struct cpuset cpus;
};

/* /sys/devices/system/node/nodeN/hugepages/hugepages-*kB/{nr,free,surplus}_hugepages
 * (Documentation/admin-guide/mm/hugetlbpage.rst) */
struct hugepages {
	uint64_t size_kib, total, free, surplus; /* pages */
};

/* /sys/devices/system/node/nodeN/{meminfo,distance} (Documentation/admin-guide/mm/numaperf.rst) */
struct node {
	int node;           /* the kernel's number */
	struct cpuset cpus; /* online CPUs; may be empty */
	uint64_t mem_total_kib, mem_free_kib;
	uint64_t mem_cache_kib; /* of files, and what the kernel can drop like it; 0: not known */
	bool has_memory;
	bool is_memory_unknown; /* there is no file that says */
	bool is_free_unknown;   /* how much of it is free */
	int tier;               /* memory_tiering/memory_tierN/nodelist: lower is faster; -1 unknown
				 * (Documentation/ABI/testing/sysfs-kernel-mm-memory-tiers) */
	struct hugepages *hugepages;
	size_t n_hugepages;
	int *distances; /* to node index 0 … n_nodes-1; NULL when unknown */
};

struct socket {
	struct cpuset cpus;
};

enum irq_managed { IRQ_MANAGED_UNKNOWN, IRQ_MANAGED, IRQ_MOVABLE };

/* One line of /proc/interrupts that has a number: a device's interrupt, not LOC, RES, …
 * (Documentation/core-api/irq/irq-affinity.rst: /proc/irq/N). */
struct irq {
	int irq;
	const char *name;   /* chip and action as printed: "PCI-MSI 512000-edge virtio0-config" */
	const char *action; /* the last word(s): "virtio0-config"; "" when nobody requested it */
	const struct cpuset *affinity;  /* smp_affinity_list; NULL when there is no such file */
	const struct cpuset *effective; /* effective_affinity_list */
	const uint32_t *counts;         /* by column of snapshot.interrupts */
	int device;                     /* index of its PCI device, with SNAPSHOT_PCI; -1 unknown */
	enum irq_managed managed; /* its CPUs are the kernel's own choice; with SNAPSHOT_PCI */
};

/* Documentation/filesystems/proc.rst, table 1-4: /proc/PID/task/TID/{stat,cgroup}; the mask is
 * sched_getaffinity(2)'s, on a tree that of the status file. */
struct task {
	int tid, pid;  /* pid: the thread group */
	int n_threads; /* of the thread group */
	int ppid;
	uint64_t start;     /* field 22 of stat, clock ticks since boot: with tid an identity */
	uint64_t run_ticks; /* fields 14 and 15; of a main thread its whole process's */
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
	bool has_isolated_file;           /* there is a file that says so */
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

	struct l2_domain *l2s;
	size_t n_l2s;
	struct cpu_group *dies;
	size_t n_dies;
	struct cpu_group *clusters;
	size_t n_clusters;

	/* SNAPSHOT_IRQS */
	struct count_table interrupts; /* /proc/interrupts with LOC, RES, … */
	struct irq *irqs;              /* its lines that have a number */
	size_t n_irqs;
	struct irq *idle_irqs; /* requested by nobody now; the mask waits for the next driver */
	size_t n_idle_irqs;    /* no name, no counts */
	const struct cpuset *default_smp_affinity;
	struct workqueues workqueues;

	/* SNAPSHOT_TASKS: every thread of the machine, by tid */
	struct task *tasks;
	size_t n_tasks;
	uint64_t ticks_since_boot; /* now, as a task's start; 0: not known (/proc/uptime) */

	/* SNAPSHOT_CGROUPS: parents before children. n_cgroups is 0 without cgroup v2. */
	const char *cgroup_mount; /* "sys/fs/cgroup", or "sys/fs/cgroup/unified" */
	struct cgroup *cgroups;
	size_t n_cgroups;
	bool has_systemd;                   /* /run/systemd/system exists: as sd_booted(3) has it */
	bool has_cpuset;                    /* the root's cgroup.controllers name cpuset */
	bool has_remote_partitions;         /* cpuset.cpus.exclusive exists (6.7 and later) */
	const struct cpuset *root_isolated; /* root's cpuset.cpus.isolated (6.8 and later) */

	struct zones zones; /* SNAPSHOT_ZONES */

	/* SNAPSHOT_TUNABLES */
	const struct tunables *tunables; /* NULL when not read */
	struct boot_params boot_params;
	struct resctrl_group *resctrl; /* 0 groups: not mounted */
	size_t n_resctrl;

	const struct power *power; /* SNAPSHOT_POWER; NULL when not read */

	struct pci_device *pci_devices; /* SNAPSHOT_PCI */
	size_t n_pci_devices;

	/* /proc/sys/kernel/{hostname,random/boot_id}, /proc/cmdline; NULL where unknown */
	const char *hostname, *boot_id, *cmdline;

	/* Below here: what the snapshot keeps for itself: indexes of CPUs by number, of cgroups by
	 * path. */
	int *cpu_index;
	int n_cpu_index;
	int *cgroup_index;

	const char **notes; /* what could not be read, for people */
	size_t n_notes;
};

enum snapshot_parts {
	/* Which CPUs there are is always read; this is how they belong together, and memory. */
	SNAPSHOT_TOPOLOGY = 1,
	SNAPSHOT_IRQS = 2,
	SNAPSHOT_TASKS = 4,
	SNAPSHOT_CGROUPS = 8,
	SNAPSHOT_SITTERS = SNAPSHOT_IRQS | SNAPSHOT_TASKS | SNAPSHOT_CGROUPS, /* who runs where */
	SNAPSHOT_ALL = SNAPSHOT_TOPOLOGY | SNAPSHOT_SITTERS, /* what placing and applying needs */

	SNAPSHOT_ZONES = 16,
	SNAPSHOT_TUNABLES = 32,
	SNAPSHOT_POWER = 64, /* with SNAPSHOT_TOPOLOGY */
	SNAPSHOT_PCI = 128,
	SNAPSHOT_WHOLE = 255,
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

/* Services that change what wideberth sets, or compete with it; found by their names. Needs
 * SNAPSHOT_TASKS. */
struct service {
	const char *name, *comm; /* "power-profiles-daemon", "power-profiles-" */
	const char *writes;      /* what it changes, for people */
	const struct task *task; /* NULL: not running */
};
/* Fills ret with all that it knows, SERVICES_MAX at most, and returns how many. */
enum { SERVICES_MAX = 12 };
size_t snapshot_services(const struct snapshot *s, struct service ret[SERVICES_MAX]);

const char *cpu_kind_name(enum cpu_kind kind);
