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

static int put_text(struct chunk *c, const char *text)
{
	return put(text, strlen(text), c);
}

static const struct strbuf *kept_text(const struct report *r, const json_t *rows)
{
	array_for_each (t, &r->row_texts)
		if (t->rows == rows)
			return &t->text;
	return NULL;
}

/* An array of objects: a line for each. */
static int put_rows(struct chunk *c, const struct report *r, const json_t *rows)
{
	const struct strbuf *kept = kept_text(r, rows);
	const json_t *row;
	size_t i;
	int ret = put_text(c, "[\n");
	if (kept && kept->n)
		ret |= put(kept->s, kept->n, c);
	json_array_foreach (rows, i, row) {
		ret |= put_text(c, i ? ",\n" : "");
		ret |= json_dump_callback(row, put, c, ROW_FORM);
	}
	return ret | put_text(c, "\n]");
}

static bool has_rows(const struct report *r, const json_t *value)
{
	const struct strbuf *kept = kept_text(r, value);
	return (kept && kept->n) || json_is_object(json_array_get(value, 0));
}

int report_print_json(const struct report *r, FILE *f, struct err *e)
{
	struct chunk c = { .f = f };
	const char *key;
	json_t *value;
	int ret = 0, n = 0;
	json_object_foreach (r->json, key, value) {
		ret |= put_text(&c, n++ ? ",\n\"" : "{\n\"");
		ret |= put_text(&c, key) | put_text(&c, "\": ");
		ret |= has_rows(r, value) ? put_rows(&c, r, value)
					  : json_dump_callback(value, put, &c, ROW_FORM);
	}
	if (ret < 0 || put_text(&c, "\n}\n") < 0 || flush(&c) < 0 || fflush(f) || ferror(f))
		return err_set(e, errno ? -errno : -EIO, "write JSON");
	return 0;
}
