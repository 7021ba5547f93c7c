/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's counters at one moment, and rates: how much they grew between two such moments.
 *
 * What check needs an interval for: per-CPU time, interrupts, softirqs, how long threads ran and
 * waited, pressure and quota of groups, disks, and the frequency at the end of it.
 */
#pragma once

#include "base/alloc.h"
#include "base/cpuset.h"
#include "kernel/counts.h"
#include "kernel/cpu-quota.h"
#include "kernel/cpu-times.h"
#include "kernel/disks.h"
#include "kernel/pressure.h"
#include "kernel/task-sched.h"
#include "kernel/txgs.h"

struct host;

/* A thread to read: /proc/PID/task/TID. start: field 22 of its stat, which tells it from a later
 * one of that number. */
struct reading_thread {
	int pid, tid;
	uint64_t start;
};

/* What to read beside what is the host's. Lists are the caller's. */
struct reading_list {
	const struct reading_thread *threads; /* by tid */
	size_t n_threads;
	const char *const *groups; /* cgroups, paths below the mount */
	size_t n_groups;
	const char *cgroup_mount; /* NULL: no cgroup v2 */
	struct cpuset freq_cpus;  /* CPUs whose frequency is wanted */
	struct cpuset heat_cpus;  /* CPUs that count how often heat slowed them down */
	/* There is no second reading to compare with: only what says something by itself, groups.
	 */
	bool is_single;
};

struct thread_reading {
	bool is_there; /* in the later of two readings: the one of the list, or it stood still */
	int last_cpu;  /* likewise; -1: it stood still */
	struct schedstat sched;
};

struct group_reading {
	bool has_max, has_stat, has_cpu, has_io, has_memory;
	struct cpu_max max;
	struct cpu_stat stat;
	struct pressure cpu, io, memory;
};

struct pool_reading {
	const char *name;
	struct txgs txgs;
};

/* A processor package that has a power limit (Documentation/power/powercap/powercap.rst). */
struct package_reading {
	const char *dir, *name;      /* "intel-rapl:0", "package-0" */
	int64_t energy_uj, range_uj; /* used, and where that begins anew at 0 */
	int64_t limit_uw, most_uw; /* in the long run, and what the hardware would allow; ABSENT */
};

/* Times that heat slowed down a CPU, for its core and its package, since boot; ABSENT. */
struct heat_reading {
	int64_t core, package;
};

struct reading {
	struct arena arena;
	uint64_t clock_ns;
	struct thread_reading *threads; /* as in the list, as below */
	struct group_reading *groups;
	struct group_reading host;               /* of /proc/pressure; no stat */
	struct count_table interrupts, softirqs; /* no columns: not readable */
	struct cpu_times times;
	struct disks disks;
	struct package_reading *packages; /* those whose figures are all there */
	size_t n_packages;
	struct pool_reading *pools; /* of ZFS */
	size_t n_pools;
	const char *bios, *microcode; /* versions; NULL: not told */
	const char *release;          /* of the kernel, "6.12.48-amd64"; likewise */
	int64_t *khz;                 /* by CPU of freq_cpus in order; ABSENT */
	size_t n_khz;
	struct heat_reading *heat; /* by CPU of heat_cpus in order */
	size_t n_heat;
};

/* Reads them all; what cannot be read is absent. before: the reading that this one will be compared
 * with, or NULL. To be freed with reading_done(). */
void reading_take(struct host *h, const struct reading_list *l, const struct reading *before,
	struct reading *ret);
void reading_done(struct reading *r);
#define AUTO_READING CLEANUP(reading_done)

/* Shares of the CPU's time within the window, 0 … 1. */
struct cpu_rate {
	int cpu;
	double user, system, irq, softirq, steal, idle; /* user: with nice and guests; idle: with
							 * iowait */
};

struct thread_rate {
	int tid;
	bool is_known;
	double run, wait; /* shares of the window: it ran; it wanted to run and could not */
	int last_cpu;     /* at its end; -1: as before, it stood still */
};

/* Shares of the window, but throttled: of the periods of a quota. Negative: not known. */
struct group_rate {
	const char *path;
	double cpu_some, io_some, io_full, memory_some, throttled;
	uint64_t throttled_us;
};

struct disk_rate {
	const char *name;
	double busy;       /* share of the window */
	double requests_s; /* that ended */
	double await_ms;   /* how long each took on average; 0: there were none */
};

struct package_rate {
	const char *dir, *name;
	double watts, limit_w, most_w; /* most_w: 0 where it is not known */
};

struct rates {
	struct arena arena;
	double window_s;
	struct cpu_rate *cpus; /* those whose time is known; see rates_cpu() */
	size_t n_cpus;
	int *cpu_index;              /* CPUSET_MAX of them */
	struct thread_rate *threads; /* as in the list */
	size_t n_threads;
	struct group_rate *groups;
	size_t n_groups;
	struct group_rate host;
	struct count_table interrupts, softirqs; /* how much they grew */
	struct disk_rate *disks;
	size_t n_disks;
	struct package_rate *packages;
	size_t n_packages;
	struct cpuset freq_cpus;
	int64_t *khz; /* the higher of both readings */
	size_t n_khz;
	struct cpuset heat_cpus, hot_cpus; /* whose count is known; those that heat slowed down */
	int64_t hot_times;                 /* how often the one that it slowed down most */
};

/* How much 'after' is beyond 'before'; both are of the same list. NULL where no time passed. The
 * texts are its own. */
struct rates *rates_of(const struct reading_list *l, const struct reading *before,
	const struct reading *after) MUST_CHECK;
void rates_free(struct rates *r);
DEFINE_CLEANUP(struct rates, rates_free)
#define AUTO_RATES CLEANUP(rates_freep)

/* NULL where they are not known. */
const struct cpu_rate *rates_cpu(const struct rates *r, int cpu);
const struct group_rate *rates_group(const struct rates *r, const char *path);
/* kHz, or ABSENT. */
int64_t rates_khz(const struct rates *r, int cpu);

/* ---- parts of the above, in files of their own ---- */

void reading_take_pools(struct host *h, struct reading *r);
void reading_take_packages(struct host *h, struct reading *r);
void rates_add_packages(struct rates *r, const struct reading *before, const struct reading *after);
void reading_take_heat(struct host *h, const struct cpuset *cpus, struct reading *r);
void rates_add_heat(struct rates *r, const struct cpuset *cpus, const struct reading *before,
	const struct reading *after);
