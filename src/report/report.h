/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One document model, several renderers. Knows nothing of the rest of the program.
 *
 * A command builds a report: the JSON payload it promises, and how a person sees it: headings,
 * paragraphs, tables that show parts of that payload, pictures. Text and JSON therefore hold the
 * same values.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"

struct report;
struct picture;

/* A report of the schema "wideberth.COMMAND/1". is_json: only its payload will be seen. What text
 * shows is then not kept, but for pictures, which a command may draw to a file. */
struct report *report_new(const char *command, bool is_json) MUST_CHECK;
void report_free(struct report *r);
DEFINE_CLEANUP(struct report, report_free)
#define AUTO_REPORT CLEANUP(report_freep)

/* The payload object (borrowed); commands add their keys to it. */
json_t *report_json(struct report *r);

/* Makes an array of the payload to which rows are added (borrowed). Where only the payload will be
 * seen it stays empty, and the rows are kept as their text: of thousands a tenth of the memory. */
json_t *report_rows(struct report *r, const char *key);
/* Takes the row. */
void report_row(struct report *r, json_t *rows, json_t *row);

bool report_is_json(const struct report *r);

/* What text shows, in order. Names may hold any bytes: all of it is made visible in one line, see
 * base/text.h. */
void report_heading(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_text(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3); /* wrapped paragraph */
/* A further line of the block before, which is none of a table or a picture. */
void report_more(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_note(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3); /* "note: …", dimmed */
void report_warning(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A line to be copied as it is: never wrapped. */
void report_code(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

enum unit {
	UNIT_NONE,
	UNIT_KIB,      /* 67108864 → 64 GiB */
	UNIT_NS,       /* 1234567 → 1.23 ms */
	UNIT_KHZ,      /* 3400000 → 3.4 GHz */
	UNIT_COUNT,    /* 1234567 → 1 234 567 */
	UNIT_FRACTION, /* 0.0123 → 1.23 % */
};

/* A number as people read it, at most three significant digits; malloc'ed. */
char *unit_format(enum unit unit, double value) MUST_CHECK;

/* One column of a table. key: member of the row's object ("thief.name" goes into nested ones). */
struct column {
	const char *key, *head;
	enum unit unit;
	bool is_right; /* right-aligned (numbers) */
	bool may_wrap; /* the column that gives way on narrow terminals */
};

/* Shows an array of objects. The array must be (part of) the payload, or handed over with
 * json_decref by the caller after the call; the report takes a reference. */
void report_table(struct report *r, json_t *rows, const struct column *columns, size_t n_columns);

/* Takes the picture. */
void report_picture(struct report *r, struct picture *p);

struct text_style {
	bool has_colour, has_utf8;
	bool has_256_colours; /* else has_colour means the eight of old */
	int width;            /* columns */
};

/* The style that a stream wants: a terminal's width, colour and UTF-8 as its locale and TERM
 * say; NO_COLOR is honoured; not a terminal: 80 columns (or COLUMNS), no colour. */
struct text_style text_style_of(FILE *f, bool no_colour);

/* Writes s wrapped, each line behind the indent; the first one behind what was already written. */
void text_wrap(FILE *f, const char *s, int width, int indent);

int report_print_text(
	const struct report *r, FILE *f, const struct text_style *style, struct err *e) MUST_CHECK;
/* The object, with a line for each of its members, and for each row of those that are arrays. */
int report_print_json(const struct report *r, FILE *f, struct err *e) MUST_CHECK;
/* Draws the report's pictures as one SVG document. */
int report_print_svg(const struct report *r, FILE *f, struct err *e) MUST_CHECK;

/*
 * A picture of a machine: nested boxes whose leaves are cells, and a legend.
 *
 *	box "socket 0" → box "node 0, 62 GiB" → box "L3 0, 16 MiB" → box (a core) → cells "0" "12"
 */
struct picture *picture_new(const char *title) MUST_CHECK;
void picture_free(struct picture *p);

/* An owner: who the cell belongs to. Returns its number. symbol: one ASCII letter that stands for
 * it where there is no colour. */
enum owner_style { OWNER_HOUSEKEEPING, OWNER_FREE, OWNER_VM, OWNER_OFFLINE, OWNER_RESERVED };
int picture_owner(struct picture *p, enum owner_style style, char symbol, const char *label);

/* A box inside a box (parent 0: the picture itself). Returns its number, > 0. note may be NULL and
 * is shown behind the title. A box without title groups tightly (a core with its siblings). */
int picture_box(struct picture *p, int parent, const char *title, const char *note);

/* A short fact about a box with a title ("GPU 0b:00.0"); they follow its title, in order. */
void picture_fact(struct picture *p, int box, const char *text);

/* What a box's memory is used for, as shares of it: a bar in SVG. The labels are for the legend. */
enum { PICTURE_BAR_PARTS = 2 };
void picture_bar(struct picture *p, int box, const double parts[PICTURE_BAR_PARTS]);
void picture_bar_labels(
	struct picture *p, const char *const labels[PICTURE_BAR_PARTS], const char *rest);

/* A leaf in a box. mark: a second line of few characters ("v0" for a vCPU), or NULL; heat: 0 … 1,
 * or negative when it is not known. */
void picture_cell(
	struct picture *p, int box, const char *label, const char *mark, int owner, double heat);

/* What the cells' heat means ("CPU time lost"), for the legend. */
void picture_heat_label(struct picture *p, const char *label);
