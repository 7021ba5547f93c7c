/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/events.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "apply/state-dir.h"
#include "base/file.h"
#include "base/record.h"
#include "base/str.h"
#include "host/host.h"
#include "vm/vm.h"

static const char kept_dir[] = "var/lib/wideberth";

static const struct {
	const char *name, *message_id;
	bool is_warning;
} kinds[N_EVENTS] = {
	[EVENT_APPLIED] = { "applied", "5b1d8a1c2f4e4f0f9d6c0f6d1b7a3e01", false },
	[EVENT_ENDED] = { "ended", "5b1d8a1c2f4e4f0f9d6c0f6d1b7a3e02", false },
	[EVENT_REPAIRED] = { "repaired", "5b1d8a1c2f4e4f0f9d6c0f6d1b7a3e03", false },
	[EVENT_GAVE_UP] = { "gave-up", "5b1d8a1c2f4e4f0f9d6c0f6d1b7a3e04", true },
	[EVENT_REFUSED] = { "refused", "5b1d8a1c2f4e4f0f9d6c0f6d1b7a3e05", true },
	[EVENT_FAILED] = { "failed", "5b1d8a1c2f4e4f0f9d6c0f6d1b7a3e06", true },
	[EVENT_RECOVERED] = { "recovered", "5b1d8a1c2f4e4f0f9d6c0f6d1b7a3e07", false },
	[EVENT_POLICY] = { "policy", "5b1d8a1c2f4e4f0f9d6c0f6d1b7a3e08", true },
	[EVENT_FOUND] = { "found", "5b1d8a1c2f4e4f0f9d6c0f6d1b7a3e09", true },
	[EVENT_SHADOW] = { "shadow", "5b1d8a1c2f4e4f0f9d6c0f6d1b7a3e0a", false },
};

const char *event_name(enum event_kind what)
{
	return kinds[what].name;
}

const char *event_message_id(enum event_kind what)
{
	return kinds[what].message_id;
}

bool event_is_warning(enum event_kind what)
{
	return kinds[what].is_warning;
}

char *event_text(const struct event *e)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *label = e->vm ? vm_label(e->vm, e->name) : NULL;
	strbuf_printf(&b, "%s%s%s", label ? label : "", label ? ": " : "", event_name(e->what));
	if (e->knob)
		strbuf_printf(&b, " %s of %s", e->knob, e->key ? e->key : "/");
	if (e->before)
		strbuf_printf(&b, " from '%s'", e->before);
	if (e->after)
		strbuf_printf(&b, "%s '%s'", e->before || e->knob ? " to" : " on", e->after);
	if (e->why)
		strbuf_printf(&b, ": %s", e->why);
	return TAKE(b.s);
}

void events_add(struct events *l, const struct event *e)
{
	struct timespec now;
	struct event *n = array_push(&l->v);
	clock_gettime(CLOCK_REALTIME, &now);
	*n = (struct event){
		.time_us = e->time_us
			? e->time_us
			: (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000,
		.what = e->what,
		.vm = arena_strdup(&l->arena, e->vm),
		.name = arena_strdup(&l->arena, e->name),
		.knob = arena_strdup(&l->arena, e->knob),
		.key = arena_strdup(&l->arena, e->key),
		.before = arena_strdup(&l->arena, e->before),
		.after = arena_strdup(&l->arena, e->after),
		.why = arena_strdup(&l->arena, e->why),
	};
}

void events_done(struct events *l)
{
	free(l->v.v);
	arena_done(&l->arena);
}

char *events_dir(const struct host *h)
{
	const char *root = host_root(h);
	if (getenv("WIDEBERTH_STATE_DIR"))
		return state_dir(h);
	return root ? path_below(root, kept_dir) : NULL;
}

static int open_dir(struct host *h, int *ret, struct err *e)
{
	if (getenv("WIDEBERTH_STATE_DIR"))
		return state_open(h, ret, e);
	static const char *const above[] = { "var", "var/lib" };
	int fd = -1;
	for (size_t i = 0; i < N_ELEMENTS(above); i++) {
		fd = host_make_dir(h, above[i]);
		if (fd >= 0)
			close(fd);
	}
	fd = host_make_dir(h, kept_dir);
	if (fd < 0)
		return err_set(e, fd, "open '/%s'", kept_dir);
	if (file_check_owner(fd, kept_dir, e) < 0) {
		close(fd);
		return e->code;
	}
	*ret = fd;
	return 0;
}

static void put(struct strbuf *b, const struct event *e)
{
	AUTO_FREE char *time = xasprintf("%" PRIu64, e->time_us);
	const char *const fields[] = { time, event_name(e->what), e->vm, e->name, e->knob, e->key,
		e->before, e->after, e->why };
	record_add(b, fields, N_ELEMENTS(fields));
}

int events_write(struct host *h, const struct events *l, struct err *e)
{
	AUTO_CLOSE int dir = -1;
	AUTO_STRBUF struct strbuf b = { 0 };
	struct stat st;
	if (!l->v.n)
		return 0;
	int r = open_dir(h, &dir, e);
	if (r < 0)
		return r;
	array_for_each (event, &l->v)
		put(&b, event);
	if (fstatat(dir, "events", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_size + (off_t)b.n > EVENTS_MAX &&
		renameat(dir, "events", dir, "events.1") < 0)
		return err_set(e, -errno, "rename events to events.1");
	AUTO_CLOSE int fd =
		openat(dir, "events", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, -errno, "open events");
	ssize_t n = write(fd, b.s, b.n);
	return n == (ssize_t)b.n ? 0 : err_set(e, n < 0 ? -errno : -EIO, "write events");
}

static int read_file(struct host *h, const char *name, char **ret)
{
	return getenv("WIDEBERTH_STATE_DIR") ? state_read(h, name, ret)
					     : host_read(h, ret, NULL, "%s/%s", kept_dir, name);
}

static const char *field(const char *text)
{
	return *text ? text : NULL;
}

static bool parse(const char *const *f, struct event *ret)
{
	*ret = (struct event){ .what = N_EVENTS,
		.vm = field(f[2]),
		.name = field(f[3]),
		.knob = field(f[4]),
		.key = field(f[5]),
		.before = field(f[6]),
		.after = field(f[7]),
		.why = field(f[8]) };
	for (enum event_kind i = 0; i < N_EVENTS; i++)
		if (streq(f[1], kinds[i].name))
			ret->what = i;
	return ret->what < N_EVENTS && str_to_u64(f[0], &ret->time_us) == 0;
}

static int add_file(struct host *h, const char *name, const char *vm, uint64_t since_us,
	struct events *ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	const char *fields[9];
	struct event event;
	int r = read_file(h, name, &text);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "read '/%s/%s'", kept_dir, name);
	for (char *rest = text; record_next(&rest, fields, N_ELEMENTS(fields));) {
		bool is_whole = parse(fields, &event);
		ret->n_damaged += !is_whole;
		if (!is_whole || event.time_us < since_us)
			continue;
		bool is_meant = !vm || (event.vm && streq(vm, event.vm)) ||
			(event.name && streq(vm, event.name));
		if (is_meant)
			events_add(ret, &event);
	}
	return 0;
}

int events_read(
	struct host *h, const char *vm, uint64_t since_us, struct events *ret, struct err *e)
{
	int r = add_file(h, "events.1", vm, since_us, ret, e);
	return r < 0 ? r : add_file(h, "events", vm, since_us, ret, e);
}
