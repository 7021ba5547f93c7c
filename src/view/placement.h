/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A placement as users read it: a member of plan's vms[] and of status' applied[]. */
#pragma once

#include <jansson.h>

#include "base/attr.h"

struct placement;

json_t *placement_json(const struct placement *p);
struct explanation;
/* Place, runner-up, and the terms of both. */
json_t *explanation_json(const struct explanation *x) MUST_CHECK;
