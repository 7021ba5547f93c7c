/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/cpu-quota.h"

#include <errno.h>

#include "base/str.h"

int cpu_max_parse(const char *text, struct cpu_max *ret)
{
	struct cpu_max m = { 0 };
	const char *p = str_after(text, "max");
	if (!p) {
		p = text;
		if (!str_take_u64(&p, &m.quota_us) || !m.quota_us)
			return -EINVAL;
	}
	if (*p != ' ' || !str_take_u64(&p, &m.period_us) || !m.period_us)
		return -EINVAL;
	if (*str_skip_blanks(p) && *p != '\n')
		return -EINVAL;
	*ret = m;
	return 0;
}

int cpu_stat_parse(const char *text, struct cpu_stat *ret)
{
	struct cpu_stat s = { 0 };
	bool has_usage = false;
	const struct {
		const char *key;
		uint64_t *to;
	} rows[] = {
		{ "usage_usec ", &s.usage_us },
		{ "nr_periods ", &s.n_periods },
		{ "nr_throttled ", &s.n_throttled },
		{ "throttled_usec ", &s.throttled_us },
	};
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		end = str_line_end(line);
		for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
			const char *p = str_after(line, rows[i].key);
			uint64_t n;
			if (!p || *end != '\n' || !str_take_u64(&p, &n) || p != end)
				continue;
			*rows[i].to = n;
			has_usage |= rows[i].to == &s.usage_us;
		}
	}
	if (!has_usage)
		return -EINVAL;
	*ret = s;
	return 0;
}
