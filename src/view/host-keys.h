/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What show --json prints, for the man page. */
#pragma once

#include "base/attr.h"

/* A member of the JSON: "cpus[].core". */
struct key_row {
	const char *key, *help; /* help: "" where the name says it */
};

const struct key_row *show_keys(size_t *ret_n);
