/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this host can give, as text and JSON: "host" of status. */
#pragma once

#include <jansson.h>

struct host_can;
struct host_level;
struct report;

/* From LEVEL_PINNED on. */
json_t *levels_json(const struct host_level *levels);

void host_can_report(const struct host_can *c, struct report *r);
