/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What measure and compare say. */
#pragma once

#include <jansson.h>

#include "base/err.h"

struct measure;
struct report;

/* The keys of "wideberth.measure/1", without the schema. */
json_t *measure_json(const struct measure *m) MUST_CHECK;

/* Fills a report of the schema "wideberth.measure/1". */
int measure_report(const struct measure *m, struct report *r) MUST_CHECK;

/* Fills one of "wideberth.compare/1" from two saved measures, as read from their files. A positive
 * outcome: no VM is in both. */
enum { COMPARE_NOTHING = 1 };
int compare_report(
	const json_t *before, const json_t *after, struct report *r, struct err *e) MUST_CHECK;
