/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may run where on a made-up host, by plain reads: nothing of the program's own is asked, but
 * what it said, as JSON.
 */
#pragma once

#include <jansson.h>

#include "base/alloc.h"

struct machine;

/* Is what "status --json" says of every VM in force so? A text with a line for each thing that is
 * not (malloc'ed; NULL: all is so): the VM lives, each of its vCPUs is where it is said to be, and
 * from "fenced" on nobody else may run on its CPUs, but who cannot be moved. */
char *who_contradicts(const struct machine *m, const json_t *status) MUST_CHECK;
