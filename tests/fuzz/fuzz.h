/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fuzz target is: the entry point of libFuzzer (https://llvm.org/docs/LibFuzzer.html), and
 * the input as text. The normal suite runs the same over a small corpus, see replay.c. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define AUTO_ARENA CLEANUP(arena_done)

/* What must hold for any input. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)
