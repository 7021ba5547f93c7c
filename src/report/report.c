/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/text.h"
#include "report/internal.h"

struct report *report_new(const char *command, bool is_json)
{
	struct report *r = xcalloc(1, sizeof *r);
	r->is_json = is_json;
	r->json = json_object();
	AUTO_FREE char *schema = xasprintf("wideberth.%s/1", command);
	json_object_set_new(r->json, "schema", json_string(schema));
	return r;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	array_for_each (b, &r->blocks) {
		free(b->text);
		json_decref(b->rows);
		free(b->columns);
		picture_free(b->picture);
	}
	free(r->blocks.v);
	array_for_each (t, &r->row_texts)
		free(t->text.s);
	free(r->row_texts.v);
	json_decref(r->json);
	arena_done(&r->arena);
	free(r);
}

json_t *report_json(struct report *r)
{
	return r->json;
}

bool report_is_json(const struct report *r)
{
	return r->is_json;
}

json_t *report_rows(struct report *r, const char *key)
{
	json_t *rows = json_array();
	json_object_set_new(r->json, key, rows);
	if (r->is_json)
		*array_push(&r->row_texts) = (struct row_text){ .rows = rows };
	return rows;
}

static int add_to_text(const char *text, size_t n, void *context)
{
	strbuf_add(context, text, n);
	return 0;
}

void report_row(struct report *r, json_t *rows, json_t *row)
{
	if (!r->is_json) {
		json_array_append_new(rows, row);
		return;
	}
	array_for_each (t, &r->row_texts) {
		if (t->rows != rows)
			continue;
		strbuf_puts(&t->text, t->text.n ? ",\n" : "");
		if (json_dump_callback(row, add_to_text, &t->text, ROW_FORM) < 0)
			abort(); /* it is no JSON: view/json.h makes none such */
	}
	json_decref(row);
}

static struct block *add_block(struct report *r, enum block_kind kind)
{
	struct block *b = array_push(&r->blocks);
	b->kind = kind;
	return b;
}

/* Names of strangers are in it: what they hold beside signs ends here. */
PRINTF_LIKE(1, 0)
static char *visible(const char *fmt, va_list ap)
{
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	return text_visible(text);
}

#define ADD_TEXT(r, kind, fmt)                                                                     \
	do {                                                                                       \
		va_list ap;                                                                        \
		if ((r)->is_json)                                                                  \
			break;                                                                     \
		va_start(ap, fmt);                                                                 \
		add_block((r), (kind))->text = visible(fmt, ap);                                   \
		va_end(ap);                                                                        \
	} while (0)

void report_heading(struct report *r, const char *fmt, ...)
{
	ADD_TEXT(r, BLOCK_HEADING, fmt);
}

void report_text(struct report *r, const char *fmt, ...)
{
	ADD_TEXT(r, BLOCK_TEXT, fmt);
}

void report_more(struct report *r, const char *fmt, ...)
{
	if (r->is_json)
		return;
	struct block *b = &r->blocks.v[r->blocks.n - 1];
	AUTO_FREE char *before = b->text;
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *line = visible(fmt, ap);
	va_end(ap);
	b->text = xasprintf("%s\n%s", before, line);
}

void report_note(struct report *r, const char *fmt, ...)
{
	ADD_TEXT(r, BLOCK_NOTE, fmt);
}

void report_warning(struct report *r, const char *fmt, ...)
{
	ADD_TEXT(r, BLOCK_WARNING, fmt);
}

void report_code(struct report *r, const char *fmt, ...)
{
	ADD_TEXT(r, BLOCK_CODE, fmt);
}

void report_table(struct report *r, json_t *rows, const struct column *columns, size_t n_columns)
{
	if (r->is_json)
		return;
	struct block *b = add_block(r, BLOCK_TABLE);
	b->rows = json_incref(rows);
	b->columns = xcalloc(n_columns, sizeof *columns);
	b->n_columns = n_columns;
	for (size_t i = 0; i < n_columns; i++) {
		b->columns[i] = columns[i];
		b->columns[i].key = arena_strdup(&r->arena, columns[i].key);
		b->columns[i].head = arena_strdup(&r->arena, columns[i].head);
	}
}

void report_picture(struct report *r, struct picture *p)
{
	add_block(r, BLOCK_PICTURE)->picture = p;
}
