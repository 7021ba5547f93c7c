/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory: allocations that abort when there is none left, an arena, growing arrays and strings.
 *
 * Aborting is sound because every change of the machine is journalled before it is made: a
 * process that dies is undone by the next one.
 */
#pragma once

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/attr.h"

void *xmalloc(size_t size) MUST_CHECK;
void *xcalloc(size_t n, size_t size) MUST_CHECK;
void *xrealloc(void *p, size_t n, size_t size) MUST_CHECK;
char *xstrdup(const char *s) MUST_CHECK;
char *xstrndup(const char *s, size_t n) MUST_CHECK;
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_CHECK;
char *xvasprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0) MUST_CHECK;

/* An arena: many small objects that are freed at once. Zero-initialise it ({ 0 }). */
struct arena {
	struct arena_block *head;
	struct kept_sets *sets; /* see cpuset_keep() */
};

/* Zeroed memory that lives as long as the arena. */
void *arena_alloc(struct arena *a, size_t size) MUST_CHECK;
/* A copy; of NULL NULL. */
char *arena_strdup(struct arena *a, const char *s) MUST_CHECK;
char *arena_strndup(struct arena *a, const char *s, size_t n) MUST_CHECK;
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
/* A copy of n elements in the arena (NULL when n is 0). */
void *arena_dup(struct arena *a, const void *p, size_t n, size_t size) MUST_CHECK;
void arena_done(struct arena *a);

/* ARRAY(struct irq) irqs = { 0 }; *array_push(&irqs) = …; irqs.v[i], irqs.n; free(irqs.v) */
#define ARRAY(type)                                                                                \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n, room;                                                                    \
	}

/* A pointer to a new zeroed element at the end. Pointers to older elements become invalid. */
#define array_push(a)                                                                              \
	({                                                                                         \
		if ((a)->n == (a)->room) {                                                         \
			(a)->room = (a)->room ? 2 * (a)->room : 8;                                 \
			(a)->v = xrealloc((a)->v, (a)->room, sizeof *(a)->v);                      \
		}                                                                                  \
		__builtin_memset(&(a)->v[(a)->n], 0, sizeof *(a)->v);                              \
		&(a)->v[(a)->n++];                                                                 \
	})

#define array_for_each(p, a) for (__auto_type p = (a)->v; p && p < (a)->v + (a)->n; p++)

/* Where the first of n elements is that is not below what is looked for, in an array that has all
 * that are in front; n: none. lower_bound(t, v, n, t->tid < tid) */
#define lower_bound(it, v, n, is_below)                                                            \
	({                                                                                         \
		size_t low_ = 0, high_ = (n);                                                      \
		while (low_ < high_) {                                                             \
			size_t mid_ = (low_ + high_) / 2;                                          \
			__auto_type it = &(v)[mid_];                                               \
			if (is_below)                                                              \
				low_ = mid_ + 1;                                                   \
			else                                                                       \
				high_ = mid_;                                                      \
		}                                                                                  \
		low_;                                                                              \
	})

/* A string that grows; s is always NUL-terminated once something was added (NULL before). */
struct strbuf {
	char *s;
	size_t n, room;
};

void strbuf_add(struct strbuf *b, const char *text, size_t n);
void strbuf_puts(struct strbuf *b, const char *text);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The whole file; 0 or a negative errno. */
int strbuf_add_file(struct strbuf *b, const char *path) MUST_CHECK;
void strbuf_done(struct strbuf *b);
#define AUTO_STRBUF CLEANUP(strbuf_done)
