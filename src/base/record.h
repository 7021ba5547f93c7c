/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of fields, for files of our own that are read by us alone: fields are any bytes but NUL,
 * separated by tabs; "\t", "\n" and "\\" stand for tab, newline and backslash in them. */
#pragma once

#include <stddef.h>

#include "base/alloc.h"

/* Appends a line. A field that is NULL is an empty one. */
void record_add(struct strbuf *b, const char *const *fields, size_t n);

/* Takes the next line off *text, in place: sets up to max fields, the others to "", and returns how
 * many it has, or 0 at the end. The last line counts only with its newline: what was cut off there
 * is not known. */
size_t record_next(char **text, const char **fields, size_t max) MUST_CHECK;
