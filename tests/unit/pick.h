/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that a seed decides, one after another. */
#pragma once

#include "../machine/random.h"

/* The seed; not 0. */
static uint64_t rng;

/* 0 to n - 1 */
static int pick(int n)
{
	return (int)((random_next(&rng) >> 11) % (uint64_t)n);
}
