/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole inputs of the program, a recording and a policy, changed as strangers would: with
 * structure. Everything follows from the random numbers, and these from the seed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

/* What is asked, and the lines of the answer as they stand in the file (host/recording.h). */
struct answer {
	char *question; /* "file proc/stat" */
	char *text; /* lines behind tabs, or "!2 ENOENT" and "~" lines; without the last newline */
};

struct input {
	ARRAY(struct answer) answers;
	char *policy;
};

enum input_kind { /* what is mostly changed; of a tree: its files (trees.h) */
	INPUT_RECORDING,
	INPUT_COMMAND_LINE,
	INPUT_QMP,
	INPUT_LIBVIRT,
	INPUT_LEDGER,
	INPUT_POLICY,
	INPUT_TREE,
	N_INPUT_KINDS,
};
extern const char *const input_kind_names[N_INPUT_KINDS];

void input_parse(struct input *ret, const char *recording, const char *policy);
struct input input_copy(const struct input *in);
void input_done(struct input *in);
/* As a recording's file has it. */
char *input_format(const struct input *in) MUST_CHECK;

/* Changes it in one to eight places. The same seed makes the same of the same. */
void input_mutate(struct input *in, enum input_kind kind, uint64_t seed);
