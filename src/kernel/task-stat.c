/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/task-stat.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/str.h"

enum { FIELD_STATE = 3, FIELD_START = 22, FIELD_LAST = 41 };

/* " -19" → -19; *p moves behind it. */
static bool take_field(const char **p, int64_t *ret)
{
	const char *q = *p;
	uint64_t n;
	if (*q++ != ' ')
		return false;
	bool is_negative = *q == '-';
	q += is_negative;
	if (!isdigit((unsigned char)*q) || !str_take_u64(&q, &n) || (*q != ' ' && *q != '\n'))
		return false;
	*ret = (int64_t)(is_negative ? 0 - n : n);
	*p = q;
	return true;
}

static int parse_tid(const char *text, const char *open, int *ret)
{
	const char *p = text;
	uint64_t tid;
	if (!str_take_u64(&p, &tid) || tid > INT_MAX || str_skip_blanks(p) != open)
		return -EINVAL;
	*ret = (int)tid;
	return 0;
}

int task_stat_parse(const char *text, struct task_stat *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	struct task_stat s = { 0 };
	if (!open || !close || close < open || parse_tid(text, open, &s.tid) < 0)
		return -EINVAL;
	size_t n_comm = (size_t)(close - open) - 1;
	memcpy(s.comm, open + 1, n_comm < sizeof s.comm ? n_comm : sizeof s.comm - 1);
	const char *p = close + 1;
	if (p[0] != ' ' || !p[1] || p[2] != ' ')
		return -EINVAL;
	s.state = p[1];
	p += 2;
	int64_t field[FIELD_LAST + 1] = { [39] = -1 };
	for (int i = FIELD_STATE + 1; i <= FIELD_LAST; i++) {
		if (take_field(&p, &field[i]))
			continue;
		if (i <= FIELD_START)
			return -EINVAL;
		break;
	}
	s.ppid = (int)field[4];
	s.flags = (unsigned int)field[9];
	s.run_ticks = (uint64_t)field[14] + (uint64_t)field[15];
	s.nice = (int)field[19];
	s.n_threads = (int)field[20];
	s.start = (uint64_t)field[22];
	s.last_cpu = field[39] >= 0 && field[39] <= INT_MAX ? (int)field[39] : -1;
	s.rt_priority = (int)field[40];
	s.policy = (int)field[41];
	*ret = s;
	return 0;
}
