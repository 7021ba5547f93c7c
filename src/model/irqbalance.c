/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/irqbalance.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "host/host.h"
#include "model/snapshot.h"

/* What the line sets the variable to, without the quotes that systemd takes off; NULL: it is no
 * such line, or sets it to nothing. */
static const char *value_of(char *line, const char *variable)
{
	if (!str_after(line, variable))
		return NULL;
	char *value = str_trim(line + strlen(variable));
	size_t n = strlen(value);
	if (n > 1 && strchr("\"'", *value) && value[n - 1] == *value) {
		value[n - 1] = 0;
		value++;
	}
	return *value ? value : NULL;
}

bool irqbalance_banned_in(const char *text, struct cpuset *ret)
{
	AUTO_FREE char *copy = xstrdup(text);
	struct cpuset list, mask;
	bool has_list = false, has_mask = false;
	for (char *next = copy, *line; (line = str_next_line(&next));) {
		const char *value;
		if ((value = value_of(line, "IRQBALANCE_BANNED_CPULIST=")))
			has_list = cpuset_parse_list(value, &list) == 0;
		else if ((value = value_of(line, "IRQBALANCE_BANNED_CPUS=")))
			has_mask = cpuset_parse_mask(value, &mask) == 0;
	}
	if (has_list || has_mask)
		*ret = has_mask ? mask : list;
	return has_list || has_mask;
}

void irqbalance_read(struct host *h, const struct snapshot *s, struct irqbalance *ret)
{
	/* Of Debian, and of Red Hat: its unit's EnvironmentFile=. */
	static const char *const files[] = { "etc/default/irqbalance", "etc/sysconfig/irqbalance" };
	*ret = (struct irqbalance){ .configured_cpus = s->boot_isolated_cpus, .file = files[0] };
	if (s->tunables && s->tunables->nohz_full_cpus)
		cpuset_add_all(&ret->configured_cpus, s->tunables->nohz_full_cpus);
	for (size_t i = 0; i < N_ELEMENTS(files); i++) {
		AUTO_FREE char *text = NULL;
		if (host_read(h, &text, NULL, "%s", files[i]) < 0)
			continue;
		ret->file = files[i];
		ret->has_list = irqbalance_banned_in(text, &ret->configured_cpus);
		break;
	}
	ret->is_told = host_get_irqbalance(h, &ret->banned_cpus) == 0;
	if (!ret->is_told)
		ret->banned_cpus = ret->configured_cpus;
}
