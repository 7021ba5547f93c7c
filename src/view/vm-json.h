/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs as JSON: the members of vms[] in "wideberth vms --json". */
#pragma once

#include <jansson.h>

struct vm;
struct vm_memory;

json_t *vm_json(const struct vm *vm, const struct vm_memory *memory);
