/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands: a row each, in a file each. A command builds a report and returns an exit code; main.c
 * parses, opens the host, prints.
 */
#pragma once

#include <stdbool.h>

#include "base/alloc.h"
#include "base/err.h"
#include "host/host.h"
#include "report/report.h"
#include "session/options.h"
#include "session/outcome.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_REPORT = 1, /* something to report: findings, drift, a refused VM */
	EXIT_USAGE = 2,
	EXIT_UNCHANGED = 3, /* failed, and the machine is as it was */
	EXIT_RESIDUE = 4,   /* failed, and something could not be restored */
};

enum exit_code exit_code_of(enum outcome outcome);

/* --NAME, or --NAME ARG where arg is set. words: values that it knows, NULL-terminated, or NULL;
 * not_with: likewise, the options that it excludes, WORDS for words that are no options. */
struct option_row {
	const char *name, *arg, *help;
	const char *const *words, *const *not_with;
};
#define WORDS ""

struct args {
	struct option_values options; /* in order */
	ARRAY(const char *) rest;
};

/* The last value of the option ("" when it has none), or NULL when it was not given. */
const char *args_get(const struct args *a, const char *name);

struct key_part;

struct context {
	const char *command;
	const char *done; /* "applied": once the host was changed, for when that cannot be told */
	struct host *h;
	struct report *report;
	const struct args *args;
	bool has_colour_off, is_json;
	bool is_terminal;  /* progress is worth showing on stderr */
	bool has_progress; /* a line of it stands there */
};

struct recovery;

/* Begins what changes the host, see recovery_begin(): what that does first is told, whatever comes
 * later. And its exit code, by the worse of both. */
enum outcome begin_change(struct context *c, struct recovery *begun, struct err *e) MUST_CHECK;
enum exit_code end_change(const struct recovery *begun, enum outcome outcome);

/* A line on stderr, in place of the one before; nothing where nobody watches. */
void progress_show(struct context *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void progress_clear(struct context *c);

/* For max_args. */
#define ARGS_ANY ((size_t)-1)

enum command_flags {
	CMD_CHANGES = 1, /* changes the machine: needs root on a live one */
	CMD_POLICY = 2,  /* takes --policy, --vm and the policy's keys as options */
	CMD_FILES = 4,   /* its words are files */
};

struct command {
	const char *name, *args, *summary, *help;
	const struct option_row *options;
	size_t n_options;
	size_t max_args; /* how many words that are no options it takes */
	unsigned int flags;
	const struct key_part *(*keys)(size_t *ret_n); /* what --json prints */
	/* An exit code; with e->text set where it failed. */
	int (*run)(struct context *c, struct err *e);
};

extern const struct command cmd_show, cmd_vms, cmd_plan, cmd_apply, cmd_status, cmd_undo,
	cmd_confirm, cmd_measure, cmd_compare, cmd_explain, cmd_check, cmd_daemon, cmd_events,
	cmd_hook;

/* All commands, and the options that come before them. For help, completion and the man page. */
const struct command *const *commands(size_t *ret_n);
const struct option_row *global_options(size_t *ret_n);
/* Those of commands with CMD_POLICY, without the policy's keys. */
const struct option_row *policy_options(size_t *ret_n);
