/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a VM's memory really is. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cpuset.h"
#include "base/list.h"

struct host;
struct vms;
struct vm;

struct memory_pages {
	uint64_t page_kib, kib;
};

struct memory_node {
	int node;
	uint64_t kib;
	LIST(struct memory_pages) pages; /* by page size; empty where that is not known */
};

struct vm_memory {
	LIST(struct memory_node) nodes; /* that have some of it, by number */
	const char *source;             /* "numa_maps", "cgroup"; NULL: not known */
	const char *policy;             /* of most of it, "bind:0"; NULL: not known */
	const struct cpuset *mems_allowed;
	int64_t locked_kib, hugetlb_kib; /* -1: not known */
};

/*
 * Reads it; texts and lists live in the arena of 'v'.
 *
 * The cheap way: the counters that the kernel keeps per cgroup (memory.numa_stat; nothing to walk),
 * where the VM has a cgroup for itself and no huge pages, which are not counted there.
 * The exact way: /proc/PID/numa_maps, by page size. The kernel walks the page tables for it, with
 * the process's address space locked for reading: about 15 ms per GiB of 4 KiB pages, 0.2 ms
 * per GiB of transparent huge ones.
 */
void vm_memory_read(
	struct host *h, struct vms *v, const struct vm *vm, bool is_exact, struct vm_memory *ret);
