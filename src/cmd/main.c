/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/text.h"
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "view/json.h"
#include "vm/redact.h"

/* A global option may stand before or behind the command. */
static const char *global(const struct command_line *line, const char *name)
{
	const char *value = args_get(&line->args, name);
	return value ? value : args_get(&line->global, name);
}

/* The door to standard error: what an error quotes may hold any bytes. */
static void tell(const char *command, const struct err *e)
{
	AUTO_FREE char *text = text_visible(e->text);
	fprintf(stderr, "wideberth: %s%s%s\n", command ? command : "", command ? ": " : "", text);
}

static int print(struct context *c, struct err *e)
{
	struct text_style style = text_style_of(stdout, c->has_colour_off);
	return c->is_json ? report_print_json(c->report, stdout, e)
			  : report_print_text(c->report, stdout, &style, e);
}

/* What was done stays done when it cannot be told: the exit code says so, and the error what. It is
 * told, too, where what was to be done behind it failed. */
static int finish(struct context *c, int code, struct err *e)
{
	struct err later = { 0 };
	const char *what = "report";
	int r = 0;
	if (!e->code || code == EXIT_REPORT || code == EXIT_RESIDUE || c->done)
		r = print(c, &later);
	if (r == 0) {
		what = "recording";
		r = host_finish(c->h, &later);
	}
	if (r == 0)
		return code;
	if (e->code) {
		tell(c->command, e);
	} else if (c->done) {
		err_ctx(&later, "%s, but the %s could not be written", c->done, what);
		code = code == EXIT_OK ? EXIT_REPORT : code;
	} else {
		code = EXIT_UNCHANGED;
	}
	*e = later;
	return code;
}

static void show_wait(void *context, const char *whom)
{
	progress_show(context, "waiting for %s ", whom);
}

/* Absent and never asked look alike to a command. */
static void tell_unanswered(const struct context *c, struct err *e)
{
	const char *first;
	size_t n = host_unanswered(c->h, &first);
	if (!n)
		return;
	if (e->code)
		err_ctx(e, "the recording has no answer to %zu question%s, the first is \"%s\"", n,
			n == 1 ? "" : "s", first);
	report_warning(c->report,
		"the recording has no answer to %zu of the questions of this command, the first is "
		"\"%s\": another command made it, or an older wideberth. What is said here lacks "
		"them",
		n, first);
	json_object_set_new(report_json(c->report), "unanswered",
		OBJECT({ "count", json_integer((json_int_t)n) }, { "first", text_json(first) }));
}

/* EXIT_OK where the command may do what it is for with this host. */
static int check_may_change(
	const struct command_line *line, const struct host *h, const char *root, struct err *e)
{
	if (!(line->command->flags & CMD_CHANGES))
		return EXIT_OK;
	if (host_is_live(h) && geteuid() != 0) {
		err_say(e, -EPERM, "only root can change the host; try sudo wideberth %s",
			line->command->name);
		return EXIT_UNCHANGED;
	}
	if (!host_may_change(h) && !args_get(&line->args, "dry-run")) {
		err_say(e, -EROFS, "'%s' is only read%s", root,
			line->command->flags & CMD_POLICY
				? "; plan, and apply --dry-run, say what would be done"
				: ": nothing can be changed or put back there");
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static int run(const struct command_line *line, struct report **ret_report, struct err *e)
{
	AUTO_HOST struct host *h = NULL;
	struct report *report = *ret_report = report_new(line->command->name, global(line, "json"));
	const char *root = global(line, "root"), *record = global(line, "record");
	int r = host_open(&h, root, e);
	if (r == 0 && record)
		r = host_record_to(h, record, &redact_secrets, e);
	if (r == 0 && global(line, "mask"))
		host_mask_names(h);
	if (r < 0)
		return EXIT_UNCHANGED;
	int code = check_may_change(line, h, root, e);
	if (code != EXIT_OK)
		return code;
	struct context c = {
		.h = h,
		.report = report,
		.command = line->command->name,
		.args = &line->args,
		.has_colour_off = global(line, "no-color"),
		.is_json = global(line, "json"),
		.is_terminal = isatty(STDERR_FILENO),
	};
	host_on_wait(h, show_wait, &c);
	/* Who reads the report may be gone: that ends no change, and is said in the end. */
	if (line->command->flags & CMD_CHANGES)
		signal(SIGPIPE, SIG_IGN);
	code = line->command->run(&c, e);
	progress_clear(&c);
	tell_unanswered(&c, e);
	return finish(&c, code, e);
}

/* For the build: what is made of the tables. */
static int generate(const char *what)
{
	if (streq(what, "man"))
		print_man(stdout);
	else if (streq(what, "checks"))
		print_checks(stdout);
	else if (streq(what, "man-conf"))
		print_man_conf(stdout);
	else
		return print_completion(stdout, what) ? EXIT_OK : EXIT_USAGE;
	return EXIT_OK;
}

/* A standard stream that is closed must not become a file of the host: what is written there fails.
 */
static void open_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			abort();
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	open_streams();
	CLEANUP(command_line_done) struct command_line line = { 0 };
	struct err e = { 0 };
	/* Not freed: the process ends, and of many VMs to take it apart is a tenth of the time. */
	struct report *report = NULL;
	int code = EXIT_OK;
	if (argc == 3 && streq(argv[1], "--generate")) {
		code = generate(argv[2]);
	} else if (command_line_parse(argc, argv, &line, &e) < 0) {
		code = EXIT_USAGE;
	} else if (global(&line, "version")) {
		puts("wideberth " WIDEBERTH_VERSION);
	} else if (global(&line, "help")) {
		if (line.command)
			print_help(stdout, line.command);
		else
			print_usage(stdout);
	} else if (!line.command) {
		print_usage(stderr);
		return EXIT_USAGE;
	} else {
		code = run(&line, &report, &e);
	}
	if ((fflush(stdout) == EOF || ferror(stdout)) && !e.code) {
		err_set(&e, errno ? -errno : -EIO, "write to standard output");
		code = EXIT_UNCHANGED;
	}
	if (e.code)
		tell(line.command ? line.command->name : NULL, &e);
	exit(code);
}
