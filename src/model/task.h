/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A single thread of the host, asked about now: the snapshot has all of them, as they were. */
#pragma once

#include <stdint.h>

#include "base/attr.h"

struct host;

/* Is the thread (or process) that started then still there? 0: yes; TASK_ENDED: no, or another has
 * its number by now; a negative errno: it cannot be told. start: clock ticks since boot. */
enum { TASK_ENDED = 1 };
int task_check(struct host *h, int tid, uint64_t start) MUST_CHECK;
/* When it started; TASK_ENDED, or a negative errno. */
int task_start(struct host *h, int tid, uint64_t *ret) MUST_CHECK;
/* Now, as a thread's start; 0: not known. */
uint64_t task_now(struct host *h);
