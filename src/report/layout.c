/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places a picture's boxes and cells.
 *
 * measure() finds, bottom-up, how small an item can be in the width it is given, and remembers how
 * it got there; place() then hands out positions top-down. A box shows its cells and cores first,
 * as a grid, and below them the boxes inside it, in the number of columns that needs least height.
 */
#include <limits.h>

#include "report/internal.h"

static void measure(struct layout *l, int i, int max_w);

static bool is_box(const struct layout *l, int i)
{
	return !l->p->items.v[i].is_cell && l->p->items.v[i].text;
}

static int max_int(int a, int b)
{
	return a > b ? a : b;
}

/* Cores in one line: as many as fit, but an even split rather than a ragged last line. */
static int cores_per_row(int n, int fit)
{
	if (fit >= n)
		return max_int(n, 1);
	for (int k = fit; k > fit / 2; k--) {
		if (n % k == 0)
			return k;
	}
	int n_rows = (n + fit - 1) / fit;
	return (n + n_rows - 1) / n_rows;
}

/* The grid of cells and cores directly in item i: the size of its largest, and how many. */
static int grid_size(const struct layout *l, int i, int *ret_w, int *ret_h)
{
	int n = 0;
	*ret_w = *ret_h = 0;
	for_each_child (c, l->p, i) {
		if (is_box(l, c))
			continue;
		n++;
		*ret_w = max_int(*ret_w, l->at[c].w);
		*ret_h = max_int(*ret_h, l->at[c].h);
	}
	return n;
}

static void measure_grid(struct layout *l, int i, int inner_w, int *ret_w, int *ret_h)
{
	int w, h, gap_x = l->m.grid_gap_x, gap_y = l->m.grid_gap_y;
	for_each_child (c, l->p, i) {
		if (!is_box(l, c))
			measure(l, c, inner_w);
	}
	int n = grid_size(l, i, &w, &h);
	*ret_w = *ret_h = 0;
	if (!n)
		return;
	int k = cores_per_row(n, max_int(1, (inner_w + gap_x) / (w + gap_x)));
	int n_rows = (n + k - 1) / k;
	l->at[i].per_row = k;
	*ret_w = k * (w + gap_x) - gap_x;
	*ret_h = n_rows * (h + gap_y) - gap_y;
}

/* The boxes inside item i in so many columns: false when they are too wide for that. */
static bool try_columns(struct layout *l, int i, int inner_w, int columns, int *ret_w, int *ret_h)
{
	int gap = l->m.box_gap_x, gap_y = l->m.box_gap_y;
	int room = (inner_w - (columns - 1) * gap) / columns;
	int n = 0, w = 0, h = -gap_y, row_h = 0;
	for_each_child (c, l->p, i) {
		if (!is_box(l, c))
			continue;
		measure(l, c, room);
		w = max_int(w, l->at[c].w);
		if (columns > 1 && w > room)
			return false;
		row_h = max_int(n % columns ? row_h : 0, l->at[c].h);
		if (++n % columns == 0) {
			h += row_h + gap_y;
			row_h = 0;
		}
	}
	if (n % columns)
		h += row_h + gap_y;
	*ret_w = columns * (w + gap) - gap;
	*ret_h = h;
	return true;
}

static void measure_boxes(struct layout *l, int i, int inner_w, int *ret_w, int *ret_h)
{
	int n = 0, best = 1, best_cost = INT_MAX, w, h;
	for_each_child (c, l->p, i)
		n += is_box(l, c);
	*ret_w = *ret_h = 0;
	if (!n)
		return;
	for (int columns = 1; columns <= n; columns++) {
		if (!try_columns(l, i, inner_w, columns, &w, &h))
			break;
		/* A hole in the last line is worth a little more height. */
		int cost = n % columns ? h * 6 : h * 5;
		if (cost < best_cost) {
			best = columns;
			best_cost = cost;
		}
	}
	(void)try_columns(l, i, inner_w, best, ret_w, ret_h);
	l->at[i].columns = best;
}

int layout_facts(const struct picture *p, const struct metrics *m, int i, int width, fact_fn *call,
	void *context)
{
	int x = 0, line = 0;
	for (int k = p->items.v[i].first_fact; k; k = p->facts.v[k - 1].next) {
		const char *text = p->facts.v[k - 1].text;
		int w = text_width(text) * m->fact_char_w + m->fact_extra;
		if (x && x + w > width) {
			x = 0;
			line++;
		}
		if (call)
			call(context, text, x, line, w);
		x += w;
	}
	return p->items.v[i].first_fact ? line + 1 : 0;
}

static int widest_fact(const struct layout *l, int i)
{
	int max = 0;
	for (int k = l->p->items.v[i].first_fact; k; k = l->p->facts.v[k - 1].next)
		max = max_int(max,
			text_width(l->p->facts.v[k - 1].text) * l->m.fact_char_w + l->m.fact_extra);
	return max;
}

/* What stands between the title of a box and its insides, in the width that the box has so far. */
static int measure_head(struct layout *l, int i, int inner_w)
{
	const struct metrics *m = &l->m;
	int n_lines = layout_facts(l->p, m, i, inner_w, NULL, NULL);
	return n_lines * m->fact_h + (l->p->items.v[i].has_bar ? m->bar_h : 0);
}

/* A core: its cells in one line or column. */
static void measure_core(struct layout *l, int i, int max_w)
{
	int along = -l->m.sibling_gap, across = 0, pad = 2 * l->m.core_pad;
	for_each_child (c, l->p, i) {
		measure(l, c, max_w);
		const struct place *at = &l->at[c];
		along += (l->m.is_flat ? at->w : at->h) + l->m.sibling_gap;
		across = max_int(across, l->m.is_flat ? at->h : at->w);
	}
	along = max_int(along, 0);
	l->at[i].w = pad + (l->m.is_flat ? along : across);
	l->at[i].h = pad + (l->m.is_flat ? across : along);
}

static void measure(struct layout *l, int i, int max_w)
{
	const struct item *item = &l->p->items.v[i];
	const struct metrics *m = &l->m;
	struct place *at = &l->at[i];
	if (item->is_cell) {
		at->w = m->cell_w;
		at->h = m->cell_h;
		return;
	}
	if (i && !item->text) {
		measure_core(l, i, max_w);
		return;
	}
	int pad = i ? 2 * m->pad_x : 0, grid_w, grid_h, boxes_w, boxes_h;
	measure_grid(l, i, max_w - pad, &grid_w, &grid_h);
	measure_boxes(l, i, max_w - pad, &boxes_w, &boxes_h);
	at->w = max_int(grid_w, boxes_w) + pad;
	at->h = grid_h + boxes_h + (grid_h && boxes_h ? m->box_gap_y : 0);
	if (!i)
		return;
	int title_w = text_width(item->text) * m->char_w + m->title_extra;
	int note_w = item->note ? text_width(item->note) * m->char_w + m->title_extra : 0;
	at->is_note_apart = note_w && title_w + note_w > max_int(max_w, at->w);
	int head_w = note_w && !at->is_note_apart ? title_w + note_w
						  : max_int(title_w, note_w) + m->title_alone;
	at->w = max_int(at->w, head_w);
	int facts_w = widest_fact(l, i) + pad;
	at->w = max_int(at->w, m->is_fact_cut && facts_w > max_w ? max_w : facts_w);
	/* Facts make a narrow box wider, if there is room, rather than high. */
	for (int w = at->w; w < max_w && layout_facts(l->p, m, i, w - pad, NULL, NULL) > 1;)
		at->w = ++w;
	at->head_h = measure_head(l, i, at->w - pad);
	at->h += at->head_h + m->pad_top + m->pad_bottom + (at->is_note_apart ? m->note_h : 0);
}

static void place(struct layout *l, int i, int x, int y);

static int place_grid(struct layout *l, int i, int x, int y, int inner_w)
{
	int w, h, k = 0, per_row = l->at[i].per_row;
	int n = grid_size(l, i, &w, &h);
	int slack = inner_w - per_row * (w + l->m.grid_gap_x) + l->m.grid_gap_x;
	if (l->m.is_centred && slack < w)
		x += slack / 2;
	for_each_child (c, l->p, i) {
		if (is_box(l, c))
			continue;
		place(l, c, x + k % per_row * (w + l->m.grid_gap_x),
			y + k / per_row * (h + l->m.grid_gap_y));
		k++;
	}
	return n ? y + ((n - 1) / per_row + 1) * (h + l->m.grid_gap_y) - l->m.grid_gap_y +
			l->m.box_gap_y
		 : y;
}

/* Boxes of one line get the same height, unless one is much smaller, and all columns together the
 * whole width. */
static void place_boxes(struct layout *l, int i, int x, int y, int inner_w)
{
	int columns = l->at[i].columns, gap = l->m.box_gap_x, k = 0, row_h = 0;
	if (!columns)
		return;
	int w = (inner_w + gap) / columns - gap;
	for_each_child (c, l->p, i) {
		if (!is_box(l, c))
			continue;
		int column = k++ % columns;
		if (!column) {
			y += row_h ? row_h + l->m.box_gap_y : 0;
			row_h = 0;
			int in_row = 0;
			for (int d = c; d && in_row < columns; d = l->p->items.v[d].next) {
				in_row += is_box(l, d);
				row_h = max_int(row_h, is_box(l, d) ? l->at[d].h : 0);
			}
		}
		bool is_last = column == columns - 1;
		l->at[c].w = is_last ? inner_w - column * (w + gap) : w;
		if (2 * l->at[c].h > row_h)
			l->at[c].h = row_h;
		place(l, c, x + column * (w + gap), y);
	}
}

static void place(struct layout *l, int i, int x, int y)
{
	const struct item *item = &l->p->items.v[i];
	const struct metrics *m = &l->m;
	struct place *at = &l->at[i];
	at->x = x;
	at->y = y;
	if (item->is_cell)
		return;
	if (i && !item->text) {
		int dx = m->core_pad, dy = m->core_pad;
		for_each_child (c, l->p, i) {
			place(l, c, x + dx, y + dy);
			dx += m->is_flat ? l->at[c].w + m->sibling_gap : 0;
			dy += m->is_flat ? 0 : l->at[c].h + m->sibling_gap;
		}
		return;
	}
	int pad = i ? m->pad_x : 0;
	if (i)
		y += m->pad_top + (at->is_note_apart ? m->note_h : 0) + at->head_h;
	int inner_w = at->w - 2 * pad;
	y = place_grid(l, i, x + pad, y, inner_w);
	place_boxes(l, i, x + pad, y, inner_w);
}

void layout_run(struct layout *l, const struct picture *p, const struct metrics *m, int width)
{
	*l = (struct layout){ .p = p, .m = *m, .at = xcalloc(p->items.n, sizeof *l->at) };
	measure(l, 0, width);
	place(l, 0, 0, 0);
}

void layout_done(struct layout *l)
{
	free(l->at);
	l->at = NULL;
}
