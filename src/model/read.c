/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/read.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "kernel/cpus.h"

void snapshot_note(struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	s->notes = xrealloc(s->notes, s->n_notes + 1, sizeof *s->notes);
	s->notes[s->n_notes++] = arena_strdup(&s->arena, text);
}

void note_odd(struct snapshot *s, const char *path, int odd)
{
	if (odd > 0)
		snapshot_note(s, "%s:%d: not in the kernel's format; left out", path, odd);
	else if (odd < 0)
		snapshot_note(s, "%s: not in the kernel's format", path);
}

static uint64_t hash_set(const struct cpuset *set)
{
	uint64_t hash = 0;
	for (uint64_t i = 0; i < CPUSET_WORDS; i++)
		if (set->w[i])
			hash = (hash ^ set->w[i] ^ i << 32) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* The slot of the set, or the empty one where it belongs. The room is a power of two. */
static size_t find_slot(const struct snapshot *s, const struct cpuset *set)
{
	size_t i = hash_set(set) & (s->sets_room - 1);
	while (s->sets[i] && !cpuset_equal(s->sets[i], set))
		i = (i + 1) & (s->sets_room - 1);
	return i;
}

static void grow_sets(struct snapshot *s)
{
	const struct cpuset **old = s->sets;
	size_t n = s->sets_room;
	s->sets_room = n ? 2 * n : 64;
	s->sets = xcalloc(s->sets_room, sizeof *s->sets);
	for (size_t i = 0; i < n; i++)
		if (old[i])
			s->sets[find_slot(s, old[i])] = old[i];
	free(old);
}

const struct cpuset *snapshot_intern(struct snapshot *s, const struct cpuset *set)
{
	if (2 * s->n_sets >= s->sets_room)
		grow_sets(s);
	size_t i = find_slot(s, set);
	if (!s->sets[i]) {
		s->sets[i] = arena_dup(&s->arena, set, 1, sizeof *set);
		s->n_sets++;
	}
	return s->sets[i];
}

int read_file(struct host *h, struct snapshot *s, const char *path, char **ret)
{
	int r = host_read(h, ret, NULL, "%s", path);
	if (r == -EISDIR || r == -ELOOP || r == -EIO)
		snapshot_note(s, "%s: cannot be read: %s", path, strerror(-r));
	return r;
}

const char *read_text(struct host *h, struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *path = xvasprintf(fmt, ap), *text = NULL;
	va_end(ap);
	if (read_file(h, s, path, &text) < 0)
		return NULL;
	return arena_strdup(&s->arena, str_trim(text));
}

int64_t read_number(struct host *h, struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *path = xvasprintf(fmt, ap), *text = NULL;
	va_end(ap);
	if (read_file(h, s, path, &text) < 0)
		return ABSENT;
	const char *number = str_trim(text), *digits = number + (*number == '-');
	uint64_t n;
	if (isdigit((unsigned char)*digits) && str_to_u64(digits, &n) == 0 && n <= INT64_MAX)
		return *number == '-' ? -(int64_t)n : (int64_t)n;
	snapshot_note(s, "%s: not a number: '%.40s'", path, number);
	return ABSENT;
}

int64_t read_hex(struct host *h, struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *path = xvasprintf(fmt, ap), *text = NULL;
	va_end(ap);
	if (read_file(h, s, path, &text) < 0)
		return ABSENT;
	const char *number = str_trim(text);
	char *end;
	errno = 0;
	unsigned long long n = strtoull(number, &end, 16);
	if (isxdigit((unsigned char)*number) && !*end && !errno && n <= INT64_MAX)
		return (int64_t)n;
	snapshot_note(s, "%s: not a number: '%.40s'", path, number);
	return ABSENT;
}

typedef int parse_set_fn(const char *text, struct cpuset *ret);

PRINTF_LIKE(4, 0)
static const struct cpuset *read_set(
	struct host *h, struct snapshot *s, parse_set_fn *parse, const char *fmt, va_list ap)
{
	AUTO_FREE char *path = xvasprintf(fmt, ap), *text = NULL;
	struct cpuset set;
	if (read_file(h, s, path, &text) < 0)
		return NULL;
	if (parse(text, &set) < 0) {
		snapshot_note(s, "%s: not a set of CPUs: '%.40s'", path, str_trim(text));
		return NULL;
	}
	return snapshot_intern(s, &set);
}

const struct cpuset *read_cpulist(struct host *h, struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const struct cpuset *set = read_set(h, s, cpus_parse_list, fmt, ap);
	va_end(ap);
	return set;
}

const struct cpuset *read_cpumask(struct host *h, struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const struct cpuset *set = read_set(h, s, cpuset_parse_mask, fmt, ap);
	va_end(ap);
	return set;
}
