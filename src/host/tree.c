/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory tree as a machine that is only looked at: what is no file, as far as its files tell
 * it. Nothing changes it: the operations for that are missing.
 *
 * Alone in this file, so that a program can bring a table of its own: tests have one that behaves
 * as a kernel does (tests/machine).
 */
#include "host/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "host/host-write.h"

/* The value behind "AllowedCPUs=" in the drop-in that systemd writes for the property. */
static char *read_dropin(struct host *h, const char *path, const char *property)
{
	AUTO_FREE char *text = NULL, *key = xasprintf("%s=", property);
	size_t n;
	if (host_read_path(h, path, &text, &n) < 0)
		return NULL;
	char *next = text;
	for (char *line; (line = str_next_line(&next));) {
		const char *value = str_after(line, key);
		if (value && *value)
			return xstrdup(value);
	}
	return NULL;
}

static int tree_get_unit(struct host *h, const char *unit, const char *property, char **ret)
{
	AUTO_FREE char *group = NULL;
	int r = host_tree_unit_group(h, unit, &group);
	if (r)
		return r;
	AUTO_FREE char *file = xasprintf(HOST_UNIT_DROPIN, unit, property);
	AUTO_FREE char *transient = xasprintf(HOST_UNIT_DROPIN_TRANSIENT, unit, property);
	AUTO_FREE char *list = read_dropin(h, file, property);
	if (!list)
		list = read_dropin(h, transient, property);
	if (streq(property, "ControlGroup"))
		*ret = xasprintf("/%s", group);
	else if (str_after(property, "Allowed"))
		*ret = list ? TAKE(list) : xstrdup("");
	else
		*ret = xstrdup("no");
	return 0;
}

const struct host_ops host_tree_ops = {
	.get_affinity = host_tree_get_affinity,
	.get_unit = tree_get_unit,
};
