/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A placement as users read it: a member of plan's vms[] and of status' applied[]. */
#pragma once

#include <jansson.h>

struct placement;

json_t *placement_json(const struct placement *p);
