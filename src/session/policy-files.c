/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/policy-files.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/file.h"
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

/* A file of the host that is being looked at, which a recording has too. */
static int add_host_file(struct host *h, struct policy *p, const char *path, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(h, &text, NULL, "%s", path);
	if (r == -ENOENT)
		return 0;
	AUTO_FREE char *full = xasprintf("/%s", path);
	if (r == 0 && host_check_owner(h, path, e) < 0)
		return e->code;
	return r < 0 ? err_set(e, r, "read '%s'", full) : policy_add_text(p, full, text, e);
}

static int add_host_dir(struct host *h, struct policy *p, const char *dir, struct err *e)
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
			r = add_host_file(h, p, path, e);
	}
	return r;
}

/* From what all nodes of a cluster share to what is said of this host: the last word counts. */
static int add_host_files(struct host *h, struct policy *p, struct err *e)
{
	int r = add_host_dir(h, p, "etc/pve/wideberth", e);
	if (r == 0)
		r = add_host_file(h, p, "etc/wideberth/wideberth.conf", e);
	return r < 0 ? r : add_host_dir(h, p, "etc/wideberth/wideberth.conf.d", e);
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
