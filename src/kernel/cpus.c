/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/cpus.h"

#include <ctype.h>
#include <errno.h>

#include "base/str.h"

static const char *skip_space(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

int cpus_parse_list(const char *text, struct cpuset *ret)
{
	const char *rest = str_after(skip_space(text), "(null)");
	if (!rest || *skip_space(rest))
		return cpuset_parse_list(text, ret);
	*ret = CPUSET_EMPTY;
	return 0;
}

int cpus_parse_words(const char *text, struct cpuset *ret)
{
	struct cpuset set = CPUSET_EMPTY;
	uint64_t cpu;
	for (const char *p = skip_space(text); *p; p = skip_space(p)) {
		if (!str_take_u64(&p, &cpu) || cpu >= CPUSET_MAX ||
			(*p && !isspace((unsigned char)*p)))
			return -EINVAL;
		cpuset_add(&set, (int)cpu);
	}
	*ret = set;
	return 0;
}
