/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics of the program itself, to stderr; the level is the only state. Only cmd/ and
 * daemon/ speak to the user: below them only log_debug() is used (WIDEBERTH_DEBUG=1). */
#pragma once

#include "base/attr.h"

void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);
