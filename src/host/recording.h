/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording: everything a command asked of the host, in order, as one text file that a person
 * can read and mail.
 *
 *	wideberth recording 1
 *	file proc/irq/24/smp_affinity_list
 *		0-23
 *	file proc/irq/24/node
 *	!2 ENOENT
 *	list proc/irq
 *		0
 *		24
 *
 * A line is KIND KEY; lines of the answer follow behind a tab, "\xHH" stands for bytes that do not
 * print and "\\" for a backslash, a "~" line says that the last line had no newline, and "!N NAME"
 * is an errno instead of an answer. What was asked several times stands there several times, and
 * is answered in that order.
 */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct recording;

struct recording *recording_new(void) MUST_CHECK;
void recording_free(struct recording *r);

/* Adds an answer (error 0: text of n bytes) or a negative errno. */
void recording_add(struct recording *r, const char *kind, const char *key, int error,
	const char *text, size_t n);

/* Hides names in everything that was recorded, questions too. */
struct mask;
void recording_mask(struct recording *r, const struct mask *m);
/* Writes the recording to a file, atomically. */
int recording_save(const struct recording *r, const char *path, struct err *e) MUST_CHECK;
/* 1 when the file begins as a recording does, 0 when it does not. */
int recording_is_file(const char *path, struct err *e) MUST_CHECK;
int recording_parse(
	struct recording **ret, const char *file, const char *text, struct err *e) MUST_CHECK;

/* The next answer to the question; the last one repeats. *ret_text is malloc'ed. Returns 0, the
 * errno that was recorded, or -ENOENT for what was never asked. */
int recording_ask(struct recording *r, const char *kind, const char *key, char **ret_text,
	size_t *ret_n) MUST_CHECK;
/* Whether it was ever asked. */
bool recording_has(struct recording *r, const char *kind, const char *key);
/* How many questions were asked that have no answer, and the first of them (NULL: none). */
size_t recording_unanswered(const struct recording *r, const char **ret_first);
