/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ledger and journal as files of the state directory. */
#include <errno.h>

#include "apply/ledger.h"
#include "apply/state-dir.h"
#include "base/str.h"
#include "host/host.h"

/* 1 when there is no such file. */
static int read_ledger(struct host *h, const char *name, struct ledger **ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = state_check(h, e);
	if (r < 0)
		return err_ctx(e, "the state directory");
	r = state_read(h, name, &text);
	if (r == -ENOENT)
		return 1;
	if (r == -EACCES || r == -EPERM) {
		AUTO_FREE char *path = state_shown_path(h, name);
		return err_say(e, -EACCES, "only root may read what is applied: %s", path);
	}
	if (r < 0) {
		AUTO_FREE char *path = state_shown_path(h, name);
		return err_set(e, r, "read the %s %s", name, path);
	}
	r = ledger_parse(text, ret);
	if (r < 0) {
		AUTO_FREE char *path = state_shown_path(h, name);
		return err_say(e, r,
			"%s is damaged in its first and its last line, or of another version: "
			"what it says cannot be put back; 'mv %s %s.damaged' goes on without it",
			path, path, path);
	}
	AUTO_FREE char *path = state_shown_path(h, name);
	(*ret)->path = arena_strdup(&(*ret)->arena, path);
	return 0;
}

static int read_boot_id(struct host *h, char **ret)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(h, &text, NULL, "proc/sys/kernel/random/boot_id");
	if (r == 0)
		*ret = xstrdup(str_trim(text));
	return r;
}

/* What was set before a reboot is gone with it: *ret is NULL. */
static int read_current(struct host *h, const char *name, struct ledger **ret, struct err *e)
{
	AUTO_LEDGER struct ledger *l = NULL;
	AUTO_FREE char *now = NULL;
	int r = read_ledger(h, name, &l, e);
	if (r < 0)
		return r;
	bool has_boot = r == 0 && l->boot_id && *l->boot_id;
	r = has_boot ? read_boot_id(h, &now) : 0;
	if (r < 0) {
		AUTO_FREE char *path = state_shown_path(h, name);
		return err_set(e, r,
			"cannot tell whether %s is of this boot: read "
			"/proc/sys/kernel/random/boot_id",
			path);
	}
	*ret = !has_boot || streq(l->boot_id, now) ? TAKE(l) : NULL;
	return 0;
}

/* A commit leaves the entries that it released until the next write. */
static void drop_released(struct ledger *l)
{
	size_t n = 0;
	array_for_each (entry, &l->entries) {
		if (!entry->is_released)
			l->entries.v[n++] = *entry;
	}
	l->entries.n = n;
}

int ledger_read(struct host *h, struct ledger **ret, struct err *e)
{
	int r = read_current(h, "ledger", ret, e);
	if (r == 0 && !*ret)
		*ret = ledger_new();
	if (r == 0)
		drop_released(*ret);
	if (r == 0 && !(*ret)->boot_id) {
		AUTO_FREE char *id = NULL;
		bool is_known = read_boot_id(h, &id) == 0;
		(*ret)->boot_id = arena_strdup(&(*ret)->arena, is_known ? id : "");
	}
	return r;
}

int ledger_look(struct host *h, struct ledger **ret, struct err *e)
{
	int r = ledger_read(h, ret, e);
	if (r != -EACCES)
		return r;
	*e = (struct err){ 0 };
	*ret = ledger_new();
	(*ret)->is_hidden = true;
	return 0;
}

int ledger_read_journal(struct host *h, struct ledger **ret, struct err *e)
{
	return read_current(h, "journal", ret, e);
}

int ledger_write_journal(struct host *h, const struct ledger *l, struct err *e)
{
	AUTO_FREE char *text = ledger_format(l);
	int r = state_write(h, "journal", text, e);
	if (!l->is_forward || !state_is_full(r) || !state_use_reserve(h))
		return r;
	*e = (struct err){ 0 };
	return state_write(h, "journal", text, e);
}

int ledger_commit(struct host *h, struct err *e)
{
	int r = state_rename(h, "journal", "ledger", e);
	state_reserve(h, "ledger");
	return r;
}

int ledger_drop_journal(struct host *h, struct err *e)
{
	return state_remove(h, "journal", e);
}

int ledger_replace(struct host *h, const struct ledger *l, struct err *e)
{
	AUTO_FREE char *text = ledger_format(l);
	int r = ledger_is_empty(l) ? state_remove(h, "ledger", e)
				   : state_write(h, "ledger", text, e);
	state_reserve(h, "ledger");
	return r;
}
