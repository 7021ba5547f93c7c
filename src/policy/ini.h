/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The syntax of policy files, line by line: "[section name]", "key = value", comments.
 *
 * A comment starts with '#' or ';' at the start of a line or behind a blank. A value may stand in
 * quotes ("…" or '…'), inside which nothing is special. There are no continuation lines.
 */
#pragma once

#include "base/err.h"

enum ini_kind {
	INI_END,
	INI_SECTION, /* name: what stands between the brackets, trimmed */
	INI_KEY,     /* name and value, trimmed */
};

struct ini {
	const char *file; /* for messages */
	char *rest;       /* text still to be read; it is cut up in place */
	int line;         /* of the last item, from 1 */
};

struct ini_item {
	enum ini_kind kind;
	char *name, *value; /* point into the text */
};

/* The next section or key. -EINVAL with "FILE:LINE: what" for a line that is neither. */
int ini_next(struct ini *ini, struct ini_item *ret, struct err *e) MUST_CHECK;
