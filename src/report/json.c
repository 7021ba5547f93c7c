/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "report/internal.h"

/* The library writes each brace and blank on its own, a million of them for many VMs, and stdio
 * locks the file each time: they are gathered here. */
struct chunk {
	FILE *f;
	size_t n;
	char text[32768];
};

static int flush(struct chunk *c)
{
	size_t n = c->n;
	c->n = 0;
	return fwrite(c->text, 1, n, c->f) == n ? 0 : -1;
}

static int put(const char *text, size_t n, void *context)
{
	struct chunk *c = context;
	if (n > sizeof c->text - c->n && flush(c) < 0)
		return -1;
	if (n > sizeof c->text)
		return fwrite(text, 1, n, c->f) == n ? 0 : -1;
	memcpy(c->text + c->n, text, n);
	c->n += n;
	return 0;
}

int report_print_json(const struct report *r, FILE *f, struct err *e)
{
	struct chunk c = { .f = f };
	/* 15 digits: what a double holds for sure, so 0.1 stays 0.1. */
	if (json_dump_callback(r->json, put, &c, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) < 0 ||
		put("\n", 1, &c) < 0 || flush(&c) < 0 || fflush(f) || ferror(f))
		return err_set(e, errno ? -errno : -EIO, "write JSON");
	return 0;
}
