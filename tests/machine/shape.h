/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The topology of a machine that nobody has, with two faces: the files of /sys below a directory,
 * and the structures that the program makes of them.
 */
#pragma once

#include <stdbool.h>

#include "base/alloc.h"
#include "base/cpuset.h"

/* Each number is per the one before; sets that are zero are left out. */
struct shape {
	int sockets, nodes, l3s, cores, threads; /* l3s 0: no L3 */
	bool is_interleaved; /* siblings are numbered n and n + cores, not n and n + 1 */

	/* what is odd */
	bool has_no_l3;      /* the cores are grouped as if there were */
	int small, tiny;     /* E cores beside the last L3's, low-power ones outside of it */
	int small_l3s;       /* of each node the last so many L3s have a third of the size */
	int gap;             /* CPU numbers left out before the second half */
	int memory_nodes;    /* nodes without CPUs */
	const char *offline; /* list, or NULL */

	/* of the files only */
	int l3_kib, mem_mib;     /* per L3, per node */
	int no_memory;           /* this node has none; -1: all have */
	bool has_no_caches;      /* no files of caches at all */
	bool has_private_caches; /* each thread has its own, as emulated CPUs have */
	bool is_lean;            /* of the caches only the L3, no frequencies, no huge pages */
};

enum shape_kind { SHAPE_BIG, SHAPE_SMALL, SHAPE_TINY, N_SHAPE_KINDS };

struct shape_cpu {
	int nr, core, core_id, l3, node, socket; /* core_id: in its socket; l3 -1: none */
	enum shape_kind kind;
	bool is_online;
};

/* Which CPU is where. */
struct shape_layout {
	struct shape shape;
	ARRAY(struct shape_cpu) cpus; /* by number */
	int n_nodes, n_l3s, n_cores;  /* nodes with CPUs */
	struct cpuset online, present;
	struct cpuset *of_node, *of_socket, *of_l3, *of_core; /* online ones */
	struct cpuset of_kind[N_SHAPE_KINDS];
};

void shape_lay_out(struct shape_layout *ret, const struct shape *shape);
void shape_done(struct shape_layout *l);

/* Writes /sys/devices/system/{cpu,node}, /proc/{cpuinfo,stat,meminfo}. */
void shape_put(const struct shape_layout *l, const char *dir);
