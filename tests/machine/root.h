/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine out of files: 24 CPUs on two sockets with SMT, interrupts, kernel threads, slices, and
 * two QEMU VMs: db01 (4 vCPUs, 2 I/O threads) in qemu.slice/100.scope, db02 (2 vCPUs, 1 I/O
 * thread) in qemu.slice/101.scope.
 */
#pragma once

enum root_kind {
	ROOT_6_12,  /* cpuset enabled nowhere, systemd, remote partitions */
	ROOT_7,     /* cpuset enabled by an AllowedCPUs of user.slice; lists can be emptied */
	ROOT_6_1,   /* no remote partitions; a thread's own mask is lost at each cpuset change */
	ROOT_PLAIN, /* as 6.12, without systemd and irqbalance */
	N_ROOTS,
};

extern const char *const root_names[N_ROOTS];

/* Fills a directory that exists; dies when it cannot. */
void make_root(const char *dir, enum root_kind kind);

/* The first thread numbers of the VMs; see root.c for the others. */
enum { DB01 = 3085, DB02 = 4085 };
