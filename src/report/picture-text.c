/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The picture in characters: a canvas that boxes and cells are painted on, then printed by line.
 * A cell is its label, its owner's symbol, its mark, its heat: "14 Av0▃". The symbol stays where
 * there is colour, for everybody who cannot tell the colours apart.
 */
#include <math.h>
#include <string.h>

#include "report/internal.h"

enum { DEPTH_MAX = 8 };
enum { PLAIN = -1, DIM = -2, BOLD = -3 }; /* or the number of an owner */

enum { LINE_H, LINE_V, TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT, N_LINES };

static const char *const lines_utf8[N_LINES] = { "─", "│", "┌", "┐", "└", "┘" };
static const char *const lines_ascii[N_LINES] = { "-", "|", "+", "+", "+", "+" };

static const char *const heat_utf8[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
static const char *const heat_ascii[] = { "_", ".", ":", "-", "=", "+", "*", "#" };

struct glyph {
	char c[8]; /* one character in UTF-8; "" is a blank */
	int paint;
};

struct canvas {
	const struct text_style *style;
	const char *const *lines;
	int w, h;
	int label_w, mark_w; /* of every cell */
	bool has_heat;
	struct glyph *at;
};

static void put(struct canvas *c, int x, int y, const char *s, size_t n, int paint)
{
	if (x < 0 || y < 0 || x >= c->w || y >= c->h || n >= sizeof c->at->c)
		return;
	struct glyph *g = &c->at[y * c->w + x];
	memcpy(g->c, s, n);
	g->c[n] = 0;
	g->paint = paint;
}

/* Text in at most so many columns; what is too long ends in a mark. Takes s. */
static void put_text(struct canvas *c, int x, int y, char *s, int room, int paint)
{
	AUTO_FREE char *text = s;
	bool is_cut = text_width(text) > room;
	const char *p = text;
	for (int i = 0; *p && i < room; i++) {
		size_t n = 1;
		while ((p[n] & 0xc0) == 0x80)
			n++;
		if (is_cut && i == room - 1)
			put(c, x + i, y, "~", 1, paint);
		else
			put(c, x + i, y, p, n, paint);
		p += n;
	}
}

static void put_line(struct canvas *c, int x, int y, int line)
{
	put(c, x, y, c->lines[line], strlen(c->lines[line]), DIM);
}

static void draw_box(struct canvas *c, const struct item *item, const struct place *at)
{
	int right = at->x + at->w - 1, bottom = at->y + at->h - 1;
	for (int x = at->x + 1; x < right; x++) {
		put_line(c, x, at->y, LINE_H);
		put_line(c, x, bottom, LINE_H);
	}
	for (int y = at->y + 1; y < bottom; y++) {
		put_line(c, at->x, y, LINE_V);
		put_line(c, right, y, LINE_V);
	}
	put_line(c, at->x, at->y, TOP_LEFT);
	put_line(c, right, at->y, TOP_RIGHT);
	put_line(c, at->x, bottom, BOTTOM_LEFT);
	put_line(c, right, bottom, BOTTOM_RIGHT);

	char *title = text_clean(item->text, c->style->has_utf8);
	AUTO_FREE char *padded = xasprintf(" %s ", title);
	free(title);
	put_text(c, at->x + 1, at->y, TAKE(padded), at->w - 2, BOLD);
	if (!item->note)
		return;
	char *note = text_clean(item->note, c->style->has_utf8);
	AUTO_FREE char *spaced = xasprintf(" %s ", note);
	free(note);
	int w = text_width(spaced), room = at->w - 2;
	int x = right - (w < room ? w : room);
	put_text(c, x, at->is_note_apart ? bottom : at->y, TAKE(spaced), room, PLAIN);
}

struct fact_place {
	struct canvas *c;
	const struct place *at;
	int x, y;
};

static void draw_fact(void *context, const char *text, int x, int line, int w)
{
	const struct fact_place *f = context;
	int room = f->at->w - 2 - x - (f->x - f->at->x);
	(void)w;
	put_text(f->c, f->x + x, f->y + line, text_clean(text, f->c->style->has_utf8), room, PLAIN);
}

static const char *heat_glyph(double heat, bool has_utf8)
{
	if (heat < 0)
		return " ";
	int n = (int)N_ELEMENTS(heat_utf8), level = (int)lround(heat * (n - 1));
	return has_utf8 ? heat_utf8[level] : heat_ascii[level];
}

static void draw_cell(struct canvas *c, const struct layout *l, const struct item *item,
	const struct place *at, bool is_joined)
{
	const struct picture *p = l->p;
	char *label = text_clean(item->text, c->style->has_utf8);
	char *mark = text_clean(item->note ? item->note : "", c->style->has_utf8);
	char *s = xasprintf(" %*s%s%c%-*s%s", c->label_w, label, c->mark_w ? " " : "",
		p->owners.v[item->owner].symbol, c->mark_w, mark,
		c->has_heat ? heat_glyph(item->heat, c->style->has_utf8) : "");
	free(label);
	free(mark);
	put_text(c, at->x, at->y, s, at->w, item->owner);
	if (is_joined)
		put(c, at->x, at->y, c->lines[LINE_V], strlen(c->lines[LINE_V]), item->owner);
}

static void draw(struct canvas *c, const struct layout *l, int i)
{
	const struct item *item = &l->p->items.v[i];
	bool is_core = i && !item->text, is_later = false;
	if (i && item->text) {
		const struct place *at = &l->at[i];
		struct fact_place f = { c, at, at->x + l->m.pad_x, at->y + l->m.pad_top };
		draw_box(c, item, at);
		layout_facts(l->p, &l->m, i, at->w - 2 * l->m.pad_x, draw_fact, &f);
	}
	for_each_child (child, l->p, i) {
		const struct item *inner = &l->p->items.v[child];
		if (inner->is_cell)
			draw_cell(c, l, inner, &l->at[child], is_core && is_later && l->m.is_flat);
		else
			draw(c, l, child);
		is_later = true;
	}
}

static const char *attr_of(const struct canvas *c, const struct picture *p, int paint)
{
	if (paint == DIM || paint == BOLD)
		return paint == DIM ? "2" : "1";
	if (paint == PLAIN)
		return "";
	const struct look *look = owner_look(&p->owners.v[paint]);
	return c->style->has_256_colours ? look->attr_256 : look->attr_8;
}

static void print_canvas(const struct canvas *c, const struct picture *p, FILE *f)
{
	for (int y = 0; y < c->h; y++) {
		const struct glyph *line = &c->at[y * c->w];
		const char *now = "";
		int end = c->w;
		while (end && !*line[end - 1].c)
			end--;
		for (int x = 0; x < end; x++) {
			const char *attr = *line[x].c ? attr_of(c, p, line[x].paint) : "";
			if (strcmp(attr, now)) {
				text_attr(f, c->style, "");
				if (*attr)
					text_attr(f, c->style, attr);
				now = attr;
			}
			fputs(*line[x].c ? line[x].c : " ", f);
		}
		if (*now)
			text_attr(f, c->style, "");
		fputc('\n', f);
	}
}

/* The columns of the legend: as wide as the widest entry, names longer than half a line apart. */
struct legend_widths {
	int label, count;
};

static struct legend_widths legend_widths(
	const struct legend_entry *legend, size_t n, const struct text_style *style)
{
	struct legend_widths w = { 0, 1 };
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *label = text_clean(legend[i].owner->label, style->has_utf8);
		int width = text_width(label), digits = snprintf(NULL, 0, "%d", legend[i].n_cells);
		if (width > w.label && width <= style->width / 2)
			w.label = width;
		if (digits > w.count)
			w.count = digits;
	}
	return w;
}

static void print_entry(const struct legend_entry *entry, FILE *f, const struct text_style *style,
	struct legend_widths w)
{
	AUTO_FREE char *label = text_clean(entry->owner->label, style->has_utf8);
	const char *cpus = entry->n_cells == 1 ? "CPU" : "CPUs";
	int pad = w.label - text_width(label);
	if (pad < 0) {
		AUTO_FREE char *s =
			xasprintf("%s  %d %s  %s", label, entry->n_cells, cpus, entry->cells);
		text_wrap(f, s, style->width, 4);
		return;
	}
	fprintf(f, "%s%*s  %*d %-4s  ", label, pad, "", w.count, entry->n_cells, cpus);
	text_wrap(f, entry->cells, style->width, 4 + w.label + 2 + w.count + 7);
}

/* The scale is never broken: where it does not fit it has a line of its own. */
static void print_heat_legend(const struct picture *p, FILE *f, const struct text_style *style)
{
	AUTO_FREE char *clean = text_clean(p->heat_label, style->has_utf8);
	AUTO_FREE char *label = xasprintf("%s:", clean);
	AUTO_FREE char *scale = xasprintf("%s 0 %%  %s 100 %%", heat_glyph(0, style->has_utf8),
		heat_glyph(1, style->has_utf8));
	bool fits = 1 + text_width(label) + 1 + text_width(scale) <= style->width;
	fputc(' ', f);
	if (fits)
		fprintf(f, "%s ", label);
	else
		text_wrap(f, label, style->width, 1);
	fprintf(f, "%s%s\n", fits ? "" : " ", scale);
}

static void print_legend(
	const struct picture *p, FILE *f, const struct text_style *style, bool is_flat)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	const struct canvas c = { .style = style };
	const char *hint = picture_hint(p, is_flat);
	size_t n;
	struct legend_entry *legend = picture_legend(p, &a, &n);
	struct legend_widths w = legend_widths(legend, n, style);
	for (size_t i = 0; i < n; i++) {
		const struct owner *o = legend[i].owner;
		const char *attr = attr_of(&c, p, (int)(o - p->owners.v));
		if (*attr)
			text_attr(f, style, attr);
		fprintf(f, " %c ", o->symbol);
		if (*attr)
			text_attr(f, style, "");
		fputc(' ', f);
		print_entry(&legend[i], f, style, w);
	}
	if (hint) {
		fputc(' ', f);
		text_wrap(f, hint, style->width, 1);
	}
	if (picture_has_heat(p))
		print_heat_legend(p, f, style);
}

/* Siblings below each other or beside each other, whichever needs fewer lines here. */
static void lay_out(struct layout *l, const struct picture *p, const struct text_style *style)
{
	int mark_w = picture_mark_width(p);
	struct metrics m = {
		.cell_w = 1 + picture_label_width(p) + (mark_w ? 1 : 0) + 1 + mark_w +
			picture_has_heat(p),
		.cell_h = 1,
		.grid_gap_x = 1,
		.grid_gap_y = picture_hint(p, false) ? 1 : 0,
		.box_gap_x = 1,
		.pad_x = 2,
		.pad_top = 1,
		.pad_bottom = 1,
		.title_extra = 3,
		.title_alone = 1,
		.char_w = 1,
		.fact_h = 1,
		.fact_char_w = 1,
		.fact_extra = 2,
		.is_fact_cut = true,
	};
	layout_run(l, p, &m, style->width);
	if (!picture_hint(p, false))
		return;
	m.is_flat = true;
	m.grid_gap_y = 0;
	struct layout flat;
	layout_run(&flat, p, &m, style->width);
	struct layout loser = flat;
	if (flat.at[0].h < l->at[0].h) {
		loser = *l;
		*l = flat;
	}
	layout_done(&loser);
}

/* Boxes of the same depth have their notes in the same line: where it is too long for one title,
 * below for all. */
static void align_notes(struct layout *l, int i, int depth, bool is_apart[DEPTH_MAX], bool is_told)
{
	for_each_child (c, l->p, i) {
		if (l->p->items.v[c].is_cell || !l->p->items.v[c].text || depth == DEPTH_MAX)
			continue;
		if (is_told)
			l->at[c].is_note_apart = is_apart[depth];
		else
			is_apart[depth] |= l->at[c].is_note_apart;
		align_notes(l, c, depth + 1, is_apart, is_told);
	}
}

void picture_print_text(const struct picture *p, FILE *f, const struct text_style *style)
{
	AUTO_LAYOUT struct layout l = { 0 };
	bool is_apart[DEPTH_MAX] = { 0 };
	lay_out(&l, p, style);
	align_notes(&l, 0, 0, is_apart, false);
	align_notes(&l, 0, 0, is_apart, true);
	struct canvas c = {
		.style = style,
		.lines = style->has_utf8 ? lines_utf8 : lines_ascii,
		.w = l.at[0].w,
		.h = l.at[0].h,
		.label_w = picture_label_width(p),
		.mark_w = picture_mark_width(p),
		.has_heat = picture_has_heat(p),
	};
	AUTO_FREE struct glyph *glyphs = xcalloc((size_t)c.w * c.h, sizeof *glyphs);
	c.at = glyphs;
	draw(&c, &l, 0);
	if (p->title && *p->title) {
		AUTO_FREE char *title = text_clean(p->title, style->has_utf8);
		text_attr(f, style, "1");
		text_wrap(f, title, style->width, 0);
		text_attr(f, style, "");
	}
	print_canvas(&c, p, f);
	print_legend(p, f, style, l.m.is_flat);
}
