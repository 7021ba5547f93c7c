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

/* All options that a command takes: its own, keys of the policy, global ones; of NULL the global
 * ones. */
struct option_list {
	struct arena arena;
	ARRAY(struct option_row) v;
};
void option_list_make(const struct command *c, struct option_list *ret);
void option_list_done(struct option_list *l);
#define AUTO_OPTION_LIST CLEANUP(option_list_done)

void print_usage(FILE *f);
void print_help(FILE *f, const struct command *c);
/* The completion of "bash", "zsh" or "fish"; false: no such shell. */
bool print_completion(FILE *f, const char *shell) MUST_CHECK;
/* The man pages in man(7) format: of the program, and of its policy. */
void print_man(FILE *f);
/* wideberth-checks(7), likewise. */
void print_checks(FILE *f);
void print_man_conf(FILE *f);
