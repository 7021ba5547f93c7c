/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's one-line description of a thread. */
#pragma once

#include "base/attr.h"
#include "model/snapshot.h"

/* "/proc/PID/stat" to a task (tid, comm, ppid, flags, n_threads, start, last_cpu); comm is cut out
 * of 'text', which is changed. Returns -EINVAL when the text is not such a line. */
int task_parse_stat(char *text, struct task *ret) MUST_CHECK;

/* The path in a text like /proc/PID/cgroup, or NULL without the unified hierarchy; the text is
 * changed. */
char *cgroup_parse(char *text);
