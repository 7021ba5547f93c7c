/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that a seed decides, for made-up hosts and what happens to them. */
#pragma once

#include <stdint.h>

/* The next of xorshift64 (Marsaglia, "Xorshift RNGs", 2003). The state begins as the seed; not 0.
 */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}
