/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's command line, /proc/cmdline (Documentation/admin-guide/kernel-parameters.rst). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct arena;

/* "isolcpus=managed_irq,domain,4-7" */
struct boot_param {
	const char *name, *value; /* value: "" where it has none, "*" where it is secret */
};

struct boot_params {
	struct boot_param *v;
	size_t n;
};

/* "root=/dev/sda1 dyndbg="file kvm.c +p" isolcpus=4-7 -- init's": split at blanks that are not in
 * double quotes; what stands behind "--" is init's. In the arena. */
void boot_params_parse(struct arena *a, const char *text, struct boot_params *ret);

/* The command line as a recording keeps it, malloc'ed: of parameters that are none of CPUs, memory,
 * interrupts, virtualisation and drivers values are "*", and so is what else stands there. They are
 * not shown either, or a recording would not replay to the same. */
char *boot_params_redact(const char *text, size_t *n) MUST_CHECK;

/* '-' and '_' are the same in a name. */
bool boot_param_is(const struct boot_param *p, const char *name);
/* The last value of the parameter, or NULL. */
const char *boot_param(const struct boot_params *p, const char *name);
