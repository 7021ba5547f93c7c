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
	return cpuset_keep(&s->arena, &set);
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
