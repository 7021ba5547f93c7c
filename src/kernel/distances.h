/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far memory is: /sys/devices/system/node/nodeN/distance
 * (Documentation/ABI/stable/sysfs-devices-node, admin-guide/mm/numaperf.rst). */
#pragma once

#include <stddef.h>

#include "base/attr.h"

struct arena;

/* "10 21 17": from this node to each that is online, by number, the own being 10. In the arena.
 * Returns 0, or -EINVAL for what is no line of numbers. */
int distances_parse(struct arena *a, const char *text, int **ret, size_t *ret_n) MUST_CHECK;
