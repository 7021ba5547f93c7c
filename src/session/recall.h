/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one step of the daemon leaves for the next: how often it repaired what, what the kernel
 * would not take, and what was told. The file "recall" of the state directory; written with the
 * lock held. What cannot be read is empty: nothing in it is owed to anybody.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"

struct host;

/* At most so many in that time; then it needs a person. */
enum { REPAIRS_MAX = 3 };
#define REPAIRS_NS (300 * UINT64_C(1000000000))

/* A setting that somebody else changes. id: as of a setting, or NULL. */
struct repair {
	const char *knob, *key, *id, *writer;
	uint64_t at_ns[REPAIRS_MAX]; /* the last ones, the oldest first */
	size_t n;
	bool is_given_up;
	bool is_seen; /* not saved: it was wrong again in this step */
};

/* A change that came to nothing, or of which nobody knows yet. */
struct tried {
	const char *knob, *key, *id, *after;
	uint64_t at_ns;
};

struct told {
	const char *what, *of, *text; /* "refused", "100", the reason */
};

struct recall {
	struct arena arena;
	ARRAY(struct repair) repairs;
	ARRAY(struct tried) tried;
	ARRAY(struct told) told;
};

void recall_read(struct host *h, struct recall *ret);
int recall_write(struct host *h, const struct recall *r, struct err *e) MUST_CHECK;
void recall_done(struct recall *r);
#define AUTO_RECALL CLEANUP(recall_done)

/* The text, malloc'ed, and back. */
char *recall_format(const struct recall *r) MUST_CHECK;
void recall_parse(const char *text, struct recall *ret);

/* A change to that value came to nothing, or, with now_ns, was made a short while ago: it shows
 * later only. */
bool recall_was_tried(const struct recall *r, const struct tried *what, uint64_t now_ns);

enum repair_verdict { REPAIR_NOW, REPAIR_GIVES_UP, REPAIR_GIVEN_UP };

/* A setting was found changed by 'writer': counts a repair, or tells that there were enough
 * (GIVES_UP: for the first time). */
enum repair_verdict recall_repair(
	struct recall *r, const struct repair *what, uint64_t now_ns) MUST_CHECK;
/* At the end of a step: what was right in it, and was not repaired for that time, is forgotten. */
void recall_forget_repairs(struct recall *r, uint64_t now_ns);

/* True when the text is another than was told of it last; it is told then. NULL: there is nothing
 * to tell any more; true when there was. */
bool recall_is_news(struct recall *r, const char *what, const char *of, const char *text);
