/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as JSON: null where there is none. */
#pragma once

#include <jansson.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "model/absent.h"

static inline json_t *cpus_json(const struct cpuset *cpus)
{
	if (!cpus)
		return json_null();
	AUTO_FREE char *list = cpuset_format_list(cpus);
	return json_string(list);
}

/* Kernel files may hold any bytes, JSON holds UTF-8: what is none becomes question marks. */
static inline json_t *text_json(const char *text)
{
	json_t *o = text ? json_string(text) : json_null();
	if (o)
		return o;
	AUTO_FREE char *ascii = xstrdup(text);
	for (char *p = ascii; *p; p++)
		if (*p & 0x80)
			*p = '?';
	return json_string(ascii);
}

/* Of numbers that are never negative. */
static inline json_t *number_json(int n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static inline json_t *count_json(int64_t n)
{
	return n == ABSENT ? json_null() : json_integer(n);
}

static inline json_t *strings_json(const char *const *v, size_t n)
{
	json_t *all = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, text_json(v[i]));
	return all;
}
