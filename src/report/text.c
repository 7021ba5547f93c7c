/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report for people at a terminal. */
#include <errno.h>
#include <libsmartcols.h>
#include <locale.h>
#include <string.h>

#include "base/str.h"
#include "report/internal.h"

enum {
	PROSE_WIDTH = 100, /* longer lines are hard to read, however wide the terminal is */
	COLUMN_MIN = 8,    /* no column gives way below this while another can */
	COLUMN_LEAST = 3,  /* and none below this */
	COLUMN_GAP = 2,
};

/* A table's texts: n_columns per line; line 0 holds the heads. */
struct grid {
	char **text;
	int *width; /* by column */
	size_t n_lines, n_columns;
};

static void grid_done(struct grid *g)
{
	for (size_t i = 0; i < g->n_lines * g->n_columns; i++)
		free(g->text[i]);
	free(g->text);
	free(g->width);
}

static struct grid grid_of(const struct block *b, bool has_utf8)
{
	struct grid g = { .n_lines = json_array_size(b->rows) + 1, .n_columns = b->n_columns };
	g.text = xcalloc(g.n_lines * g.n_columns, sizeof *g.text);
	g.width = xcalloc(g.n_columns, sizeof *g.width);
	for (size_t i = 0; i < g.n_lines * g.n_columns; i++) {
		const struct column *c = &b->columns[i % g.n_columns];
		size_t line = i / g.n_columns;
		AUTO_FREE char *s =
			line ? cell_text(json_array_get(b->rows, line - 1), c) : xstrdup(c->head);
		g.text[i] = text_clean(s, has_utf8);
		int width = text_width(g.text[i]);
		if (width > g.width[i % g.n_columns])
			g.width[i % g.n_columns] = width;
	}
	return g;
}

/* Takes width from the columns that may wrap, the widest first, until the table fits. Where that
 * is not enough, all texts must give way. */
static void grid_fit(struct grid *g, const struct block *b, int width)
{
	int excess = COLUMN_GAP * ((int)g->n_columns - 1) - width;
	for (size_t i = 0; i < g->n_columns; i++)
		excess += g->width[i];
	for (int pass = 0; pass < 3; pass++) {
		int least = pass < 2 ? COLUMN_MIN : COLUMN_LEAST;
		while (excess > 0) {
			int widest = -1;
			for (int i = 0; i < (int)g->n_columns; i++) {
				const struct column *c = &b->columns[i];
				bool may = c->may_wrap || (pass && !c->is_right);
				if (may && g->width[i] > least &&
					(widest < 0 || g->width[i] > g->width[widest]))
					widest = i;
			}
			if (widest < 0)
				break;
			g->width[widest]--;
			excess--;
		}
	}
}

/* The text with line breaks, in place of the old one. */
static char *broken(char *s, int width)
{
	if (text_width(s) <= width)
		return s;
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (size_t from = 0, next; s[from]; from += next) {
		size_t n = text_break(s + from, width, &next);
		strbuf_puts(&b, from ? "\n" : "");
		strbuf_add(&b, s + from, n);
	}
	free(s);
	return b.s;
}

/* The heads are a line like the others, for the library breaks no heads. */
static int fill_table(struct libscols_table *t, struct grid *g, const struct block *b,
	const struct text_style *style)
{
	for (size_t i = 0; i < g->n_columns; i++) {
		struct libscols_column *c = scols_table_new_column(
			t, NULL, 0, SCOLS_FL_WRAP | (b->columns[i].is_right ? SCOLS_FL_RIGHT : 0));
		if (!c || scols_column_set_safechars(c, "\n") ||
			scols_column_set_wrapfunc(
				c, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL))
			return -ENOMEM;
	}
	for (size_t line = 0; line < g->n_lines; line++) {
		struct libscols_line *l = scols_table_new_line(t, NULL);
		for (size_t i = 0; l && i < g->n_columns; i++) {
			char **text = &g->text[line * g->n_columns + i];
			*text = broken(*text, g->width[i]);
			if (scols_line_set_data(l, i, *text))
				return -ENOMEM;
			if (!line && style->has_colour)
				scols_cell_set_color(scols_line_get_cell(l, i), "\033[1m");
		}
		if (!l)
			return -ENOMEM;
	}
	return 0;
}

static int print_table(const struct block *b, FILE *f, const struct text_style *style)
{
	if (!json_array_size(b->rows)) {
		fputs("(none)\n", f);
		return 0;
	}
	CLEANUP(grid_done) struct grid g = grid_of(b, style->has_utf8);
	grid_fit(&g, b, style->width);
	struct libscols_table *t = scols_new_table();
	if (!t)
		return -ENOMEM;
	/* The widths are ours already: the library must not cut. */
	scols_table_set_termforce(t, SCOLS_TERMFORCE_ALWAYS);
	scols_table_set_termwidth(t, 10000);
	scols_table_enable_nowrap(t, 0);
	scols_table_enable_noheadings(t, 1);
	/* What is not for terminals is cleaned already; a backslash is itself: "\\x2d" of systemd.
	 */
	scols_table_enable_noencoding(t, 1);
	scols_table_enable_colors(t, style->has_colour);
	scols_table_enable_ascii(t, !style->has_utf8);
	scols_table_set_stream(t, f);
	int r = scols_table_set_column_separator(t, "  ");
	r = r ? r : fill_table(t, &g, b, style);
	r = r ? r : scols_print_table(t);
	scols_unref_table(t);
	return r;
}

static char *clean_lines(const char *text, bool has_utf8)
{
	struct strbuf b = { 0 };
	AUTO_FREE char *lines = xstrdup(text);
	char *next = lines;
	strbuf_puts(&b, "");
	for (char *line; (line = str_next_line(&next));) {
		AUTO_FREE char *clean = text_clean(line, has_utf8);
		strbuf_printf(&b, "%s%s", b.n ? "\n" : "", clean);
	}
	return b.s;
}

static void print_prose(const struct block *b, FILE *f, const struct text_style *style)
{
	static const struct {
		const char *prefix, *attr;
	} looks[] = {
		[BLOCK_HEADING] = { "", "1" },
		[BLOCK_TEXT] = { "", "" },
		[BLOCK_NOTE] = { "note: ", "2" },
		[BLOCK_WARNING] = { "warning: ", "1;33" },
	};
	const char *prefix = looks[b->kind].prefix, *attr = looks[b->kind].attr;
	int width = style->width < PROSE_WIDTH ? style->width : PROSE_WIDTH;
	AUTO_FREE char *text = clean_lines(b->text, style->has_utf8);
	if (*attr)
		text_attr(f, style, attr);
	fputs(prefix, f);
	if (b->kind == BLOCK_WARNING)
		text_attr(f, style, ""); /* only the word shouts, the sentence is to be read */
	text_wrap(f, text, width, (int)strlen(prefix));
	if (*attr && b->kind != BLOCK_WARNING)
		text_attr(f, style, "");
}

static void print_code(const struct block *b, FILE *f, const struct text_style *style)
{
	AUTO_FREE char *text = clean_lines(b->text, style->has_utf8);
	fprintf(f, "    %s\n", text);
}

/* Air between blocks, but none below a heading, above code, nor between lines of the same kind of
 * remark. */
static bool wants_gap(const struct block *above, const struct block *b)
{
	bool is_remark = b->kind == BLOCK_NOTE || b->kind == BLOCK_WARNING;
	return b->kind != BLOCK_CODE && above->kind != BLOCK_HEADING &&
		!(is_remark && above->kind == b->kind);
}

static int print_blocks(const struct report *r, FILE *f, const struct text_style *style)
{
	for (size_t i = 0; i < r->blocks.n; i++) {
		const struct block *b = &r->blocks.v[i];
		int error = 0;
		if (i && wants_gap(b - 1, b))
			fputc('\n', f);
		if (b->kind == BLOCK_TABLE)
			error = print_table(b, f, style);
		else if (b->kind == BLOCK_PICTURE)
			picture_print_text(b->picture, f, style);
		else if (b->kind == BLOCK_CODE)
			print_code(b, f, style);
		else
			print_prose(b, f, style);
		if (error)
			return error;
	}
	return 0;
}

int report_print_text(
	const struct report *r, FILE *f, const struct text_style *style, struct err *e)
{
	/* libsmartcols measures texts as the locale says; ours are what the style says. */
	locale_t ours = newlocale(LC_CTYPE_MASK, style->has_utf8 ? "C.UTF-8" : "C", (locale_t)0);
	locale_t before = ours ? uselocale(ours) : (locale_t)0;
	errno = 0;
	int error = print_blocks(r, f, style);
	if (!error && (fflush(f) || ferror(f)))
		error = errno ? -errno : -EIO;
	if (ours) {
		uselocale(before);
		freelocale(ours);
	}
	return error ? err_set(e, error, "write report") : 0;
}
