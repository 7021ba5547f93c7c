/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/alloc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void *or_abort(void *p)
{
	if (!p) {
		fputs("wideberth: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *xmalloc(size_t size)
{
	return or_abort(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
	return or_abort(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t n, size_t size)
{
	return or_abort(reallocarray(p, n ? n : 1, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return or_abort(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
	return or_abort(strndup(s, n));
}

char *xvasprintf(const char *fmt, va_list ap)
{
	char *s = NULL;
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	return or_abort(s);
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *s = xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

enum { ARENA_BLOCK = 64 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(16) char data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	size = (size + 15) & ~(size_t)15;
	struct arena_block *b = a->head;
	if (!b || b->size - b->used < size) {
		size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;
		b = xmalloc(sizeof *b + room);
		*b = (struct arena_block){ .next = a->head, .size = room };
		a->head = b;
	}
	void *p = b->data + b->used;
	b->used += size;
	return memset(p, 0, size);
}

void *arena_dup(struct arena *a, const void *p, size_t n, size_t size)
{
	if (!n)
		return NULL;
	return memcpy(arena_alloc(a, n * size), p, n * size);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);
	memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *s = xvasprintf(fmt, ap);
	va_end(ap);
	return arena_strdup(a, s);
}

void arena_done(struct arena *a)
{
	for (struct arena_block *b = a->head, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a->sets);
	*a = (struct arena){ 0 };
}

void strbuf_add(struct strbuf *b, const char *text, size_t n)
{
	if (b->n + n + 1 > b->room) {
		b->room = 2 * (b->n + n + 1);
		b->s = xrealloc(b->s, b->room, 1);
	}
	memcpy(b->s + b->n, text, n);
	b->n += n;
	b->s[b->n] = 0;
}

void strbuf_puts(struct strbuf *b, const char *text)
{
	strbuf_add(b, text, strlen(text));
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *s = xvasprintf(fmt, ap);
	va_end(ap);
	strbuf_puts(b, s);
}

int strbuf_add_file(struct strbuf *b, const char *path)
{
	AUTO_FILE FILE *f = fopen(path, "re");
	char part[4096];
	if (!f)
		return -errno;
	strbuf_puts(b, "");
	for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
		strbuf_add(b, part, n);
	return ferror(f) ? -errno : 0;
}

void strbuf_done(struct strbuf *b)
{
	free(b->s);
	*b = (struct strbuf){ 0 };
}
