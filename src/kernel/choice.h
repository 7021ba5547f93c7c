/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that offer words to choose from, with the chosen one in brackets
 * (Documentation/admin-guide/mm/transhuge.rst and others). */
#pragma once

#include "base/attr.h"

/* "always [madvise] never" → "madvise"; a text without brackets is the whole word. Changes the
 * text and returns a part of it; NULL when the brackets do not match. */
char *choice_parse(char *text) MUST_CHECK;
