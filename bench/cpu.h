/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CPU time that this process has used, in µs. */
#pragma once

#include <time.h>

static inline long cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
