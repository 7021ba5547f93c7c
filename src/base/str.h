/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small string helpers: comparing, numbers, walking lines and words of kernel files. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

static inline bool streq(const char *a, const char *b)
{
	return __builtin_strcmp(a, b) == 0;
}

/* The text behind the prefix, or NULL when s does not begin with it. */
const char *str_after(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);

/* Puts a character in the place of another; returns s. */
char *str_swap(char *s, char from, char to);

/* Cuts white space off both ends, in place; returns the new start. */
char *str_trim(char *s);

/* A whole decimal number and nothing else (white space around it is allowed). Returns 0,
 * -EINVAL or -ERANGE; writes *ret only on success. */
int str_to_u64(const char *s, uint64_t *ret) MUST_CHECK;
int str_to_int(const char *s, int *ret) MUST_CHECK;

/* Behind blanks and tabs. */
const char *str_skip_blanks(const char *p);

/* The decimal number at *p, behind blanks on its line; *p moves behind it. False, and nothing
 * moves: no digit, or a number that does not fit. */
bool str_take_u64(const char **p, uint64_t *ret) MUST_CHECK;

/* "1 record", "2 records"; malloc'ed. */
char *str_some(size_t n, const char *what) MUST_CHECK;

/* The newline that ends the line at p, or the end of the text. */
const char *str_line_end(const char *p);

/* Walks a text line by line, in place: returns the next line without its newline and moves *text
 * behind it; NULL at the end. */
char *str_next_line(char **text);

/* The same for words separated by blanks or tabs. */
char *str_next_word(char **text);

/* True when the list of words separated by white space has the word. */
bool str_has_word(const char *words, const char *word);

/* The word of the list (NULL-terminated) that is nearest to 'word' by edits, or NULL when none is
 * near enough to be a likely typing mistake. */
const char *str_nearest(const char *word, const char *const *list);
