/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a host's topology files come to, in a small form of our own: what hwloc makes of a live
 * machine or a tree, and what a recording keeps of it. A line each:
 *
 *	cpus 0-23		CPUs that there are
 *	usable 0-23		those of them that hwloc takes for usable
 *	core 0,12		CPUs of a core, of a die, a cluster, a socket
 *	l3 32768 0-5,12-17	KiB of a cache, and its CPUs; l2 likewise
 *	node 1 65849216 6-11	number of a NUMA node, KiB of its memory, CPUs local to it (or none)
 *	distance 0 21 1-3	from a node, as the firmware has it, and the nodes that are so far
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/err.h"

enum topology_type {
	TOPOLOGY_CPUS,
	TOPOLOGY_USABLE,
	TOPOLOGY_CORE,
	TOPOLOGY_DIE,
	TOPOLOGY_CLUSTER,
	TOPOLOGY_SOCKET,
	TOPOLOGY_L2,
	TOPOLOGY_L3,
	TOPOLOGY_NODE,
	TOPOLOGY_DISTANCE,
	N_TOPOLOGY_TYPES,
};

struct topology_part {
	int number;         /* of a node */
	uint64_t kib;       /* of a cache or a node; or the distance */
	struct cpuset cpus; /* or nodes */
};

struct topology_parts {
	struct topology_part *v;
	size_t n, room;
};

struct topology {
	struct topology_parts parts[N_TOPOLOGY_TYPES];
};

/* Takes the text apart. Returns 0, or -EINVAL with the line that is none: parts of a type have
 * CPUs, each CPU is in one of them at most; nodes only are without CPUs, or share them. */
int topology_parse(const char *text, struct topology *ret, struct err *e) MUST_CHECK;
void topology_done(struct topology *t);

/* Appends a line. */
void topology_add(struct strbuf *text, enum topology_type type, const struct topology_part *p);
