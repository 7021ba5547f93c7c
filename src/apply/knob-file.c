/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Knobs that are files, read and written as they are. */
#include "apply/knob.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "host/host-write.h"
#include "kernel/cpus.h"

char *knob_path(const struct knob *k, const struct target *t)
{
	const char *at = strstr(k->path, "%s");
	if (!at)
		return xstrdup(k->path);
	return xasprintf("%.*s%s%s", (int)(at - k->path), k->path, t->key, at + strlen("%s"));
}

struct value knob_keep_cpus(struct arena *a, const struct cpuset *cpus)
{
	return value_cpus(cpuset_keep(a, cpus));
}

int knob_parse_file(const struct knob *k, char *text, struct arena *a, struct value *ret)
{
	struct cpuset cpus;
	if (k->type != KNOB_CPUSET || !k->is_mask)
		return value_parse(k, str_trim(text), a, ret);
	int r = cpuset_parse_mask(text, &cpus);
	if (r == 0)
		*ret = knob_keep_cpus(a, &cpus);
	return r;
}

char *knob_format_file(const struct knob *k, const struct value *v)
{
	if (k->type == KNOB_ACTION)
		return xstrdup("1");
	return v->kind == VALUE_SET && k->is_mask ? cpuset_format_mask(v->cpus) : value_text(k, v);
}

int knob_read_file(struct host *h, const struct knob *k, const struct target *t, struct arena *a,
	struct value *ret)
{
	AUTO_FREE char *path = knob_path(k, t), *text = NULL;
	uint64_t inode;
	if (k->type == KNOB_ACTION) { /* can be written only: what was done stands in the ledger */
		*ret = VALUE_IS_UNSET;
		return host_inode(h, &inode, "%s", path) == -ENOENT ? KNOB_GONE : 0;
	}
	int r = host_read(h, &text, NULL, "%s", path);
	return r == -ENOENT ? KNOB_GONE : r < 0 ? r : knob_parse_file(k, text, a, ret);
}

int knob_write_file(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	AUTO_FREE char *path = knob_path(k, t), *text = knob_format_file(k, v);
	return host_write(h, text, "%s", path);
}

int knob_check_writable(struct host *h, const struct knob *k, const struct target *t, struct err *e)
{
	AUTO_FREE char *path = k->path ? knob_path(k, t) : NULL;
	int r = path ? host_check_writable(h, "%s", path) : 0;
	return r < 0 ? err_set(e, r, "change '/%s'", path) : 0;
}

int read_list_file(struct host *h, const char *path, struct cpuset *ret)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(h, &text, NULL, "%s", path);
	return r < 0 ? r : cpus_parse_list(text, ret);
}
