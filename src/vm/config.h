/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VM is made of, as it was configured: by its manager, or by its command line.
 *
 * Two readers fill the same struct without knowing of each other (pve-conf.c and qemu-config.c),
 * and a test holds them against each other. Everything lives in an arena; zero-initialise it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cpuset.h"
#include "base/list.h"

enum {
	HUGEPAGES_NONE = 0,
	HUGEPAGES_ANY = -1,   /* some size: the largest that fits, decided at the start */
	HUGEPAGES_MIXED = -2, /* guest nodes differ */
};

/* A NUMA node of the guest. */
struct vm_node {
	int node;
	const char *cpus;      /* cpulist of vCPU numbers */
	uint64_t mib;          /* 0: unknown */
	const char *hostnodes; /* nodelist it is bound to; NULL: not bound */
	const char *policy;    /* "bind", "preferred", "interleave"; NULL with hostnodes NULL */
	const char *mem_path;  /* the directory or file that its memory is in, or NULL */
	int64_t hugepages_kib; /* page size, or HUGEPAGES_… */
};

/* A node may be memory alone. */
static inline bool vm_node_has_vcpus(const struct vm_node *node)
{
	return node->cpus && *node->cpus;
}

struct vm_disk {
	const char *id;               /* "scsi0" */
	const char *alias;            /* its device's id in QEMU, where that is another; or NULL */
	const char *iothread;         /* the first I/O thread that serves it, or NULL */
	LIST(const char *) iothreads; /* all of them */
	int queues;                   /* 0: as many as QEMU chooses */
};

struct vm_net {
	const char *id; /* "net0" */
	const char *model;
	int queues; /* pairs; each has a vhost worker where has_vhost */
	bool has_vhost;
};

enum vm_pci_kind {
	PCI_WHOLE,     /* a device or function, by vfio */
	PCI_MDEV,      /* a mediated device: a part of one */
	PCI_NVME,      /* QEMU's own driver of an NVMe disk has it */
	PCI_VFIO_USER, /* another process is the device */
	PCI_VDPA,      /* a network card's queues, by vhost-vdpa */
	N_PCI_KINDS,
};

/* A device passed through. */
struct vm_pci {
	const char *id; /* "hostpci0", or the device's id in QEMU; NULL: it has none */
	const char
		*address; /* "0000:0b:00.0"; "0000:0b:00" stands for all functions; NULL: unknown */
	const char *mapping; /* the cluster-wide name it was chosen by, or NULL */
	enum vm_pci_kind kind;
	const char
		*part; /* of an mdev its UUID; of vfio-user the socket; of vdpa the file; or NULL */
};

/* Where the manager holds threads: libvirt's cputune. */
struct vm_pin {
	const char *what;  /* "vcpu 0", "emulator", "iothread 1", "scheduler vcpus 0-3" */
	const char *value; /* a cpulist, or "fifo:1" */
};

/* What changes at the next start; value NULL: the key is deleted. */
struct vm_pending {
	const char *key, *value;
};

/* One source's word for something. */
struct vm_said {
	const char *source, *value;
};

/* What two sources say differently: "memory", 4096 MiB by one and 2048 MiB by the other. */
struct vm_disagreement {
	const char *what;
	struct vm_said said[2];
};

struct vm_config {
	const char *source; /* the file, or "command line", "libvirt" */
	const char *name;

	int sockets, cores, threads; /* of the next larger part, as the guest sees them */
	int vcpus;                   /* present */
	int max_vcpus;               /* with those that can be plugged in */
	const char *cpu;             /* model; NULL: the default */

	uint64_t memory_mib;
	bool has_numa;
	LIST(struct vm_node) nodes; /* where has_numa and they were spelt out */
	int64_t hugepages_kib;      /* page size, or HUGEPAGES_… */
	const char *mem_path;       /* as of a node, where there are none */
	bool keeps_hugepages;       /* they stay reserved when the VM stops */
	bool is_memory_locked;
	bool has_balloon;
	uint64_t balloon_mib; /* 0: not given */

	LIST(const char *) iothreads; /* ids */
	LIST(struct vm_disk) disks;
	LIST(struct vm_net) nets;
	LIST(struct vm_pci) pci;
	LIST(const char *) peers; /* where other processes serve it, or it them */
	const char *scsihw;

	/* What only a manager knows. */
	const char *affinity;               /* as it is written; NULL: none */
	const struct cpuset *affinity_cpus; /* NULL: none, or it is no cpulist */
	int cpuunits;                       /* 0: default */
	double cpulimit;                    /* CPUs; 0: none */
	const char *hookscript, *args, *lock;
	const char *numa_mode, *numa_nodes; /* where all of its memory is bound to; NULL: nowhere */
	LIST(const char *) tags;
	LIST(struct vm_pin) pins;
	LIST(struct vm_pending) pending;
	const char *description;

	LIST(const char *) notes; /* what made no sense, or will not start again */
	LIST(struct vm_disagreement) disagreements;
};

/* "01:00.0", "0000:01:00" → with domain, lower case, function kept as it is; NULL when it is no
 * PCI address. */
const char *pci_address(struct arena *a, const char *text);
/* The last PCI address in the path of a device, or NULL:
 * "/sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/UUID" → "0000:3b:00.0" */
const char *pci_address_in(struct arena *a, const char *path);
/* True when the address, with or without function, covers the whole one. */
bool pci_covers(const char *address, const char *whole);

/* Adds a disagreement. */
void vm_config_disagree(struct arena *a, struct vm_config *c, const char *what,
	const struct vm_said *one, const struct vm_said *other);
/* Adds all in which 'from' says something else than 'to', where both say something. How many vCPUs
 * are present changes while a VM runs: see vm_threads(). */
void vm_config_differ(struct arena *a, struct vm_config *to, const struct vm_config *from);
/* Adds to a configuration what another source of the same VM knows, and the first does not: 'from'
 * is the command line, which has what the manager left to QEMU or to itself. Nothing is dropped;
 * where both know, the first is taken: see vm_config_differ(). */
void vm_config_merge(struct arena *a, struct vm_config *to, const struct vm_config *from);
/* One page size for all of the memory, if all guest nodes have one. */
void vm_config_settle_pages(struct vm_config *c);
