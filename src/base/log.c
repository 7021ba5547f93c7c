/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/text.h"

void log_debug(const char *fmt, ...)
{
	static int is_on = -1;
	if (is_on < 0)
		is_on = getenv("WIDEBERTH_DEBUG") != NULL;
	if (!is_on)
		return;
	va_list ap;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	va_start(ap, fmt);
	fprintf(stderr, "wideberth: %ld.%03ld: ", (long)now.tv_sec % 1000, now.tv_nsec / 1000000);
	AUTO_FREE char *text = xvasprintf(fmt, ap), *visible = text_visible(text);
	fprintf(stderr, "%s\n", visible);
	va_end(ap);
}
