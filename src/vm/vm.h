/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who the VMs are, and what each of their threads is for.
 *
 * A VM is found once, whatever sees it. The facts come from the process (its command line and
 * threads) and, where a monitor answers in time, from QMP, which alone knows for sure which thread
 * is which vCPU or I/O thread.
 */
#pragma once

#include <stdint.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/err.h"

struct host;
struct snapshot;
struct vm_config;
struct vm_memory;

enum thread_role {
	ROLE_VCPU,
	ROLE_EMULATOR, /* the main loop */
	ROLE_IOTHREAD,
	ROLE_VHOST,  /* vhost-PID workers */
	ROLE_WORKER, /* thread pool, vnc, call_rcu, io_uring, migration, … */
	ROLE_KVM,    /* kernel threads that serve this VM: kvm-pit/PID, kvm-nx-lpage-recovery */
	ROLE_HELPER, /* processes that serve one VM: virtiofsd, swtpm, passt, vhost-user back ends
		      */
	N_ROLES,
};

struct vm_thread {
	int tid;
	uint64_t start;  /* with tid an identity, see struct task */
	bool is_kthread; /* not a thread of the VM's process */
	int pid;         /* the process that it is of */
	enum thread_role role;
	int index;      /* vCPU number; -1 for other roles */
	const char *id; /* the I/O thread's id in QEMU; NULL when unknown or another role */
	const char *comm;
	const struct cpuset *allowed;
	int cpu;            /* where it last ran */
	const char *cgroup; /* NULL without cgroup v2 */
	const char *policy; /* "other", "fifo", … */
	int priority;       /* 1 … 99 with "fifo" and "rr", else 0 */
	int nice;
	/* Since it was started; see vm_read_times(). */
	bool has_times;
	uint64_t run_ns, wait_ns;
	/* Where the guest sees this vCPU, -1 when unknown. */
	int guest_socket, guest_core, guest_thread;
};

/* An interrupt of a device that was passed through. */
struct vm_irq {
	int irq, vector;
	const char *kind;              /* "msix", "msi", "intx" */
	const struct cpuset *affinity; /* NULL: unknown */
};

/* A device that was passed through, or a part of one. */
struct vm_device {
	const char *kind;    /* "pci", "mdev", "nvme", "vfio-user", "vdpa" */
	const char *address; /* "0000:0b:00.0", of an mdev its parent's; NULL: unknown, or none */
	const char *part;    /* of an mdev its UUID, of vfio-user the socket; or NULL */
	const char *driver;  /* the host's, "vfio-pci"; NULL: none, or unknown */
	const char *id, *mapping; /* in the VM's config; NULL: it has none */
	int node;                 /* -1: unknown */
	struct vm_irq *irqs;
	size_t n_irqs;
};

struct vm {
	const char *id;          /* what users call it: VMID, else name, else the pid */
	const char *name, *uuid; /* NULL when it has none */
	const char *manager;     /* "qemu", "proxmox", "libvirt" */
	bool is_managed;         /* by proof of its manager it is who id, name and uuid say */
	int uid;                 /* who runs it; -1: unknown */
	const char *user;        /* the name, or the number where it has none; NULL: unknown */
	bool is_in_container;    /* in a PID namespace of its own */
	bool is_for_backup;      /* it was started for a backup, and its guest does not run */
	const char *accel;       /* "kvm", "tcg", …; NULL: unknown */
	int pid;
	uint64_t start;
	int n_vcpus;               /* 0: unknown */
	int guest_threads;         /* SMT threads per guest core, 1 when unknown */
	const char *cgroup;        /* path below the cgroup v2 mount, NULL without one */
	const char *memory_nodes;  /* all that its group lets it have memory of (cpuset.mems); NULL:
				      it says nothing */
	struct vm_thread *threads; /* by role, then index, then tid */
	size_t n_threads;
	struct vm_thread *helpers; /* threads of processes that serve it alone; id: the process */
	size_t n_helpers;
	const struct vm_config *config; /* never NULL where vms_find() made it; see vm/config.h */
	const struct vm_config *line;   /* by its command line alone: with what it was started,
					 * whatever its manager's files say since; or NULL */
	const struct vm_memory *memory; /* where it is, see vm/memory.h; NULL: nobody has asked */
	struct vm_device *devices;
	size_t n_devices;
	bool is_starting;        /* or no machine: see VM_WITHOUT_VCPU */
	const char *how_to_tell; /* what people can do where no thread is known to be a vCPU, else
				    NULL */
	const char *why_unasked; /* why its monitor was not asked in time; NULL: that is not why
				  * something is unknown */
	const char **notes;      /* what could not be found out, and why */
	size_t n_notes;
};

/* What it was started with, else what its manager's files say, which may have been edited since; 0:
 * not known. Memory that was plugged in is not counted. */
uint64_t vm_memory_mib(const struct vm *vm);

struct vms {
	struct arena arena;
	struct vm *vms; /* by id (numbers by value) */
	size_t n_vms;
	const char **notes; /* what else may be a VM, and why it is not here */
	size_t n_notes;
	const char
		*unseen; /* why there may be VMs that nobody sees from here; NULL: all are seen */
};

/* Finds all VMs of the host. The snapshot needs SNAPSHOT_TASKS and SNAPSHOT_CGROUPS. A VM that
 * disappears meanwhile is left out. The caller frees with vms_free(), and before the snapshot:
 * threads point into it. */
int vms_find(struct host *h, const struct snapshot *s, struct vms **ret, struct err *e) MUST_CHECK;
/* The same, but asks no other monitors than those of VMs that the caller needs them of: their id,
 * name, UUID, pid, user and config are known. A monitor takes time, and it is anybody's. */
typedef bool vm_about_fn(const void *context, const struct vm *vm);
int vms_find_about(struct host *h, const struct snapshot *s, vm_about_fn *is_about,
	const void *context, struct vms **ret, struct err *e) MUST_CHECK;
void vms_free(struct vms *v);
DEFINE_CLEANUP(struct vms, vms_free)
#define AUTO_VMS CLEANUP(vms_freep)

/* What there is to say of a VM of which no thread can be a vCPU: QEMU makes them last. */
#define VM_WITHOUT_VCPU "none of its threads can be a vCPU: it may still be starting"

/* Of the threads of one VM: QEMU without debug-threads names no thread, and its vCPUs are called
 * like the program. */
bool vm_thread_may_be_vcpu(const struct vm_thread *v, size_t n, const struct vm_thread *t);

/* Reads how long each thread ran and waited for a CPU. */
void vm_read_times(struct host *h, struct vm *vm);

/* The first VM whose id, name or uuid matches the glob, or NULL. What users write is looked up by
 * vm/lookup.h. */
const struct vm *vms_lookup(const struct vms *v, const char *glob);
/* True when id, name or uuid is the word, or matches it as a glob. */
bool vm_matches(const struct vm *vm, const char *glob);
/* What people read: "100 (db01)", or the id alone where the name says no more. The caller frees. */
char *vm_label(const char *id, const char *name) MUST_CHECK;
const char *thread_role_name(enum thread_role role);
