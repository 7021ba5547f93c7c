/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VM's configuration as its QEMU command line has it. Pure: text in, facts out. */
#pragma once

#include <stddef.h>

#include "vm/config.h"
#include "vm/qemu-args.h"

/*
 * Puts what the command line says on top of 'config': lists grow, numbers are replaced. 'args' is
 * what qemu_args_parse() made of the same text. A line as "qm showcmd" prints it is taken too:
 *	/usr/bin/taskset --cpu-list --all-tasks 0,5 /usr/bin/kvm -id 100 …
 */
void qemu_config_add(struct arena *a, const char *cmdline, size_t len, const struct qemu_args *args,
	struct vm_config *config);
