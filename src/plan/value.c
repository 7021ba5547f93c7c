/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of knobs: comparing, text, and how several wishes become one. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plan/knobs.h"

static const char absent[] = "-";

bool value_equal(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VALUE_SET:
		return a->cpus == b->cpus || cpuset_equal(a->cpus, b->cpus);
	case VALUE_NUMBER:
		return a->number == b->number;
	case VALUE_WORD:
		return streq(a->word, b->word);
	default:
		return true;
	}
}

struct value value_copy(struct arena *a, const struct value *v)
{
	struct value copy = *v;
	if (v->kind == VALUE_SET)
		copy.cpus = cpuset_keep(a, v->cpus);
	else if (v->kind == VALUE_WORD)
		copy.word = arena_strdup(a, v->word);
	return copy;
}

char *value_text(const struct knob *k, const struct value *v)
{
	switch (v->kind) {
	case VALUE_SET:
		return cpuset_format_list(v->cpus);
	case VALUE_NUMBER:
		return xasprintf("%" PRId64, v->number);
	case VALUE_WORD:
		return xstrdup(v->word);
	case VALUE_UNSET:
		return xstrdup(k->unset ? k->unset : "");
	default:
		return xstrdup(absent);
	}
}

static int parse_number(const struct knob *k, const char *text, struct value *ret)
{
	char *end;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (errno || end == text || *end || n < k->min || n > k->max)
		return -EINVAL;
	*ret = value_number(n);
	return 0;
}

static bool is_choice(const struct knob *k, const char *text)
{
	for (size_t i = 0; k->choices && k->choices[i]; i++)
		if (streq(k->choices[i], text))
			return true;
	return !k->choices;
}

int value_parse(const struct knob *k, const char *text, struct arena *a, struct value *ret)
{
	struct cpuset cpus;
	if (streq(text, absent)) {
		*ret = VALUE_IS_ABSENT;
	} else if (k->type == KNOB_NUMBER) {
		return parse_number(k, text, ret);
	} else if (k->type == KNOB_ACTION && streq(text, k->unset)) {
		*ret = VALUE_IS_UNSET;
	} else if (k->type != KNOB_CPUSET) {
		if (!is_choice(k, text))
			return -EINVAL;
		*ret = value_word(arena_strdup(a, text));
	} else if (streq(text, k->unset ? k->unset : "")) {
		*ret = VALUE_IS_UNSET;
	} else {
		int r = cpuset_parse_list(text, &cpus);
		if (r < 0)
			return -EINVAL;
		*ret = value_cpus(cpuset_keep(a, &cpus));
	}
	return 0;
}

/* ---- joining ---- */

static bool join_cpus(const struct knob *k, enum knob_combine rule, const struct wishes *w,
	const struct value *baseline, struct arena *a, struct value *ret)
{
	bool is_minus = rule == COMBINE_MINUS, is_set = baseline->kind == VALUE_SET;
	struct cpuset was = CPUSET_EMPTY, theirs = CPUSET_EMPTY;
	if (is_minus && !is_set && !k->unset_is_all)
		return false;
	if (is_set || is_minus)
		was = is_set ? *baseline->cpus : *w->online;
	array_for_each (c, w->by)
		cpuset_add_all(&theirs, c->value.cpus);
	struct cpuset wanted = is_minus ? cpuset_minus(&was, &theirs) : cpuset_or(&was, &theirs);
	if (is_minus && !is_set && cpuset_equal(&wanted, &was)) {
		*ret = *baseline;
		return true;
	}
	/* nothing is left, or only CPUs that are offline: the fallback has all that are not */
	if (w->fallback && !cpuset_intersects(&wanted, w->fallback))
		wanted = *w->fallback;
	*ret = value_cpus(cpuset_keep(a, &wanted));
	return true;
}

static bool join_numbers(const struct knob *k, enum knob_combine rule, const struct wishes *w,
	const struct value *baseline, struct value *ret)
{
	if (baseline->kind != VALUE_NUMBER)
		return false;
	int64_t number = baseline->number;
	array_for_each (c, w->by) {
		int64_t theirs = c->value.number;
		if (rule == COMBINE_SUM)
			number += theirs;
		else if (rule == COMBINE_MIN ? theirs < number : theirs > number)
			number = theirs;
	}
	*ret = value_number(number < k->min ? k->min : number > k->max ? k->max : number);
	return true;
}

bool knob_join(const struct knob *k, enum knob_combine rule, const struct wishes *w,
	const struct value *baseline, struct arena *a, struct value *ret)
{
	assert(w->by->n);
	const struct value *first = &w->by->v[0].value;
	switch (rule) {
	case COMBINE_UNION:
	case COMBINE_MINUS:
		return join_cpus(k, rule, w, baseline, a, ret);
	case COMBINE_SUM:
	case COMBINE_MIN:
	case COMBINE_MAX:
		return join_numbers(k, rule, w, baseline, ret);
	default:
		array_for_each (c, w->by)
			assert(value_equal(&c->value, first) &&
				(rule == COMBINE_AGREE || w->by->n == 1));
		*ret = value_copy(a, first);
		return true;
	}
}
