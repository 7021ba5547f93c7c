/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -smp of QEMU's command line. */
#pragma once

/* The guest's topology as -smp gives it, gaps filled as the machine's version does. All 0: unknown.
 */
struct qemu_smp {
	int cpus;    /* present at the start */
	int max;     /* with those that can be plugged in */
	int sockets; /* with those of all drawers and books */
	int cores;   /* per socket: cores of all its dies, clusters and modules */
	int dies;    /* per socket, each with clusters and modules */
	int threads; /* per core */
};

enum smp_key {
	SMP_CPUS,
	SMP_MAXCPUS,
	SMP_DRAWERS,
	SMP_BOOKS,
	SMP_SOCKETS,
	SMP_DIES,
	SMP_CLUSTERS,
	SMP_MODULES,
	SMP_CORES,
	SMP_THREADS,
	N_SMP_KEYS,
};

enum { SMP_MAX = 8192 };

/* By key: its word. */
extern const char *const qemu_smp_keys[N_SMP_KEYS];

/* given: by key, 0 where it is not given; machine: the value of -machine, or NULL. */
struct qemu_smp qemu_smp_resolve(const int *given, const char *machine);
