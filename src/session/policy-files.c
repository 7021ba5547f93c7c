/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/policy-files.h"

#include <errno.h>
#include <fcntl.h>

#include "apply/state-dir.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/record.h"
#include "base/str.h"
#include "host/host.h"

static int check_owner(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? err_set(e, -errno, "read policy '%s'", path)
		      : file_check_owner(fd, path, e);
}

static int add_file(struct policy *p, const char *path, struct err *e)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	int r = check_owner(path, e);
	if (r < 0)
		return r;
	r = strbuf_add_file(&b, path);
	return r < 0 ? err_set(e, r, "read policy '%s'", path) : policy_add_text(p, path, b.s, e);
}

/* What is in the files of a host, by path. */
struct policy_text_file {
	char *path, *text;
};
struct texts {
	ARRAY(struct policy_text_file) v;
};

static void texts_done(struct texts *t)
{
	array_for_each (x, &t->v) {
		free(x->path);
		free(x->text);
	}
	free(t->v.v);
}
#define AUTO_TEXTS CLEANUP(texts_done)

/* A file of the host that is being looked at, which a recording has too. */
static int read_host_file(struct host *h, struct texts *ret, const char *path, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(h, &text, NULL, "%s", path);
	if (r == -ENOENT)
		return 0;
	AUTO_FREE char *full = xasprintf("/%s", path);
	if (r == 0 && host_check_owner(h, path, e) < 0)
		return e->code;
	if (r < 0)
		return err_set(e, r, "read '%s'", full);
	struct policy_text_file *x = array_push(&ret->v);
	x->path = TAKE(full);
	x->text = TAKE(text);
	return 0;
}

static int read_host_dir(struct host *h, struct texts *ret, const char *dir, struct err *e)
{
	AUTO_NAMES struct host_names names = { 0 };
	int r = host_list(h, &names, "%s", dir);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_set(e, r, "list '/%s'", dir);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, names.v[i]);
		if (str_has_suffix(path, ".conf"))
			r = read_host_file(h, ret, path, e);
	}
	return r;
}

/* From what all nodes of a cluster share to what is said of this host: the last word counts. */
static int read_host_files(struct host *h, struct texts *ret, struct err *e)
{
	int r = read_host_dir(h, ret, "etc/pve/wideberth", e);
	if (r == 0)
		r = read_host_file(h, ret, "etc/wideberth/wideberth.conf", e);
	return r < 0 ? r : read_host_dir(h, ret, "etc/wideberth/wideberth.conf.d", e);
}

static int add_texts(struct policy *p, const struct texts *t, struct err *e)
{
	int r = 0;
	array_for_each (x, &t->v) {
		if (r == 0)
			r = policy_add_text(p, x->path, x->text, e);
	}
	return r;
}

static int add_host_files(struct host *h, struct policy *p, struct err *e)
{
	AUTO_TEXTS struct texts texts = { 0 };
	int r = read_host_files(h, &texts, e);
	return r < 0 ? r : add_texts(p, &texts, e);
}

/* --vm VM begins a section of its own; keys of the policy behind it belong to it. */
static int add_options(const struct option_values *options, struct policy *p, struct err *e)
{
	const char *vm = NULL;
	array_for_each (o, options) {
		int r = 0;
		if (streq(o->name, "vm")) {
			vm = o->value;
			r = policy_set(p, vm, NULL, NULL, e);
		} else if (streq(o->name, "migrate-memory")) {
			policy_migrate_memory(p);
		} else if (!streq(o->name, "policy")) {
			size_t n;
			const struct policy_key *keys = policy_keys(&n);
			for (size_t i = 0; i < n && r == 0; i++) {
				if (!streq(keys[i].key, o->name))
					continue;
				bool is_host = streq(keys[i].section, "host");
				if (!vm && !is_host)
					return err_say(e, -EINVAL, "--%s must stand behind --vm VM",
						o->name);
				r = policy_set(p, is_host ? NULL : vm, o->name, o->value, e);
			}
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int policy_read(
	struct host *h, const struct option_values *options, struct policy **ret, struct err *e)
{
	AUTO_POLICY struct policy *p = policy_new();
	int r = 0;
	bool has_files = false;
	array_for_each (o, options) {
		if (r == 0 && streq(o->name, "policy")) {
			has_files = true;
			r = add_file(p, o->value, e);
		}
	}
	if (r == 0 && !has_files)
		r = add_host_files(h, p, e);
	if (r == 0)
		r = add_options(options, p, e);
	if (r == 0)
		r = policy_check(p, e);
	if (r == 0)
		*ret = TAKE(p);
	return r;
}

/* ---- the last that was good ---- */

static const char last_name[] = "policy";

static char *format_texts(const struct texts *t)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	array_for_each (x, &t->v) {
		const char *const fields[] = { x->path, x->text };
		record_add(&b, fields, N_ELEMENTS(fields));
	}
	return TAKE(b.s);
}

static void parse_texts(char *text, struct texts *ret)
{
	const char *fields[2];
	while (record_next(&text, fields, N_ELEMENTS(fields))) {
		struct policy_text_file *x = array_push(&ret->v);
		x->path = xstrdup(fields[0]);
		x->text = xstrdup(fields[1]);
	}
}

static int make_policy(const struct texts *t, struct policy **ret, struct err *e)
{
	AUTO_POLICY struct policy *p = policy_new();
	int r = add_texts(p, t, e);
	if (r == 0)
		r = policy_check(p, e);
	if (r == 0)
		*ret = TAKE(p);
	return r;
}

int policy_read_kept(struct host *h, struct kept_policy *ret, struct err *e)
{
	AUTO_TEXTS struct texts now = { 0 }, last = { 0 };
	AUTO_FREE char *saved = NULL;
	struct err later = { 0 };
	const char *name, *source;
	bool has_saved = state_check(h, &later) == 0 && state_read(h, last_name, &saved) == 0;
	*ret = (struct kept_policy){ 0 };
	int r = read_host_files(h, &now, e);
	if (r == 0)
		r = make_policy(&now, &ret->policy, e);
	if (r == 0) {
		ret->text = format_texts(&now);
		ret->is_new = has_saved ? !streq(saved, ret->text)
					: policy_vm_section(ret->policy, 0, &name, &source);
		return 0;
	}
	if (!has_saved)
		return r;
	parse_texts(saved, &last);
	if (make_policy(&last, &ret->policy, &later) < 0)
		return r;
	ret->why_old = xstrdup(e->text);
	*e = (struct err){ 0 };
	return 0;
}

int policy_keep(struct host *h, const struct kept_policy *k, struct err *e)
{
	return k->is_new ? state_write(h, last_name, k->text, e) : 0;
}

void kept_policy_done(struct kept_policy *k)
{
	policy_freep(&k->policy);
	free(k->text);
	free(k->why_old);
}
