/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cmd.h"

void progress_show(struct context *c, const char *fmt, ...)
{
	if (!c->is_terminal)
		return;
	va_list ap;
	va_start(ap, fmt);
	fputs("\r\033[K", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	c->has_progress = true;
}

void progress_clear(struct context *c)
{
	if (c->has_progress)
		fputs("\r\033[K", stderr);
	c->has_progress = false;
}
