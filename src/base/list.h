/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists in an arena: nothing to free; what a list outgrew stays until the arena goes. */
#pragma once

#include <string.h>

#include "base/alloc.h"

#define LIST(type)                                                                                 \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n, room;                                                                    \
	}

/* A pointer to a new zeroed element at the end. Pointers to older elements become stale.
 * array_for_each() walks lists too. */
#define list_push(a, l)                                                                            \
	({                                                                                         \
		if ((l)->n == (l)->room) {                                                         \
			void *old_ = (l)->v;                                                       \
			(l)->room = (l)->room ? 2 * (l)->room : 4;                                 \
			(l)->v = arena_alloc((a), (l)->room * sizeof *(l)->v);                     \
			if (old_)                                                                  \
				memcpy((l)->v, old_, (l)->n * sizeof *(l)->v);                     \
		}                                                                                  \
		&(l)->v[(l)->n++];                                                                 \
	})
