/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a snapshot costs: snapshot ROOT hwloc | PARTS. Prints the CPU time in µs of one load of the
 * topology by hwloc alone, or of one snapshot with those parts (a number), and the peak memory of
 * the process in KiB. One run per process: peaks and caches are its own.
 */
#include <hwloc.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/str.h"
#include "cpu.h"
#include "host/host.h"
#include "model/snapshot.h"

/* As src/model/topo.c loads it. */
static int load_hwloc(const char *root)
{
	hwloc_topology_t t;
	if (hwloc_topology_init(&t) < 0)
		return -1;
	hwloc_topology_set_flags(t, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	hwloc_topology_set_components(t, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
	if (!streq(root, "/"))
		setenv("HWLOC_FSROOT", root, 1);
	int r = hwloc_topology_load(t);
	hwloc_topology_destroy(t);
	return r;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct rusage usage;
	int parts = 0;
	if (argc != 3 || (!streq(argv[2], "hwloc") && str_to_int(argv[2], &parts) < 0))
		return 2;
	long start = cpu_us();
	if (streq(argv[2], "hwloc")) {
		if (load_hwloc(argv[1]) < 0)
			return 1;
	} else {
		AUTO_HOST struct host *h = NULL;
		AUTO_SNAPSHOT struct snapshot *s = NULL;
		if (host_open(&h, argv[1], &e) < 0 ||
			snapshot_read(h, (unsigned int)parts, &s, &e) < 0) {
			fprintf(stderr, "%s\n", e.text);
			return 1;
		}
	}
	long us = cpu_us() - start;
	getrusage(RUSAGE_SELF, &usage);
	printf("%ld %ld\n", us, usage.ru_maxrss);
	return 0;
}
