/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "measure/proc.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* One decimal number behind blanks, on this line; *p moves behind it. */
static bool take_u64(const char **p, uint64_t *ret)
{
	const char *s = skip_blanks(*p);
	uint64_t n = 0;
	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return false;
	*p = s;
	*ret = n;
	return true;
}

static const char *next_line(const char *p)
{
	p = strchr(p, '\n');
	return p && p[1] ? p + 1 : NULL;
}

int proc_parse_schedstat(const char *text, struct schedstat *ret)
{
	uint64_t run, wait, slices;
	if (!take_u64(&text, &run) || !take_u64(&text, &wait) || !take_u64(&text, &slices))
		return -EINVAL;
	*ret = (struct schedstat){ run, wait };
	return 0;
}

/* Moves to the start of a field of stat, given that p is at the start of 'from'. NULL: cut short.
 */
static const char *stat_field(const char *p, int from, int field)
{
	for (; p && from < field; from++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	return p;
}

int proc_parse_task_stat(const char *text, struct task_stat *ret)
{
	/* The name is whatever the program calls itself, ") R 1 (" included: the last ')' ends it.
	 */
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close || close < open || close[1] != ' ' || !close[2])
		return -EINVAL;
	struct task_stat s = { .state = close[2] };
	uint64_t flags, cpu;
	const char *p = stat_field(close + 2, 3, 9);
	if (!p || !take_u64(&p, &flags) || *p != ' ')
		return -EINVAL;
	p = stat_field(p + 1, 10, 22);
	if (!p || !take_u64(&p, &s.start) || *p != ' ')
		return -EINVAL;
	p = stat_field(p + 1, 23, 39);
	/* Fields follow it: a text that ends here may have been cut through the number. */
	if (!p || !take_u64(&p, &cpu) || cpu > INT_MAX || *p != ' ')
		return -EINVAL;
	s.flags = (unsigned int)flags;
	s.last_cpu = (int)cpu;
	snprintf(s.comm, sizeof s.comm, "%.*s", (int)(close - open - 1), open + 1);
	*ret = s;
	return 0;
}

/* The number behind "KEY   :   " at the start of a line. */
static int keyed_number(const char *text, const char *key, uint64_t *ret)
{
	for (const char *line = text; line; line = next_line(line)) {
		const char *p = str_after(line, key);
		if (!p)
			continue;
		p = skip_blanks(p);
		if (*p != ':')
			continue;
		p++;
		return take_u64(&p, ret) ? 0 : -EINVAL;
	}
	return -ENODATA;
}

int proc_parse_switches(const char *status, struct switches *ret)
{
	struct switches s;
	int r = keyed_number(status, "voluntary_ctxt_switches", &s.voluntary);
	if (!r)
		r = keyed_number(status, "nonvoluntary_ctxt_switches", &s.involuntary);
	if (!r)
		*ret = s;
	return r;
}

int proc_parse_migrations(const char *sched, uint64_t *ret)
{
	return keyed_number(sched, "se.nr_migrations", ret);
}

/* "cpu1 1575 0 1438 112542 411 0 62 112 0 0": user nice system idle iowait irq softirq steal guest
 * guest_nice; guest time is already in user. */
static bool parse_cpu_ticks(const char *line, struct cpu_ticks *ret)
{
	const char *p = line + strlen("cpu");
	uint64_t v[8], cpu;
	struct cpu_ticks t = { .cpu = -1 };
	if (*p != ' ') {
		if (!take_u64(&p, &cpu) || cpu > INT_MAX)
			return false;
		t.cpu = (int)cpu;
	}
	for (size_t i = 0; i < N_ELEMENTS(v); i++)
		if (!take_u64(&p, &v[i]))
			return false;
	t.user = v[0] + v[1];
	t.system = v[2];
	t.idle = v[3] + v[4];
	t.irq = v[5];
	t.softirq = v[6];
	t.steal = v[7];
	*ret = t;
	return true;
}

int proc_parse_stat(struct arena *a, const char *text, struct cpu_times *ret)
{
	ARRAY(struct cpu_ticks) cpus = { 0 };
	bool is_good = true;
	for (const char *line = text; line && is_good && str_after(line, "cpu");
		line = next_line(line))
		is_good = parse_cpu_ticks(line, array_push(&cpus));
	if (is_good && cpus.n)
		*ret = (struct cpu_times){ arena_dup(a, cpus.v, cpus.n, sizeof *cpus.v), cpus.n };
	free(cpus.v);
	return is_good && cpus.n ? 0 : -EINVAL;
}

const struct cpu_ticks *cpu_times_of(const struct cpu_times *t, int cpu)
{
	for (size_t i = 0; i < t->n_cpus; i++)
		if (t->cpus[i].cpu == cpu)
			return &t->cpus[i];
	return NULL;
}

/* "   CPU0   CPU2": the CPU of each column. */
static int parse_header(struct arena *a, const char *p, struct counts *ret)
{
	ARRAY(int) cpus = { 0 };
	uint64_t cpu = 0;
	for (p = skip_blanks(p); *p && *p != '\n'; p = skip_blanks(p)) {
		p = str_after(p, "CPU");
		if (!p || !take_u64(&p, &cpu) || cpu > INT_MAX) {
			free(cpus.v);
			return -EINVAL;
		}
		*array_push(&cpus) = (int)cpu;
	}
	ret->n_cpus = cpus.n;
	ret->cpus = arena_dup(a, cpus.v, cpus.n, sizeof *cpus.v);
	free(cpus.v);
	return ret->n_cpus ? 0 : -EINVAL;
}

static bool is_trigger(const char *word, size_t n)
{
	static const char *const ends[] = { "-edge", "-level", "-fasteoi" };
	for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
		size_t k = strlen(ends[i]);
		if (n >= k && !strncmp(word + n - k, ends[i], k))
			return true;
	}
	return false;
}

/* "PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0": what follows the trigger is the device that
 * asked for it; without a trigger all of it is the label. */
static char *parse_label(struct arena *a, const char *p)
{
	p = skip_blanks(p);
	const char *end = p + strcspn(p, "\n"), *label = p;
	while (p < end) {
		size_t n = strcspn(p, " \t\n");
		bool is_found = is_trigger(p, n);
		p = skip_blanks(p + n);
		if (is_found) {
			label = p;
			break;
		}
	}
	while (end > label && isspace((unsigned char)end[-1]))
		end--;
	return arena_strndup(a, label, (size_t)(end - label));
}

static bool parse_count_line(struct arena *a, const char *p, size_t n_cpus, struct count_line *ret)
{
	p = skip_blanks(p);
	size_t n = strcspn(p, ":\n");
	if (!n || p[n] != ':')
		return false;
	const char *name = p;
	p += n + 1;
	uint64_t *counts = arena_alloc(a, n_cpus * sizeof *counts);
	for (size_t i = 0; i < n_cpus; i++)
		if (!take_u64(&p, &counts[i]))
			return false;
	/* A number that the end of the text cut through is not a number. */
	if (!strchr(p, '\n'))
		return false;
	*ret = (struct count_line){ .name = arena_strndup(a, name, n), .counts = counts };
	ret->is_device = strspn(name, "0123456789") == n;
	ret->label = parse_label(a, p);
	return true;
}

int proc_parse_counts(struct arena *a, const char *text, struct counts *ret)
{
	struct counts c = { 0 };
	int r = parse_header(a, text, &c);
	if (r < 0)
		return r;
	ARRAY(struct count_line) lines = { 0 };
	for (const char *line = next_line(text); line; line = next_line(line)) {
		struct count_line l;
		if (parse_count_line(a, line, c.n_cpus, &l))
			*array_push(&lines) = l;
	}
	c.lines = arena_dup(a, lines.v, lines.n, sizeof *lines.v);
	c.n_lines = lines.n;
	free(lines.v);
	*ret = c;
	return 0;
}

const struct count_line *counts_line(const struct counts *c, const char *name, size_t hint)
{
	if (hint < c->n_lines && streq(c->lines[hint].name, name))
		return &c->lines[hint];
	for (size_t i = 0; i < c->n_lines; i++)
		if (streq(c->lines[i].name, name))
			return &c->lines[i];
	return NULL;
}

int counts_column(const struct counts *c, int cpu)
{
	for (size_t i = 0; i < c->n_cpus; i++)
		if (c->cpus[i] == cpu)
			return (int)i;
	return -1;
}

uint64_t counter_delta(uint64_t before, uint64_t after)
{
	if (after >= before)
		return after - before;
	/* From 4294967290 to 4: a wrap. From 1000 to 4: nothing counts 4 G in a window. */
	uint32_t wrapped = (uint32_t)(after - before);
	return before <= UINT32_MAX && wrapped < UINT32_MAX / 2 ? wrapped : after;
}

struct counts counts_delta(struct arena *a, const struct counts *before, const struct counts *after)
{
	struct counts d = *after;
	int *old_column = arena_alloc(a, d.n_cpus * sizeof *old_column);
	for (size_t i = 0; i < d.n_cpus; i++)
		old_column[i] = counts_column(before, d.cpus[i]);
	d.lines = arena_dup(a, after->lines, d.n_lines, sizeof *d.lines);
	for (size_t i = 0; i < d.n_lines; i++) {
		const struct count_line *now = &after->lines[i];
		const struct count_line *old = counts_line(before, now->name, i);
		if (old && !streq(old->label, now->label))
			old = NULL;
		uint64_t *delta = arena_alloc(a, d.n_cpus * sizeof *delta);
		for (size_t c = 0; c < d.n_cpus; c++)
			if (old_column[c] >= 0)
				delta[c] = counter_delta(
					old ? old->counts[old_column[c]] : 0, now->counts[c]);
		d.lines[i].counts = delta;
	}
	return d;
}
