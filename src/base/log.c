/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

void log_debug(const char *fmt, ...)
{
	static int is_on = -1;
	if (is_on < 0)
		is_on = getenv("WIDEBERTH_DEBUG") != NULL;
	if (!is_on)
		return;
	va_list ap;
	va_start(ap, fmt);
	fputs("wideberth: debug: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}
