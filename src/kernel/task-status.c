/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/task-status.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "kernel/cpus.h"

static int64_t number(const char *p)
{
	uint64_t n;
	return str_take_u64(&p, &n) && n <= INT64_MAX / 1024 ? (int64_t)n : -1;
}

static bool set(const char *p, const char *end, struct cpuset *ret)
{
	AUTO_FREE char *list = xstrndup(p, (size_t)(end - p));
	return cpus_parse_list(list, ret) == 0;
}

static void parse_pids(const char *p, struct task_status *s)
{
	uint64_t pid;
	for (s->n_pids = 0; str_take_u64(&p, &pid) && pid <= INT_MAX; s->n_pids++)
		if (!s->n_pids)
			s->pid_here = (int)pid;
}

static void parse_line(const char *line, const char *end, struct task_status *s)
{
	const struct {
		const char *key;
		int64_t *value;
	} rows[] = { { "VmLck:", &s->locked_kib }, { "HugetlbPages:", &s->hugetlb_kib },
		{ "voluntary_ctxt_switches:", &s->voluntary },
		{ "nonvoluntary_ctxt_switches:", &s->involuntary } };
	const char *p;
	uint64_t n;
	for (size_t i = 0; i < N_ELEMENTS(rows); i++)
		if ((p = str_after(line, rows[i].key)))
			*rows[i].value = number(p);
	if ((p = str_after(line, "Tgid:")))
		s->tgid = str_take_u64(&p, &n) && n <= INT_MAX ? (int)n : -1;
	else if ((p = str_after(line, "NSpid:")))
		parse_pids(p, s);
	else if ((p = str_after(line, "Uid:")) && (s->uid = number(p)) >= 0 && str_take_u64(&p, &n))
		s->euid = number(p);
	else if ((p = str_after(line, "Cpus_allowed_list:")))
		s->has_cpus = set(p, end, &s->cpus_allowed);
	else if ((p = str_after(line, "Mems_allowed_list:")))
		s->has_mems = set(p, end, &s->mems_allowed);
}

void task_status_parse(const char *text, struct task_status *ret)
{
	*ret = (struct task_status){ -1, -1, -1, -1, 0, -1, -1, -1, -1, .has_cpus = false };
	for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		parse_line(line, end, ret);
}
