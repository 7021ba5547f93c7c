/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/cgroup and /proc/PID/task/TID/cgroup (Documentation/admin-guide/cgroup-v2.rst,
 * "Processes"). */
#pragma once

#include "base/attr.h"

/*
 * The path in the unified hierarchy, below the mount, malloc'ed: "" is the root.
 *
 *	12:cpuset:/machine
 *	0::/qemu.slice/100.scope
 *
 * Lines with a number are of hierarchies of version 1. NULL where there is no unified hierarchy,
 * and for a group outside of what this namespace sees ("0::/../x"). A group that is removed while
 * a process is left has " (deleted)" at its end, and is found nowhere.
 */
char *task_cgroup_parse(const char *text) MUST_CHECK;
