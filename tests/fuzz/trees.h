/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a host as the answers of a recording, so that they are changed with the same
 * structure (mutate.h), and the directory that becomes of them.
 */
#pragma once

#include <stdbool.h>

#include "mutate.h"

/* All files below the directory, but large ones. */
void tree_files(const char *root, struct input *ret);
/*
 * A copy of 'root' at 'dir' in which every file is as 'is' says, where 'was', what tree_files()
 * gave, says otherwise. With has_links some are links, back and up and out of it.
 */
void tree_make(const char *dir, const char *root, const struct input *was, const struct input *is,
	bool has_links);
