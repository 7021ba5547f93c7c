/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A placement as users read it: a member of plan's vms[] and of status' applied[]. */
#pragma once

#include <jansson.h>

#include "base/attr.h"

struct claims;
struct cpuset;
struct placement;
struct vm;

/* claims: of all that is in force with it; vm: its VM, NULL where that has ended. */
json_t *placement_json(
	const struct placement *p, const struct claims *claims, const struct vm *vm) MUST_CHECK;
/* Where threads go whose own CPUs (emulator_cpus, iothread_cpus) are these, or empty. */
struct cpuset placement_rest(
	const struct placement *p, const struct claims *claims, const struct cpuset *own);
struct explanation;
/* Place, runner-up, and the terms of both. */
json_t *explanation_json(const struct explanation *x) MUST_CHECK;
