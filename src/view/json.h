/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one way from our structs into JSON (tests/rules/json): nothing here yields NULL, so that no
 * member and no row is lost over a name of strange bytes. null stands where there is no value.
 */
#pragma once

#include <jansson.h>

#include "base/alloc.h"
#include "base/cpuset.h"

/* A name of any bytes, as it may be shown (base/text.h); of NULL null. */
json_t *text_json(const char *text) MUST_CHECK;
json_t *format_json(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_CHECK;
json_t *strings_json(const char *const *v, size_t n) MUST_CHECK;
json_t *cpus_json(const struct cpuset *cpus) MUST_CHECK;
/* Of numbers that are never negative: null where they are. */
json_t *number_json(int n) MUST_CHECK;
/* null for ABSENT (model/absent.h). */
json_t *count_json(int64_t n) MUST_CHECK;

/* OBJECT({ "cpu", number_json(0) }, { "vms", ids }): takes the values. A member whose value is NULL
 * is left out: optional_json() of a text that is. */
struct json_member {
	const char *key; /* ours */
	json_t *value;
};
#define OBJECT(...) object_json((const struct json_member[]){ __VA_ARGS__, { NULL, NULL } })
json_t *object_json(const struct json_member *members) MUST_CHECK; /* to one without key */
json_t *optional_json(const char *text) MUST_CHECK;
