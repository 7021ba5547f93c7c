/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interference, per vCPU, over a window of time; from /proc alone.
 *
 * A vCPU thread that is runnable and has no CPU waits: somebody else has its CPU. The scheduler
 * counts that wait for every thread (schedstat; it is what KVM tells the guest as steal time).
 *
 *	stolen = wait / (wait + run)	the share of the time it wanted to run and could not
 *
 * What /proc cannot tell, and is null in JSON: time stolen in place by interrupts (only their
 * number is known), how long single waits were, and who caused which wait. Who else ran on the
 * VM's CPUs is known by sight only; see witness.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/err.h"
#include "vm/vm.h"

struct host;
struct sample;
struct witness;

/* A number that may be absent: JSON null. */
struct maybe {
	bool is_known;
	double value;
};

struct measured_thread {
	int tid;
	enum thread_role role;
	int index;                /* vCPU number, -1 for other roles */
	const char *id, *comm;    /* id: NULL when it has none */
	struct cpuset cpus;       /* where it is allowed */
	struct cpuset seen_cpus;  /* where it was seen running */
	bool was_there;           /* from the first sample to the last; else all below is unknown */
	bool was_always_runnable; /* it did not sleep within the window */
	struct maybe run_ns, wait_ns, stolen;
	struct maybe preemptions, migrations;
	struct maybe interrupts_per_cpu_s; /* of all kinds, on the CPUs where it is allowed */
};

/* A line of /proc/interrupts or /proc/softirqs that grew. */
struct measured_count {
	const char *name, *label; /* "36" "virtio1-req.0", "LOC" "Local timer interrupts" */
	bool is_device;
	uint64_t count;
};
struct measured_counts {
	struct measured_count *v; /* most first */
	size_t n;
};

/* Somebody else's thread that ran on the VM's CPUs; see witness.h for what that means. */
struct foreign {
	int pid, tid;
	/* own-emulator, own-iothread, own-vhost, own-worker, own-kvm, vm, process, kworker,
	 * kthread, self (this program) */
	const char *class;
	const char *comm;
	const char *owner;       /* a VM's id, a process's cgroup, a kworker's function; or NULL */
	struct cpuset seen_cpus; /* of the VM's CPUs */
	uint64_t run_ns;      /* in the window, wherever it ran: the most it can have taken here */
	unsigned int n_looks; /* looks that found it had run */
};

struct measured_vm {
	const char *id, *name, *label; /* name: may be NULL; label: see vm_label() */
	struct cpuset cpus;            /* where its vCPUs are allowed, or were seen */
	struct maybe stolen;           /* sum of wait / sum of (wait + run) over the vCPUs */
	int worst_vcpu; /* most stolen of those that wanted 1 % of the window; -1: none */
	struct measured_thread *threads; /* vCPUs first */
	size_t n_vcpus, n_threads;
	struct maybe others_ns; /* busy time of its CPUs, by ticks, less its own threads'; unknown
				   where ticks are missing */
	struct maybe interrupts_per_cpu_s, device_interrupts_per_cpu_s;
	struct measured_counts interrupts, softirqs; /* on all its CPUs */
	struct foreign *foreign;                     /* most run time first */
	size_t n_foreign;
};

struct measured_cpu {
	int cpu;
	struct maybe busy_ns, irq_ns, softirq_ns, steal_ns; /* /proc/stat: sampled by the tick */
	struct measured_counts interrupts, softirqs;
};

struct measure {
	struct arena arena;
	uint64_t window_ns;
	const char *source; /* "procfs" */
	/* (run + wait) / window of the vCPUs that never slept: how much of the clock the
	 * scheduler's figures explain. Unknown when all slept. */
	struct maybe coverage;
	struct maybe host_steal; /* share of this host's own CPU time taken by its hypervisor */
	bool is_absolute;        /* host_steal is known and at most 1 % */
	struct maybe cost_ns;    /* CPU time that measuring took */
	uint64_t n_looks;
	struct measured_vm *vms;
	size_t n_vms;
	struct measured_cpu *cpus; /* of all the VMs */
	size_t n_cpus;
	const char **notes; /* for people: what changed within the window, what could not be read */
	size_t n_notes;
};

typedef void measure_progress_fn(void *context, uint64_t done_ns, uint64_t window_ns);

struct measure_options {
	const struct vms *vms; /* all VMs of the host: they are named where they are in the way */
	const struct vm *const *selected; /* of these; NULL: measure all */
	size_t n_selected;
	uint64_t window_ns;
	measure_progress_fn *progress; /* after each look; may be NULL */
	void *context;
};

/* Waits for the window to pass and returns what happened in it; the caller frees. Fails when there
 * is nothing to measure, when no VM lived to the end, and on a dump, where no time passes. */
int measure_run(struct host *h, const struct measure_options *o, struct measure **ret,
	struct err *e) MUST_CHECK;
void measure_free(struct measure *m);
DEFINE_CLEANUP(struct measure, measure_free)
#define AUTO_MEASURE CLEANUP(measure_freep)

/* The pure part: two samples of the threads of all selected VMs, in order, and the looks between.
 */
struct measure *measure_account(const struct measure_options *o, const struct sample *before,
	const struct sample *after, const struct witness *w) MUST_CHECK;
