/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was decided, as a list. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/attr.h"

struct event;
struct events;
struct report;

/* "2026-11-28T23:05:00.123456Z": as events[] has it, and to be compared as text. malloc'ed. */
char *event_time(uint64_t time_us) MUST_CHECK;
json_t *event_json(const struct event *e);
/* events[] of the report, and a line for each. */
void events_report(const struct events *l, struct report *r);
/* Of what was read: how much could not be. */
void events_damage_report(const struct events *l, struct report *r);
