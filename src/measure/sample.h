/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of the VMs' threads and of the CPUs at one moment: a measure is the difference of
 * two such samples.
 */
#pragma once

#include "base/alloc.h"
#include "host/host.h"
#include "kernel/counts.h"
#include "kernel/cpu-times.h"
#include "kernel/task-sched.h"

/* One thread to read. pid is the directory that has it: /proc/PID/task/TID. */
struct target {
	int pid, tid;
	uint64_t start;
};

struct switches {
	uint64_t voluntary, involuntary; /* it slept; somebody else got its CPU */
};

/* What could be read of a thread. Absent is not zero: each figure has its flag. */
struct thread_sample {
	bool is_there; /* the thread of this tid and start time exists */
	bool has_schedstat, has_switches, has_migrations;
	bool is_runnable;
	int last_cpu;
	struct schedstat sched;
	struct switches switches;
	uint64_t migrations;
};

struct sample {
	struct arena arena;
	uint64_t clock_ns;
	struct thread_sample *threads; /* as the targets */
	size_t n_threads;
	struct count_table interrupts, softirqs; /* no columns: not readable */
	struct cpu_times times;
	bool has_own;
	uint64_t own_run_ns; /* CPU time of this process so far: the cost of measuring */
};

/* Finds the directory of each thread: a kernel thread that serves a VM is not in the VM's own. */
void targets_resolve(struct host *h, struct target *targets, size_t n_targets);

/* Reads them all. What cannot be read is absent. The caller frees with sample_done(). */
void sample_read(
	struct host *h, const struct target *targets, size_t n_targets, struct sample *ret);
void sample_done(struct sample *s);
#define AUTO_SAMPLE CLEANUP(sample_done)
