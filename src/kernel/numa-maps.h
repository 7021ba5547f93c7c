/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where memory is: /proc/PID/numa_maps (Documentation/filesystems/proc.rst, 1.13) and a cgroup's
 * memory.numa_stat (Documentation/admin-guide/cgroup-v2.rst). */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena;

struct numa_pages {
	int node;
	uint64_t page_kib; /* 0: not known */
	uint64_t kib;
};

struct numa_memory {
	struct numa_pages *v; /* each node and page size once, by node, then by size */
	size_t n;
	const char *policy; /* of most of it, "bind:0"; NULL: not known */
};

/*
 *	7f4340000000 bind:1 anon=262144 dirty=262144 active=0 N0=1024 N1=261120 kernelpagesize_kB=4
 *	7f4400000000 default file=/run/hugepages/kvm/2048kB/x huge dirty=512 N0=512
 *	kernelpagesize_kB=2048
 *
 * (the second is one line). N0= counts pages of that size; transparent huge pages are counted as
 * small ones. Only what can be a guest's memory is counted: anonymous, of hugetlbfs, of a memfd or
 * of /dev/shm. In the arena.
 */
void numa_maps_parse(struct arena *a, const char *text, struct numa_memory *ret);

/* "anon N0=4096 N1=0", "shmem N0=…", in bytes. In the arena; there is no policy. */
void numa_stat_parse(struct arena *a, const char *text, struct numa_memory *ret);
