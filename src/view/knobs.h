/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What explain says of the knobs. */
#pragma once

#include <stdbool.h>

struct report;

/* One, or all for NULL; false when none is called so. */
bool knobs_report(const char *name, struct report *r);
