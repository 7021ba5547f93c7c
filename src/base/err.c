/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

PRINTF_LIKE(4, 0)
static int set(struct err *e, int code, bool with_errno, const char *fmt, va_list ap)
{
	e->code = code;
	int n = vsnprintf(e->text, sizeof e->text, fmt, ap);
	if (with_errno && n >= 0 && (size_t)n < sizeof e->text)
		snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s", strerrordesc_np(-code));
	return code;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set(e, code, true, fmt, ap);
	va_end(ap);
	return code;
}

int err_say(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set(e, code, false, fmt, ap);
	va_end(ap);
	return code;
}

int err_ctx(struct err *e, const char *fmt, ...)
{
	char old[sizeof e->text];
	memcpy(old, e->text, sizeof old);
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof e->text)
		snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s", old);
	return e->code;
}

void cleanup_close_(int *fd)
{
	int saved = errno;
	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

void cleanup_file_(FILE **f)
{
	int saved = errno;
	if (*f)
		fclose(*f);
	errno = saved;
}

void cleanup_dir_(DIR **d)
{
	int saved = errno;
	if (*d)
		closedir(*d);
	errno = saved;
}
