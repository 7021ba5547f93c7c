/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"

const char *str_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(s, prefix, n) ? NULL : s + n;
}

bool str_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);
	return n >= k && streq(s + n - k, suffix);
}

char *str_swap(char *s, char from, char to)
{
	for (char *at = s; (at = strchr(at, from));)
		*at++ = to;
	return s;
}

char *str_trim(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	size_t n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = 0;
	return s;
}

int str_to_u64(const char *s, uint64_t *ret)
{
	while (isspace((unsigned char)*s))
		s++;
	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	char *end;
	errno = 0;
	unsigned long long n = strtoull(s, &end, 10);
	if (errno)
		return -ERANGE;
	while (isspace((unsigned char)*end))
		end++;
	if (*end)
		return -EINVAL;
	*ret = n;
	return 0;
}

int str_to_int(const char *s, int *ret)
{
	uint64_t n;
	int r = str_to_u64(s, &n);
	if (r < 0)
		return r;
	if (n > INT_MAX)
		return -ERANGE;
	*ret = (int)n;
	return 0;
}

const char *str_skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

bool str_take_u64(const char **p, uint64_t *ret)
{
	const char *s = str_skip_blanks(*p);
	uint64_t n = 0;
	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return false;
	*p = s;
	*ret = n;
	return true;
}

const char *str_line_end(const char *p)
{
	const char *nl = strchr(p, '\n');
	return nl ? nl : p + strlen(p);
}

char *str_next_line(char **text)
{
	char *line = *text;
	if (!line || !*line)
		return NULL;
	char *nl = strchr(line, '\n');
	if (nl)
		*nl = 0;
	*text = nl ? nl + 1 : line + strlen(line);
	return line;
}

char *str_next_word(char **text)
{
	char *p = *text;
	while (*p == ' ' || *p == '\t')
		p++;
	if (!*p)
		return NULL;
	char *word = p;
	while (*p && *p != ' ' && *p != '\t')
		p++;
	if (*p)
		*p++ = 0;
	*text = p;
	return word;
}

bool str_has_word(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = words; (p = strstr(p, word)); p += n) {
		bool starts = p == words || isspace((unsigned char)p[-1]);
		if (starts && (!p[n] || isspace((unsigned char)p[n])))
			return true;
	}
	return false;
}

enum { NEAREST_MAX = 32 };

/* Levenshtein distance of two short words. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(b), row[NEAREST_MAX + 1];
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

const char *str_nearest(const char *word, const char *const *list)
{
	const char *best = NULL;
	size_t best_distance = 0, n = strlen(word);
	for (; *list; list++) {
		if (strlen(*list) > NEAREST_MAX)
			continue;
		size_t d = distance(word, *list);
		if (d <= 1 + n / 4 && (!best || d < best_distance)) {
			best = *list;
			best_distance = d;
		}
	}
	return best;
}

char *str_some(size_t n, const char *what)
{
	return xasprintf("%zu %s%s", n, what, n == 1 ? "" : "s");
}
