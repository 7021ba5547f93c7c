/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "session/events.h"
#include "view/events.h"
#include "view/keys.h"

/* False for what is no date, the 31st of February too. */
static bool parse_date(const char *text, struct tm *ret)
{
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", ret);
	if (end && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (!end)
		end = strptime(text, "%Y-%m-%d", ret);
	if (!end || !streq(*end == 'Z' ? end + 1 : end, ""))
		return false;
	struct tm same = *ret;
	timegm(&same);
	return same.tm_mday == ret->tm_mday;
}

/* "2026-11-28", "2026-11-28T23:05:00Z" as events tell it, or "90s", "10m", "2h", "3d" ago. */
static int parse_since(const char *text, uint64_t *ret_us, struct err *e)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	struct tm tm = { 0 };
	const char *p = text;
	uint64_t n;
	if (str_take_u64(&p, &n) && p[0] && !p[1]) {
		for (size_t i = 0; i < N_ELEMENTS(units); i++) {
			uint64_t now = (uint64_t)time(NULL), ago;
			if (*p != units[i].unit ||
				__builtin_mul_overflow(n, units[i].seconds, &ago))
				continue;
			*ret_us = (ago < now ? now - ago : 0) * 1000000;
			return 0;
		}
	}
	if (!parse_date(text, &tm))
		return err_say(e, -EINVAL,
			"--since wants a time (2026-11-28, or 2026-11-28T23:05:00Z) or how long "
			"ago "
			"(90s, 10m, 2h, 3d), not '%s'",
			text);
	*ret_us = (uint64_t)timegm(&tm) * 1000000;
	return 0;
}

/* With --json a line of JSON each. False: nobody reads any more. */
static bool print(const struct context *c, const struct event *event)
{
	if (c->is_json) {
		json_t *o = event_json(event);
		AUTO_FREE char *text = json_dumps(o, JSON_COMPACT);
		json_decref(o);
		return printf("%s\n", text) > 0 && fflush(stdout) == 0;
	}
	AUTO_FREE char *time = event_time(event->time_us), *text = event_text(event),
		       *visible = text_visible(text);
	return printf("%s %s\n", time, visible) > 0 && fflush(stdout) == 0;
}

/* Looks at the directory, or, where nothing was written yet, at the nearest above it: what is made
 * there is told. Returns 0 or a negative errno. */
static int watch_nearest(int fd, const char *dir)
{
	AUTO_FREE char *path = xstrdup(dir);
	while (inotify_add_watch(fd, *path ? path : "/", IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
		char *slash = strrchr(path, '/');
		if (errno != ENOENT || !slash)
			return -errno;
		*slash = 0;
	}
	return 0;
}

/* Twice: what is made while the first call goes upwards is found by the second, or told. */
static int watch(int fd, const char *dir)
{
	int r = watch_nearest(fd, dir);
	return r < 0 ? r : watch_nearest(fd, dir);
}

/* The kernel says when the file grew. */
static int follow(struct context *c, const char *vm, uint64_t since_us, struct err *e)
{
	AUTO_FREE char *dir = events_dir(c->h);
	AUTO_CLOSE int fd = inotify_init1(IN_CLOEXEC);
	char buffer[4096];
	int r = !dir ? -EROFS : fd < 0 ? -errno : 0;
	for (;;) {
		AUTO_EVENTS struct events l = { 0 };
		if (r == 0)
			r = watch(fd, dir);
		if (r < 0) {
			if (dir)
				err_set(e, r, "watch '%s'", dir);
			else
				err_say(e, r,
					"--follow wants a host that runs: nothing comes to a "
					"recording");
			return EXIT_UNCHANGED;
		}
		if (events_read(c->h, vm, since_us, &l, e) < 0)
			return EXIT_UNCHANGED;
		array_for_each (event, &l.v) {
			if (!print(c, event))
				return EXIT_OK;
			since_us = event->time_us + 1;
		}
		if (read(fd, buffer, sizeof buffer) < 0 && errno != EINTR)
			return EXIT_OK;
	}
}

static int run(struct context *c, struct err *e)
{
	const char *vm = c->args->rest.n ? c->args->rest.v[0] : NULL,
		   *since = args_get(c->args, "since");
	uint64_t since_us = 0;
	if (since && parse_since(since, &since_us, e) < 0)
		return EXIT_USAGE;
	if (args_get(c->args, "follow"))
		return follow(c, vm, since_us, e);
	AUTO_EVENTS struct events l = { 0 };
	if (events_read(c->h, vm, since_us, &l, e) < 0)
		return EXIT_UNCHANGED;
	events_report(&l, c->report);
	events_damage_report(&l, c->report);
	if (!l.v.n)
		report_text(c->report, "Nothing is told%s%s.", vm ? " of " : "", vm ? vm : "");
	return EXIT_OK;
}

static const struct option_row options[] = {
	{ "since", "TIME",
		"only what was later: 2026-11-28, 2026-11-28T23:05:00Z, or 90s, 10m, 2h, 3d ago" },
	{ "follow", NULL,
		"and what comes, a line each (with --json an object), until interrupted" },
};

const struct command cmd_events = {
	.name = "events",
	.args = "[VM] [--since TIME] [--follow]",
	.max_args = 1,
	.summary = "what the daemon decided and repaired, and why",
	.help = "Tells what the daemon did, of one VM (its id or name) or of all, the oldest "
		"first; the last half to one MiB of it is kept. The journal has the same with "
		"MESSAGE_ID and fields WIDEBERTH_*.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.keys = events_keys,
	.run = run,
};
