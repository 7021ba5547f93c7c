/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "report/internal.h"

int report_print_json(const struct report *r, FILE *f, struct err *e)
{
	/* 15 digits: what a double holds for sure, so 0.1 stays 0.1. */
	if (json_dumpf(r->json, f, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) < 0 ||
		putc('\n', f) == EOF || fflush(f) || ferror(f))
		return err_set(e, errno ? -errno : -EIO, "write JSON");
	return 0;
}
