/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/start-dropin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply/state-dir.h"
#include "base/str.h"
#include "host/host-write.h"
#include "vm/libvirt.h"

#define UNITS     "run/systemd/system"
#define FILE_NAME "40-wideberth-start.conf"

static const char state_name[] = "starts";

void start_dropins_done(struct start_dropins *l)
{
	arena_done(&l->arena);
	free(l->v.v);
}

/* Calls for each unit that has one, until it returns something else than 0, which it returns. */
typedef int dropin_fn(struct host *h, const char *unit, void *context);

static int for_each_dropin(struct host *h, dropin_fn *fn, void *context)
{
	AUTO_NAMES struct host_names names = { 0 };
	int r = host_list(h, &names, UNITS);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (!str_has_suffix(names.v[i], ".scope.d"))
			continue;
		AUTO_FREE char *unit = xstrndup(names.v[i], strlen(names.v[i]) - strlen(".d"));
		AUTO_FREE char *text = start_dropin_read(h, unit);
		r = text ? fn(h, unit, context) : 0;
	}
	return r;
}

static int is_one(struct host *h, const char *unit, void *context)
{
	(void)h;
	(void)unit;
	(void)context;
	return 1;
}

bool start_dropins_exist(struct host *h)
{
	AUTO_FREE char *text = NULL;
	return state_read(h, state_name, &text) == 0 || for_each_dropin(h, is_one, NULL) > 0;
}

char *start_dropin_read(struct host *h, const char *unit)
{
	char *text = NULL;
	return host_read(h, &text, NULL, UNITS "/%s.d/" FILE_NAME, unit) == 0 ? text : NULL;
}

/* What is there once systemd has read them: each unit in a line, its text as one. */
static char *state_of(const struct start_dropins *l)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	array_for_each (d, &l->v) {
		if (libvirt_scope_id(d->unit) >= 0)
			continue; /* it is read as its scope is made */
		strbuf_puts(&b, d->unit);
		for (const char *p = d->text; *p; p++)
			strbuf_add(&b, *p == '\n' ? " " : p, 1);
		strbuf_puts(&b, "\n");
	}
	return TAKE(b.s);
}

static const struct start_dropin *find(const struct start_dropins *l, const char *unit)
{
	array_for_each (d, &l->v)
		if (streq(d->unit, unit))
			return d;
	return NULL;
}

static int is_other(struct host *h, const char *unit, void *wanted)
{
	(void)h;
	return !find(wanted, unit);
}

/* Those of VMs that are no longer meant. */
static int remove_other(struct host *h, const char *unit, void *wanted)
{
	return find(wanted, unit) ? 0 : host_remove_file(h, UNITS "/%s.d/" FILE_NAME, unit);
}

static int put_all(struct host *h, const struct start_dropins *wanted)
{
	int r = 0;
	array_for_each (d, &wanted->v) {
		AUTO_FREE char *text = start_dropin_read(h, d->unit);
		if (text && streq(text, d->text))
			continue;
		r = host_put_file(h, d->text, UNITS "/%s.d/" FILE_NAME, d->unit);
		if (r < 0)
			return r;
	}
	return r;
}

int start_dropin_put(struct host *h, const char *unit, const char *text)
{
	return host_put_file(h, text, UNITS "/%s.d/" FILE_NAME, unit);
}

static int remove_of_domain(struct host *h, const char *unit, void *name)
{
	int id = libvirt_scope_id(unit);
	AUTO_FREE char *own = id < 0 ? NULL : libvirt_scope(id, name);
	return own && streq(own, unit) ? host_remove_file(h, UNITS "/%s.d/" FILE_NAME, unit) : 0;
}

int start_dropins_forget_domain(struct host *h, const char *name)
{
	AUTO_FREE char *copy = xstrdup(name);
	return for_each_dropin(h, remove_of_domain, copy);
}

static int keep_domain(struct host *h, const char *unit, void *context)
{
	struct start_dropins *wanted = context;
	AUTO_FREE char *text = start_dropin_read(h, unit);
	if (text && libvirt_scope_id(unit) >= 0)
		*array_push(&wanted->v) = (struct start_dropin){ arena_strdup(&wanted->arena, unit),
			arena_strdup(&wanted->arena, text) };
	return 0;
}

void start_dropins_keep_domains(struct host *h, struct start_dropins *wanted)
{
	(void)!for_each_dropin(h, keep_domain, wanted);
}

int start_dropins_set(struct host *h, struct start_dropins *wanted, struct err *e)
{
	AUTO_FREE char *now = NULL, *then = state_of(wanted);
	int r = state_read(h, state_name, &now);
	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "read which VMs are prepared");
	bool has_others = for_each_dropin(h, is_other, wanted) > 0;
	if (!has_others && streq(now ? now : "", then))
		return 0;
	r = for_each_dropin(h, remove_other, wanted);
	if (r == 0)
		r = put_all(h, wanted);
	if (r == 0)
		r = host_reload_units(h);
	if (r < 0)
		return err_set(e, r, "prepare the scopes of VMs that are to start");
	return *then ? state_write(h, state_name, then, e) : state_remove(h, state_name, e);
}
