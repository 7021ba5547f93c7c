/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vms says of a VM. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/attr.h"

struct report;
struct vm;
struct vms;
struct vm_memory;

struct vm_detail {
	bool has_times;       /* how long each thread ran and waited is shown */
	bool is_memory_exact; /* numa_maps was asked */
};

/* Shows the VM; returns its member of vms[], which is the caller's. */
json_t *vm_report(const struct vm *vm, const struct vm_memory *memory, const struct vm_detail *d,
	struct report *r) MUST_CHECK;

/* What else may be a VM: text and "notes". */
void vms_report_notes(const struct vms *vms, struct report *r);
