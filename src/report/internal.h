/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the renderers share: the blocks of a report, the picture's tree and its layout. */
#pragma once

#include <stdint.h>

#include "base/alloc.h"
#include "report/report.h"

enum block_kind {
	BLOCK_HEADING,
	BLOCK_TEXT,
	BLOCK_NOTE,
	BLOCK_WARNING,
	BLOCK_CODE,
	BLOCK_TABLE,
	BLOCK_PICTURE,
};

struct block {
	enum block_kind kind;
	char *text;
	json_t *rows;
	struct column *columns; /* its strings are in the report's arena */
	size_t n_columns;
	struct picture *picture;
};

/* Rows as they are printed. */
struct row_text {
	const json_t *rows; /* the array that they are of */
	struct strbuf text;
};

struct report {
	struct arena arena;
	json_t *json;
	bool is_json;
	ARRAY(struct row_text) row_texts;
	ARRAY(struct block) blocks;
};

/* How a row is written. 15 digits: what a double holds for sure, so 0.1 stays 0.1. */
#define ROW_FORM (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

/* The value behind the key ("thief.name") as one line of text, malloc'ed; "-" when there is none.
 */
char *cell_text(const json_t *row, const struct column *column) MUST_CHECK;

/*
 * Text for a terminal. text_clean() makes it visible (base/text.h) and, without UTF-8, writes
 * everything in ASCII. text_width() wants clean text.
 */
char *text_clean(const char *s, bool has_utf8) MUST_CHECK;
int text_width(const char *s);
/* The length of the first line of s when it is broken at the width; *ret_next: where the rest
 * begins. Breaks at blanks, else behind a comma or the like, else anywhere. */
size_t text_break(const char *s, int width, size_t *ret_next);
/* Switches to the terminal attributes ("1", "2;33"), or back to normal with "". */
void text_attr(FILE *f, const struct text_style *style, const char *attr);

/* The picture: one tree of boxes and cells in insertion order; item 0 is the picture itself. */
struct item {
	int first, last, next; /* children and the next sibling; 0: none */
	bool is_cell;
	const char *text; /* a box's title, or NULL; a cell's label */
	const char *note; /* a box's note or a cell's mark, or NULL */
	int owner;
	double heat;
	int first_fact; /* 1 + its number in picture.facts; 0: none */
	bool has_bar;
	double bar[PICTURE_BAR_PARTS];
};

/* A fact about a box. */
struct fact {
	const char *text;
	int next; /* 1 + the number of the box's next one, or 0 */
};

struct owner {
	enum owner_style style;
	char symbol;
	const char *label;
	int look;  /* row of the palette */
	int round; /* how often the palette was used up before */
};

struct picture {
	struct arena arena;
	const char *title, *heat_label;
	const char *bar_labels[PICTURE_BAR_PARTS + 1];
	ARRAY(struct fact) facts;
	ARRAY(struct owner) owners;
	ARRAY(struct item) items;
	int n_vms;
};

/* How an owner looks. Fill and ink are colours that people with colour-vision deficiency can tell
 * apart (Okabe and Ito); the terminal has the nearest it can show. */
struct look {
	const char *fill, *ink;
	const char *attr_256, *attr_8;
};

const struct look *owner_look(const struct owner *owner);

/* What a legend says of an owner. */
struct legend_entry {
	const struct owner *owner;
	int n_cells;
	const char *cells; /* "0-3,8": the labels; "" when they are no numbers */
};

/* The owners that have cells, in order; allocated in the arena. */
struct legend_entry *picture_legend(const struct picture *p, struct arena *a, size_t *ret_n);
/* What the legend says about how to read the picture: SMT siblings. NULL when there are none. */
const char *picture_hint(const struct picture *p, bool is_flat);
bool picture_has_bar(const struct picture *p);
bool picture_has_heat(const struct picture *p);
/* The widest label or mark of the cells, in characters. */
int picture_label_width(const struct picture *p);
int picture_mark_width(const struct picture *p);

/* Sizes of things, in characters or pixels. */
struct metrics {
	int cell_w, cell_h;
	bool is_flat;    /* SMT siblings beside each other, else below */
	bool is_centred; /* spread the last bit of room to both sides of the cores */
	int sibling_gap, core_pad;
	int grid_gap_x, grid_gap_y;     /* between cores */
	int box_gap_x, box_gap_y;       /* between boxes with titles */
	int pad_x, pad_top, pad_bottom; /* of boxes with titles */
	int note_h;      /* more height when the note does not fit beside the title */
	int title_extra; /* what a title line takes beside its text */
	int title_alone; /* and more where nothing else is in the line */
	int char_w;
	int fact_h, fact_char_w,
		fact_extra; /* a line of facts; what a fact takes beside its text */
	bool is_fact_cut;   /* long facts are cut rather than boxes made wider than there is room */
	int bar_h;
};

struct place {
	int x, y, w, h;
	int per_row; /* cores in one line */
	int columns; /* boxes beside each other */
	bool is_note_apart;
	int head_h; /* facts and bar */
};

/* The width of a fact, and where the facts of item i stand in lines of the width: calls for each,
 * if there is something to call, and returns the number of lines. */
typedef void fact_fn(void *context, const char *text, int x, int line, int w);

struct layout {
	const struct picture *p;
	struct metrics m;
	struct place *at; /* by item; at[0] is the whole */
};

/* Places everything for the width; wider only when a single cell is. Free with layout_done(). */
void layout_run(struct layout *l, const struct picture *p, const struct metrics *m, int width);
void layout_done(struct layout *l);
int layout_facts(const struct picture *p, const struct metrics *m, int i, int width, fact_fn *call,
	void *context);
#define AUTO_LAYOUT CLEANUP(layout_done)

void picture_print_text(const struct picture *p, FILE *f, const struct text_style *style);

#define for_each_child(c, p, i) for (int c = (p)->items.v[i].first; c; c = (p)->items.v[c].next)
