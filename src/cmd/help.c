/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help. */
#include <string.h>

#include "base/str.h"
#include "cmd/args.h"

/* "  --name ARG    what it does", wrapped behind the gap; a long left side has a line of its own.
 */
static void print_row(FILE *f, const char *left, int left_width, const char *text, int width)
{
	int indent = 2 + left_width + 2;
	fputs("  ", f);
	if ((int)strlen(left) > left_width) {
		text_wrap(f, left, width, indent);
		fprintf(f, "%*s", indent, "");
	} else {
		fprintf(f, "%-*s  ", left_width, left);
	}
	text_wrap(f, text, width, indent);
}

static void print_options(FILE *f, const struct option_row *rows, size_t n, int width)
{
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *left = rows[i].arg ? xasprintf("--%s %s", rows[i].name, rows[i].arg)
						   : xasprintf("--%s", rows[i].name);
		print_row(f, left, 18, rows[i].help, width);
	}
}

void print_usage(FILE *f)
{
	int width = text_style_of(f, true).width;
	size_t n, n_options;
	const struct command *const *all = commands(&n);
	const struct option_row *options = global_options(&n_options);
	fputs("Usage: wideberth [OPTIONS] COMMAND [ARGS]\n\n", f);
	text_wrap(f,
		"Gives a virtual machine its own piece of this host, keeps everything else off it, "
		"proves that it did, and puts everything back.",
		width, 0);
	fputs("\nCommands:\n", f);
	for (size_t i = 0; i < n; i++)
		print_row(f, all[i]->name, 8, all[i]->summary, width);
	fputs("\nOptions:\n", f);
	print_options(f, options, n_options, width);
	fputc('\n', f);
	text_wrap(f,
		"wideberth COMMAND --help tells more. Exit: 0 done, 1 something to report, 2 usage "
		"or policy error, 3 failed and nothing changed, 4 failed and something not "
		"restored.",
		width, 0);
}

void print_help(FILE *f, const struct command *c)
{
	int width = text_style_of(f, true).width;
	AUTO_OPTION_LIST struct option_list l;
	option_list_make(c, &l);
	static const char begin[] = "Usage: wideberth ";
	AUTO_FREE char *usage = xasprintf("%s%s%s", c->name, *c->args ? " " : "", c->args);
	fputs(begin, f);
	text_wrap(f, usage, width, (int)strlen(begin));
	fputc('\n', f);
	text_wrap(f, c->help, width, 0);
	fputs("\nOptions:\n", f);
	print_options(f, l.v.v, l.v.n, width);
}
