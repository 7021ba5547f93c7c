/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What show --json prints, for the man page. */
#pragma once

#include "cmd/cmd.h"

const struct key_row *show_keys(size_t *ret_n);
