/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two saved measures side by side; pure.
 *
 * Everything is compared as a share or a rate, so that windows of different length do not matter.
 * Each figure is an object {before, after, ratio, change}: ratio is after / before, null when
 * before is 0 or one of them is unknown; change says it in words, "38x less", ">1000x less".
 */
#pragma once

#include <jansson.h>

#include "base/err.h"

/* The keys of "wideberth.compare/1", without the schema: before, after (window_ns, source,
 * coverage, host_steal), vms[] {vm, name, stolen, wait, wait_share, interrupts_per_cpu_s, …,
 * vcpus[]}, only_before[], only_after[], warnings[]. Returns 0, or -EINVAL when one of the two is
 * not a saved measure. The caller frees *ret with json_decref(). */
int compare_json(const json_t *before, const json_t *after, json_t **ret, struct err *e) MUST_CHECK;

/* How people call a VM of a saved measure; see vm_label(). The caller frees. */
char *compare_label(const json_t *vm) MUST_CHECK;
