/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cpuset.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"

/* Of two sets: so many words have all members of both, or of one of them. */
static int n_words_of_both(const struct cpuset *a, const struct cpuset *b)
{
	return a->n_words > b->n_words ? a->n_words : b->n_words;
}

static int n_words_in_common(const struct cpuset *a, const struct cpuset *b)
{
	return a->n_words < b->n_words ? a->n_words : b->n_words;
}

static void reach(struct cpuset *s, int n_words)
{
	s->n_words = s->n_words < n_words ? n_words : s->n_words;
}

void cpuset_add(struct cpuset *s, int cpu)
{
	if (cpu < 0 || cpu >= CPUSET_MAX)
		return;
	reach(s, cpu / 64 + 1);
	s->w[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

void cpuset_remove(struct cpuset *s, int cpu)
{
	if (cpu >= 0 && cpu < CPUSET_MAX)
		s->w[cpu / 64] &= ~(UINT64_C(1) << (cpu % 64));
}

bool cpuset_has(const struct cpuset *s, int cpu)
{
	return cpu >= 0 && cpu < CPUSET_MAX && (s->w[cpu / 64] >> (cpu % 64) & 1);
}

int cpuset_count(const struct cpuset *s)
{
	int n = 0;
	for (int i = 0; i < s->n_words; i++)
		n += __builtin_popcountll(s->w[i]);
	return n;
}

bool cpuset_is_empty(const struct cpuset *s)
{
	return cpuset_first(s) < 0;
}

bool cpuset_equal(const struct cpuset *a, const struct cpuset *b)
{
	return memcmp(a->w, b->w, (size_t)n_words_of_both(a, b) * sizeof *a->w) == 0;
}

bool cpuset_intersects(const struct cpuset *a, const struct cpuset *b)
{
	for (int i = 0, n = n_words_in_common(a, b); i < n; i++)
		if (a->w[i] & b->w[i])
			return true;
	return false;
}

bool cpuset_is_subset(const struct cpuset *sub, const struct cpuset *super)
{
	for (int i = 0; i < sub->n_words; i++)
		if (sub->w[i] & ~super->w[i])
			return false;
	return true;
}

int cpuset_next(const struct cpuset *s, int from)
{
	if (from < 0)
		from = 0;
	for (int i = from / 64; i < s->n_words; i++) {
		uint64_t w = s->w[i];
		if (i == from / 64)
			w &= ~UINT64_C(0) << (from % 64);
		if (w)
			return i * 64 + __builtin_ctzll(w);
	}
	return -1;
}

struct cpuset cpuset_or(const struct cpuset *a, const struct cpuset *b)
{
	struct cpuset r = { .n_words = n_words_of_both(a, b) };
	for (int i = 0; i < r.n_words; i++)
		r.w[i] = a->w[i] | b->w[i];
	return r;
}

struct cpuset cpuset_and(const struct cpuset *a, const struct cpuset *b)
{
	struct cpuset r = { .n_words = n_words_in_common(a, b) };
	for (int i = 0; i < r.n_words; i++)
		r.w[i] = a->w[i] & b->w[i];
	return r;
}

struct cpuset cpuset_minus(const struct cpuset *a, const struct cpuset *b)
{
	struct cpuset r = { .n_words = a->n_words };
	for (int i = 0; i < r.n_words; i++)
		r.w[i] = a->w[i] & ~b->w[i];
	return r;
}

void cpuset_add_all(struct cpuset *s, const struct cpuset *others)
{
	reach(s, others->n_words);
	for (int i = 0; i < others->n_words; i++)
		s->w[i] |= others->w[i];
}

void cpuset_remove_all(struct cpuset *s, const struct cpuset *others)
{
	for (int i = 0, n = n_words_in_common(s, others); i < n; i++)
		s->w[i] &= ~others->w[i];
}

int cpuset_of_bytes(const void *bytes, size_t n, struct cpuset *ret)
{
	while (n && !((const char *)bytes)[n - 1])
		n--;
	if (n > sizeof ret->w)
		return -ERANGE;
	*ret = (struct cpuset){ .n_words = (int)((n + 7) / 8) };
	memcpy(ret->w, bytes, n);
	return 0;
}

struct cpuset cpuset_of(int cpu)
{
	struct cpuset r = CPUSET_EMPTY;
	cpuset_add(&r, cpu);
	return r;
}

static const char *skip_space(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

/* One decimal number; *p moves behind it. -EINVAL, or -ERANGE at CPUSET_MAX and above. */
static int parse_number(const char **p, int *ret)
{
	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	int n = 0;
	for (; isdigit((unsigned char)**p); (*p)++) {
		n = n * 10 + (**p - '0');
		if (n >= CPUSET_MAX)
			return -ERANGE;
	}
	*ret = n;
	return 0;
}

/* Both below CPUSET_MAX. By words: thousands of threads may run on a thousand CPUs. */
static void add_range(struct cpuset *s, int first, int last)
{
	reach(s, last / 64 + 1);
	for (int i = first / 64; i <= last / 64; i++) {
		uint64_t bits = ~UINT64_C(0);
		if (i == first / 64)
			bits <<= first % 64;
		if (i == last / 64)
			bits &= ~UINT64_C(0) >> (63 - last % 64);
		s->w[i] |= bits;
	}
}

int cpuset_parse_list(const char *text, struct cpuset *ret)
{
	struct cpuset s = CPUSET_EMPTY;
	const char *p = skip_space(text);
	while (*p) {
		int first, last, r = parse_number(&p, &first);
		if (r < 0)
			return r;
		last = first;
		if (*p == '-') {
			p++;
			r = parse_number(&p, &last);
			if (r < 0)
				return r;
		}
		if (last < first)
			return -EINVAL;
		add_range(&s, first, last);
		if (*p == ',' && isdigit((unsigned char)p[1]))
			p++;
		else if (*(p = skip_space(p)))
			return -EINVAL;
	}
	*ret = s;
	return 0;
}

int cpuset_parse_mask(const char *text, struct cpuset *ret)
{
	struct cpuset s = CPUSET_EMPTY;
	const char *p = skip_space(text);
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		p += 2;
	const char *end = p;
	while (isxdigit((unsigned char)*end) || *end == ',')
		end++;
	if (end == p || *skip_space(end))
		return -EINVAL;

	int bit = 0;
	for (const char *q = end - 1; q >= p; q--) {
		if (*q == ',') {
			if (bit % 32 || q == p || q == end - 1)
				return -EINVAL;
			continue;
		}
		int digit = isdigit((unsigned char)*q) ? *q - '0' : (*q | 32) - 'a' + 10;
		for (int i = 0; i < 4; i++, bit++) {
			if (!(digit >> i & 1))
				continue;
			if (bit >= CPUSET_MAX)
				return -ERANGE;
			cpuset_add(&s, bit);
		}
	}
	*ret = s;
	return 0;
}

char *cpuset_format_list(const struct cpuset *s)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (int first = cpuset_first(s); first >= 0;) {
		int last = first;
		while (cpuset_has(s, last + 1))
			last++;
		strbuf_printf(&b, b.n ? ",%d" : "%d", first);
		if (last > first)
			strbuf_printf(&b, "-%d", last);
		first = cpuset_next(s, last + 1);
	}
	return b.s;
}

char *cpuset_format_cpus(const struct cpuset *s)
{
	AUTO_FREE char *list = cpuset_format_list(s);
	return xasprintf("CPU%s %s", cpuset_count(s) == 1 ? "" : "s", list);
}

const char *cpuset_is_or_are(const struct cpuset *s)
{
	return cpuset_count(s) == 1 ? "is" : "are";
}

char *cpuset_format_mask(const struct cpuset *s)
{
	struct strbuf b = { 0 };
	for (int group = CPUSET_MAX / 32 - 1; group >= 0; group--) {
		uint32_t bits = (uint32_t)(s->w[group / 2] >> (group % 2 * 32));
		if (b.n)
			strbuf_printf(&b, ",%08x", bits);
		else if (bits || group == 0)
			strbuf_printf(&b, "%x", bits);
	}
	return b.s;
}
