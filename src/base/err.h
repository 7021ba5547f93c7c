/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors: a code and one sentence, in the caller's frame, always the last argument.
 *
 * Functions return 0, a negative code (failure, text in the struct err) or a positive outcome
 * that their header documents. Context is put in front on the way up:
 *	"plan VM db01: read affinity of IRQ 45: Permission denied"
 */
#pragma once

#include <stdbool.h>

#include "base/attr.h"

struct err {
	int code; /* negative errno, or 0 */
	char text[400];
};

/* Records the failure 'code' (negative errno) with a text; the errno's own words are appended
 * after ": ". Returns code, so that callers can 'return err_set(…)'. e is never NULL. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same without the errno's words: for faults that no system call reported. */
int err_say(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "CONTEXT: " in front of the text. Returns e->code. */
int err_ctx(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
