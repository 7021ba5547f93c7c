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
static char *read_cpus_dropin(struct host *h, const char *fmt_path)
{
	AUTO_FREE char *text = NULL;
	size_t n;
	if (host_read_path(h, fmt_path, &text, &n) < 0)
		return NULL;
	char *next = text;
	for (char *line; (line = str_next_line(&next));) {
		const char *value = str_after(line, "AllowedCPUs=");
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
	AUTO_FREE char *file = xasprintf(HOST_UNIT_CPUS_DROPIN, unit);
	AUTO_FREE char *transient = xasprintf(HOST_UNIT_CPUS_DROPIN_TRANSIENT, unit);
	AUTO_FREE char *cpus = read_cpus_dropin(h, file);
	if (!cpus)
		cpus = read_cpus_dropin(h, transient);
	if (streq(property, "ControlGroup"))
		*ret = xasprintf("/%s", group);
	else if (streq(property, "AllowedCPUs"))
		*ret = cpus ? TAKE(cpus) : xstrdup("");
	else
		*ret = xstrdup("no");
	return 0;
}

static int tree_get_irqbalance(struct host *h, struct cpuset *ret)
{
	(void)h;
	(void)ret;
	return -ENOENT;
}

const struct host_ops host_tree_ops = {
	.get_affinity = host_tree_get_affinity,
	.get_unit = tree_get_unit,
	.get_irqbalance = tree_get_irqbalance,
};
