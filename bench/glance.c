/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For bench/glance: glance ROOT N looks at a host N times as the daemon does in a sweep. Prints the
 * settings in force, and for each glance its CPU time in µs.
 */
#include <stdio.h>

#include "base/str.h"
#include "daemon/internal.h"
#include "cpu.h"
#include "host/host.h"

int main(int argc, char **argv)
{
	struct err e = { 0 };
	AUTO_HOST struct host *h = NULL;
	int n = 0;
	if (argc != 3 || str_to_int(argv[2], &n) < 0)
		return 2;
	struct daemon d = { 0 };
	if (host_open(&h, argv[1], &e) < 0 || ledger_read(h, &d.ledger, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	d.h = h;
	printf("%zu settings\n", d.ledger->entries.n);
	while (n-- > 0) {
		long start = cpu_us();
		glance(&d);
		printf("%ld\n", cpu_us() - start);
	}
	ledger_freep(&d.ledger);
	return 0;
}
