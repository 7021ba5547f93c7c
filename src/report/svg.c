/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures as one SVG document, for the web and for paper. Whole pixels only, so that no locale's
 * decimal comma gets in. Every colour comes with the owner's letter, and with a pattern once the
 * colours are used up.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "report/internal.h"

enum {
	MARGIN = 28,
	TITLE_H = 44,
	CELL_W = 42,
	CELL_H = 40,
	HEAT_H = 6,
	TITLE_CHAR_W = 8, /* of 13 px semi-bold: a little more than needed */
	LEGEND_CHAR_W = 8,
	LEGEND_H = 34,
	LEGEND_GAP = 36,
	SWATCH_W = 34,
	FACT_H = 26,
	FACT_CHAR_W = 7,
	BAR_H = 18,
};

/* Writes text as XML character data, also fit for attributes. */
static void put_escaped(FILE *f, const char *s)
{
	AUTO_FREE char *clean = text_clean(s, true);
	for (const char *p = clean; *p; p++) {
		switch (*p) {
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '&':
			fputs("&amp;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		case '\'':
			fputs("&#39;", f);
			break;
		default:
			fputc(*p, f);
		}
	}
}

static void put_text(FILE *f, const char *class, int x, int y, const char *text)
{
	fprintf(f, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
	put_escaped(f, text);
	fputs("</text>\n", f);
}

static void put_rect(FILE *f, int x, int y, int w, int h, int radius, const char *attributes)
{
	fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\" %s/>\n", x, y, w,
		h, radius, attributes);
}

/* Text on an owner's surface; around it the pattern gives way, so that it can be read. */
static void put_ink(
	FILE *f, const char *class, int x, int y, const struct owner *o, const char *text)
{
	const struct look *look = owner_look(o);
	fprintf(f, "<text class=\"%s\" x=\"%d\" y=\"%d\" fill=\"%s\"", class, x, y, look->ink);
	if (o->round)
		fprintf(f, " stroke=\"%s\" stroke-width=\"4\" paint-order=\"stroke\"", look->fill);
	fputc('>', f);
	put_escaped(f, text);
	fputs("</text>\n", f);
}

/* The owner's surface: fill, border, and from the second round of colours on a pattern on top. */
static void put_surface(FILE *f, const struct owner *o, int x, int y, int w, int h)
{
	const struct look *look = owner_look(o);
	const char *stroke =
		o->style == OWNER_VM || o->style == OWNER_RESERVED ? "#1f2933" : "#9aa5b1";
	AUTO_FREE char *attributes = xasprintf("fill=\"%s\" stroke=\"%s\" stroke-opacity=\".55\"%s",
		look->fill, stroke, o->style == OWNER_OFFLINE ? " stroke-dasharray=\"3 2\"" : "");
	put_rect(f, x, y, w, h, 4, attributes);
	if (!o->round)
		return;
	AUTO_FREE char *pattern = xasprintf("fill=\"url(#wb-round%d)\"", (o->round - 1) % 3 + 1);
	put_rect(f, x, y, w, h, 4, pattern);
}

static void put_heat(FILE *f, double heat, int x, int y, int w)
{
	int full = w - 8, on = (int)lround(heat * full);
	put_rect(f, x + 4, y, full, HEAT_H, 1, "fill=\"#ffffff\" stroke=\"#1f2933\"");
	if (on)
		put_rect(f, x + 4, y, on, HEAT_H, 1, "fill=\"#1f2933\"");
}

static void put_cell(
	FILE *f, const struct layout *l, const struct item *item, const struct place *at)
{
	const struct owner *o = &l->p->owners.v[item->owner];
	bool is_bare = o->style == OWNER_FREE && !item->note; /* white says enough */
	AUTO_FREE char *who =
		xasprintf("%c%s%s", o->symbol, item->note ? " " : "", item->note ? item->note : "");
	fputs("<g><title>CPU ", f);
	put_escaped(f, item->text);
	fputs(": ", f);
	put_escaped(f, o->label);
	if (item->note) {
		fputs(", ", f);
		put_escaped(f, item->note);
	}
	if (item->heat >= 0) {
		AUTO_FREE char *heat = unit_format(UNIT_FRACTION, item->heat);
		fputs(", ", f);
		put_escaped(f, l->p->heat_label);
		fprintf(f, " %s", heat);
	}
	fputs("</title>\n", f);
	put_surface(f, o, at->x, at->y, at->w, at->h);
	put_ink(f, "cpu", at->x + at->w / 2, at->y + (is_bare ? 25 : 18), o, item->text);
	if (!is_bare)
		put_ink(f, "who", at->x + at->w / 2, at->y + 33, o, who);
	if (item->heat >= 0)
		put_heat(f, item->heat, at->x, at->y + at->h - HEAT_H - 4, at->w);
	fputs("</g>\n", f);
}

struct fact_place {
	FILE *f;
	int x, y;
};

static void put_fact(void *context, const char *text, int x, int line, int w)
{
	const struct fact_place *at = context;
	int left = at->x + x, top = at->y + line * FACT_H;
	put_rect(at->f, left, top, w - 8, FACT_H - 6, 10, "fill=\"#ffffff\" stroke=\"#627d98\"");
	put_text(at->f, "fact", left + 10, top + 15, text);
}

/* Shares of a box's memory, from the left: dark, striped, the rest white. */
static const char *const bar_looks[PICTURE_BAR_PARTS + 1] = {
	"fill=\"#486581\"",
	"fill=\"url(#wb-bar)\"",
	"fill=\"#ffffff\"",
};

static void put_bar(FILE *f, const struct item *item, int x, int y, int w)
{
	int left = x;
	put_rect(f, x, y, w, BAR_H - 8, 2, bar_looks[PICTURE_BAR_PARTS]);
	for (int i = 0; i < PICTURE_BAR_PARTS; i++) {
		int part = (int)lround(item->bar[i] * w);
		if (part)
			put_rect(f, left, y, part, BAR_H - 8, 0, bar_looks[i]);
		left += part;
	}
	put_rect(f, x, y, w, BAR_H - 8, 2, "fill=\"none\" stroke=\"#486581\"");
}

/* What stands below the title: the memory bar, then facts. */
static void put_head(FILE *f, const struct layout *l, int i)
{
	const struct item *item = &l->p->items.v[i];
	const struct place *at = &l->at[i];
	const struct metrics *m = &l->m;
	int inner_w = at->w - 2 * m->pad_x;
	struct fact_place place = { f, at->x + m->pad_x, at->y + m->pad_top };
	place.y += at->is_note_apart ? m->note_h : 0;
	if (item->has_bar) {
		put_bar(f, item, place.x, place.y, inner_w);
		place.y += m->bar_h;
	}
	layout_facts(l->p, m, i, inner_w, put_fact, &place);
}

static void put_box(FILE *f, const struct item *item, const struct place *at, int depth)
{
	static const char *const looks[] = {
		"fill=\"#eef2f6\" stroke=\"#9fb3c8\"",
		"fill=\"#ffffff\" stroke=\"#9fb3c8\"",
		"fill=\"#f5f7fa\" stroke=\"#9fb3c8\"",
	};
	int inset = 14;
	put_rect(f, at->x, at->y, at->w, at->h, 9, looks[depth % 3]);
	put_text(f, "box", at->x + inset, at->y + 21, item->text);
	if (!item->note)
		return;
	if (at->is_note_apart)
		put_text(f, "note", at->x + inset, at->y + 39, item->note);
	else
		put_text(f, "note end", at->x + at->w - inset, at->y + 21, item->note);
}

static void put_item(FILE *f, const struct layout *l, int i, int depth)
{
	const struct item *item = &l->p->items.v[i];
	const struct place *at = &l->at[i];
	if (item->is_cell) {
		put_cell(f, l, item, at);
		return;
	}
	if (i && item->text) {
		put_box(f, item, at, depth - 1);
		put_head(f, l, i);
	} else if (i) {
		put_rect(f, at->x, at->y, at->w, at->h, 6, "fill=\"#dde4ec\" stroke=\"#b8c4d0\"");
	}
	for_each_child (c, l->p, i)
		put_item(f, l, c, depth + 1);
}

/* s, or its beginning when it is too long. */
static char *shortened(const char *s, int room)
{
	size_t next, n = text_break(s, room < 12 ? 12 : room, &next);
	return xasprintf("%.*s%s", (int)n, s, s[n] ? " …" : "");
}

/* One entry at its place: swatch, name, and "6 CPUs: 2-7". */
static void put_entry(FILE *f, const struct legend_entry *e, int x, int y, int w)
{
	const struct owner *o = e->owner;
	char symbol[] = { o->symbol, 0 };
	int text_x = SWATCH_W + 10, room = (w - text_x) / LEGEND_CHAR_W - 2;
	AUTO_FREE char *name = shortened(o->label, room - 14), *cpus = NULL, *detail = NULL;
	cpus = xasprintf("%d CPU%s: %s", e->n_cells, e->n_cells == 1 ? "" : "s", e->cells);
	detail = shortened(cpus, room - text_width(name));
	put_surface(f, o, x, y, SWATCH_W, 24);
	if (o->style != OWNER_FREE)
		put_ink(f, "cpu", x + SWATCH_W / 2, y + 17, o, symbol);
	fprintf(f, "<text class=\"legend\" x=\"%d\" y=\"%d\"><tspan class=\"name\">", x + text_x,
		y + 17);
	put_escaped(f, name);
	fputs("</tspan><tspan dx=\"10\">", f);
	put_escaped(f, detail);
	fputs("</tspan></text>\n", f);
}

/* Draws the legend in as many columns as fit; returns its height. */
static int put_legend(FILE *f, const struct picture *p, int y, int width)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	size_t n;
	struct legend_entry *legend = picture_legend(p, &a, &n);
	int widest = 0;
	for (size_t i = 0; i < n; i++) {
		int chars = text_width(legend[i].owner->label) + text_width(legend[i].cells) + 16;
		widest = chars > widest ? chars : widest;
	}
	int w = SWATCH_W + 10 + widest * LEGEND_CHAR_W, columns = (width + 24) / (w + 24);
	columns = columns < 1 ? 1 : columns > 4 ? 4 : columns;
	w = w < width ? w : width;
	for (int i = 0; i < (int)n; i++)
		put_entry(f, &legend[i], i % columns * (w + 24), y + i / columns * LEGEND_H, w);
	return ((int)n + columns - 1) / columns * LEGEND_H;
}

/* What the parts of memory bars mean. */
static int put_bar_guide(FILE *f, const struct picture *p, int y)
{
	int x = 0;
	if (!picture_has_bar(p))
		return 0;
	for (int i = 0; i <= PICTURE_BAR_PARTS; i++) {
		put_rect(f, x, y + 6, SWATCH_W, BAR_H - 8, 2, bar_looks[i]);
		put_rect(f, x, y + 6, SWATCH_W, BAR_H - 8, 2, "fill=\"none\" stroke=\"#486581\"");
		put_text(f, "note", x + SWATCH_W + 8, y + 16, p->bar_labels[i]);
		x += SWATCH_W + 32 + text_width(p->bar_labels[i]) * LEGEND_CHAR_W;
	}
	return 24;
}

/* A sentence in as many lines as it needs; returns their height. */
static int put_sentence(FILE *f, int y, const char *s, int width)
{
	int h = 0;
	for (size_t next; *s; s += next, h += 20) {
		AUTO_FREE char *line = xstrndup(s, text_break(s, width / LEGEND_CHAR_W, &next));
		put_text(f, "note", 0, y + h + 16, line);
	}
	return h ? h + 4 : 0;
}

/* How to read the picture; returns its height. */
static int put_guide(FILE *f, const struct picture *p, int y, int width)
{
	const char *hint = picture_hint(p, false);
	bool has_heat = picture_has_heat(p);
	AUTO_FREE char *s = xasprintf("%s%s%s%s", hint ? hint : "", hint && has_heat ? ". " : "",
		has_heat ? "Bar in a cell: " : "", has_heat ? p->heat_label : "");
	int h = put_sentence(f, y, s, width);
	return h + put_bar_guide(f, p, y + h);
}

/* Pictures on paper and screens are wide rather than high. */
static void lay_out(struct layout *l, const struct picture *p)
{
	static const int widths[] = { 540, 640, 800, 960, 1120, 1280, 1440, 1680, 1920, 2240,
		2560 };
	int mark_w = picture_mark_width(p);
	struct metrics m = {
		.cell_w = CELL_W + (mark_w > 2 ? 8 * (mark_w - 2) : 0),
		.cell_h = CELL_H + (picture_has_heat(p) ? HEAT_H + 2 : 0),
		.is_centred = true,
		.sibling_gap = 3,
		.core_pad = picture_hint(p, false) ? 4 : 0,
		.grid_gap_x = 6,
		.grid_gap_y = 6,
		.box_gap_x = 14,
		.box_gap_y = 14,
		.pad_x = 14,
		.pad_top = 32,
		.pad_bottom = 14,
		.note_h = 18,
		.title_extra = 26,
		.fact_h = FACT_H,
		.fact_char_w = FACT_CHAR_W,
		.fact_extra = 28,
		.bar_h = BAR_H,
		.char_w = TITLE_CHAR_W,
	};
	for (size_t i = 0; i < N_ELEMENTS(widths); i++) {
		layout_done(l);
		layout_run(l, p, &m, widths[i]);
		if (l->at[0].h * 5 <= l->at[0].w * 4)
			break;
	}
}

static int legend_width(const struct layout *l)
{
	return l->at[0].w < 540 ? 540 : l->at[0].w;
}

/* Draws one picture at its place; returns its height. */
static int put_picture(FILE *f, const struct layout *l, int y)
{
	const struct picture *p = l->p;
	int below = TITLE_H + l->at[0].h + LEGEND_GAP;
	fprintf(f, "<g transform=\"translate(%d %d)\">\n", MARGIN, y);
	put_text(f, "title", 0, 22, p->title);
	fprintf(f, "<g transform=\"translate(0 %d)\">\n", TITLE_H);
	put_item(f, l, 0, 0);
	fputs("</g>\n", f);
	below += put_legend(f, p, below - 10, legend_width(l));
	below += put_guide(f, p, below - 10, legend_width(l));
	fputs("</g>\n", f);
	return below - 10;
}

static const char head[] =
	"<style>\n"
	"text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
	".title{font-size:20px;font-weight:700}\n"
	".box{font-size:13px;font-weight:600}\n"
	".note,.legend{font-size:13px;fill:#486581}\n"
	".fact{font-size:12px;fill:#334e68}\n"
	".name{font-weight:600;fill:#1f2933}\n"
	".end{text-anchor:end}\n"
	".cpu{font-size:15px;font-weight:700;text-anchor:middle}\n"
	".who{font-size:11px;font-weight:600;text-anchor:middle}\n"
	"</style>\n"
	"<defs>\n"
	"<pattern id=\"wb-offline\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
	"<rect width=\"6\" height=\"6\" fill=\"#f5f7fa\"/>"
	"<path d=\"M-1 1L1 -1M0 6L6 0M5 7L7 5\" stroke=\"#b8c4d0\"/></pattern>\n"
	"<pattern id=\"wb-bar\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\">"
	"<rect width=\"5\" height=\"5\" fill=\"#bcccdc\"/>"
	"<path d=\"M0 0V5\" stroke=\"#486581\" stroke-width=\"2\"/></pattern>\n"
	"<pattern id=\"wb-round1\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
	"<path d=\"M-2 2L2 -2M0 8L8 0M6 10L10 6\" stroke=\"#fff\" stroke-opacity=\".6\" "
	"stroke-width=\"2\"/></pattern>\n"
	"<pattern id=\"wb-round2\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\">"
	"<circle cx=\"2\" cy=\"2\" r=\"1.4\" fill=\"#fff\" fill-opacity=\".75\"/></pattern>\n"
	"<pattern id=\"wb-round3\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
	"<path d=\"M0 3H6\" stroke=\"#fff\" stroke-opacity=\".6\" stroke-width=\"2\"/></pattern>\n"
	"</defs>\n";

int report_print_svg(const struct report *r, FILE *f, struct err *e)
{
	int width = 0, height = MARGIN;
	ARRAY(struct layout) layouts = { 0 };
	array_for_each (b, &r->blocks) {
		if (b->kind != BLOCK_PICTURE)
			continue;
		struct layout *l = array_push(&layouts);
		lay_out(l, b->picture);
		width = legend_width(l) > width ? legend_width(l) : width;
	}
	/* The heights are known when the legends are drawn: draw first, put the head before it. */
	char *body = NULL;
	size_t n_body = 0;
	FILE *m = open_memstream(&body, &n_body);
	if (!m)
		abort();
	array_for_each (l, &layouts) {
		height += put_picture(m, l, height) + MARGIN;
		layout_done(l);
	}
	free(layouts.v);
	fclose(m);
	errno = 0;
	fprintf(f,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\" fill=\"#1f2933\">\n",
		width + 2 * MARGIN, height, width + 2 * MARGIN, height);
	fprintf(f, "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n%s%s</svg>\n",
		width + 2 * MARGIN, height, head, body ? body : "");
	free(body);
	if (fflush(f) || ferror(f))
		return err_set(e, errno ? -errno : -EIO, "write SVG");
	return 0;
}
