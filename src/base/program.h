/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another program, run and waited for. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

/* argv: NULL-terminated; argv[0] is looked for in PATH. ret_output: what it printed, malloc'ed, its
 * standard error is ours; NULL: that goes to standard error, too. -EIO: it ended with another exit
 * code than 0, or not by itself; -ENOENT: there is no such program. */
int program_run(const char *const *argv, char **ret_output, struct err *e) MUST_CHECK;
