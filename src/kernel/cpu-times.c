/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/cpu-times.h"

#include <ctype.h>
#include <errno.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/str.h"

enum { N_FIELDS_AT_LEAST = 4 }; /* user, nice, system, idle: every kernel has them */

static bool parse_line(const char *p, const char *end, struct cpu_ticks *ret)
{
	struct cpu_ticks t = { .cpu = -1 };
	uint64_t cpu,
		*fields[] = { &t.user, &t.nice, &t.system, &t.idle, &t.iowait, &t.irq, &t.softirq,
			&t.steal, &t.guest, &t.guest_nice };
	if (isdigit((unsigned char)*p)) {
		if (!str_take_u64(&p, &cpu) || cpu >= CPUSET_MAX)
			return false;
		t.cpu = (int)cpu;
	}
	if (*p != ' ' || *end != '\n')
		return false;
	size_t n = 0;
	for (; n < N_ELEMENTS(fields) && (p = str_skip_blanks(p)) < end; n++)
		if (!str_take_u64(&p, fields[n]))
			return false;
	*ret = t;
	return n >= N_FIELDS_AT_LEAST;
}

int cpu_times_parse(struct arena *a, const char *text, struct cpu_times *ret)
{
	ARRAY(struct cpu_ticks) all = { 0 };
	int odd = 0, nr = 1;
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end, nr++) {
		struct cpu_ticks t;
		const char *p = str_after(line, "cpu");
		end = str_line_end(line);
		if (p && parse_line(p, end, &t))
			*array_push(&all) = t;
		else if (p && !odd)
			odd = nr;
	}
	*ret = (struct cpu_times){ arena_dup(a, all.v, all.n, sizeof *all.v), all.n };
	free(all.v);
	return ret->n ? odd : -EINVAL;
}

const struct cpu_ticks *cpu_times_of(const struct cpu_times *t, int cpu)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].cpu == cpu)
			return &t->v[i];
	return NULL;
}
