/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that a seed decides, for made-up hosts: xorshift64. */
#pragma once

#include <stdint.h>

/* The seed; not 0. */
static uint64_t rng;

/* 0 to n - 1 */
static int pick(int n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (int)((rng >> 11) % (uint64_t)n);
}
