/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of strangers. A name (of a VM, a thread, a cgroup, a unit, a user) may hold any bytes: it is
 * shown as text_visible() makes it, and kept as text_escape() does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Decodes the character that s begins with; returns its length, 0 when it is not UTF-8. */
size_t text_decode(const char *s, uint32_t *ret);

/* How many characters at the start of s anybody can show: printable ASCII. */
size_t text_plain_length(const char *s);

/* A copy that a terminal, a log, JSON and SVG can show: valid UTF-8 in one line, in which nothing
 * moves the cursor, ends the line, or turns the direction of what follows. What would, and what is
 * not UTF-8, is "?" (a tab is a blank). malloc'ed. */
char *text_visible(const char *s) MUST_CHECK;

/* The word as it is to be typed: in quotes where a shell would make something else of it.
 * malloc'ed.
 */
char *text_shell_word(const char *word) MUST_CHECK;

/* A copy that is UTF-8 and from which text_unescape() makes the same bytes again; of UTF-8 it is
 * the same (but for a few characters that nobody has a use for). malloc'ed. */
char *text_escape(const char *s) MUST_CHECK;
/* In place. */
void text_unescape(char *s);
