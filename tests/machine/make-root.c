/* SPDX-License-Identifier: GPL-2.0-or-later */
/* make-root DIR [6.12|7.0|6.1|"no systemd"]: the machine of root.h, to try things on by hand. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/str.h"
#include "root.h"

int main(int argc, char **argv)
{
	for (int kind = 0; argc > 1 && *argv[1] != '-' && kind < N_ROOTS; kind++) {
		if (!streq(argc > 2 ? argv[2] : root_names[ROOT_6_12], root_names[kind]))
			continue;
		mkdir(argv[1], 0755);
		make_root(argv[1], (enum root_kind)kind);
		return 0;
	}
	fprintf(stderr, "usage: make-root DIR [KERNEL]\n");
	return 2;
}
