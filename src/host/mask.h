/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that a recording hides on request, and what stands for them. */
#pragma once

#include <stddef.h>

#include "base/attr.h"

struct mask;

struct mask *mask_new(void) MUST_CHECK;
void mask_free(struct mask *m);

/* From now on the name is hidden, as it is and as systemd escapes it in the names of units. What
 * stands for it is the alias and, where n_digits is not negative, the how manieth it is of that
 * alias, with at least so many digits: "vm1". Names of one character are left: they would be found
 * everywhere. */
void mask_hide(struct mask *m, const char *name, const char *alias, int n_digits);
/* The text with all names that are known replaced, malloc'ed. A name is replaced where it is a
 * word of its own: not inside a longer one. */
char *mask_apply(const struct mask *m, const char *text, size_t *n) MUST_CHECK;
