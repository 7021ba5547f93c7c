/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, from rows of options; and what is made of the rows: help, completion, man. */
#pragma once

#include "cmd/cmd.h"

struct command_line {
	const struct command *command; /* NULL: none was named */
	struct args global, args;
};

/* -EINVAL with a text for a wrong word. Strings are argv's. */
int command_line_parse(int argc, char **argv, struct command_line *ret, struct err *e) MUST_CHECK;
void command_line_done(struct command_line *c);

void print_usage(FILE *f);
void print_help(FILE *f, const struct command *c);
/* The bash completion script, and the man page in man(7) format. */
void print_completion(FILE *f);
void print_man(FILE *f);
