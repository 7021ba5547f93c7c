/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share; not for others. */
#pragma once

#include "measure/measure.h"
#include "measure/sample.h"
#include "measure/witness.h"

/* What a measure is made from, and the measure in the making. */
struct accounting {
	const struct vms *vms;
	const struct sample *before, *after;
	const struct witness *witness;
	struct measure *m;
	struct count_table interrupts, softirqs; /* how much each row grew */
};

void measure_note(struct measure *m, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Who else was seen on the VM's CPUs. */
void account_foreign(const struct accounting *acc, const struct vm *vm, struct measured_vm *v);

static inline size_t measure_n_selected(const struct measure_options *o)
{
	return o->selected ? o->n_selected : o->vms->n_vms;
}

static inline const struct vm *measure_selected(const struct measure_options *o, size_t i)
{
	return o->selected ? o->selected[i] : &o->vms->vms[i];
}
