/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/counts.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cpuset.h"
#include "model/read.h"

static const char *end_of_line(const char *p)
{
	const char *nl = strchr(p, '\n');
	return nl ? nl : p + strlen(p);
}

static size_t count_lines(const char *text)
{
	size_t n = 1;
	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* The number at *p, which is moved behind it. False without digits, or with too many of them. */
static bool parse_u64(const char **p, uint64_t *ret)
{
	uint64_t n = 0;
	const char *q = *p;
	for (; isdigit((unsigned char)*q); q++)
		if (__builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, (uint64_t)(*q - '0'), &n))
			return false;
	bool is_number = q > *p;
	*p = q;
	*ret = n;
	return is_number;
}

/* "            CPU0       CPU2" */
static bool parse_header(struct arena *a, const char *p, const char *end, struct count_table *t)
{
	t->cpus = arena_alloc(a, (size_t)(end - p) / 4 * sizeof *t->cpus + sizeof *t->cpus);
	while ((p = skip_blanks(p)) < end) {
		uint64_t cpu;
		if (strncmp(p, "CPU", 3) != 0 || (p += 3, !parse_u64(&p, &cpu)) ||
			cpu >= CPUSET_MAX || (p < end && *p != ' ' && *p != '\t'))
			return false;
		t->cpus[t->n_cpus++] = (int)cpu;
	}
	return t->n_cpus > 0;
}

/* " 24:          0        170  PCI-MSIX-0000:00:03.0   0-edge      virtio0-config" */
static bool parse_row(struct arena *a, const char *p, const char *end, const struct count_table *t,
	struct count_row *row)
{
	const char *colon = memchr(p, ':', (size_t)(end - p));
	if (!colon)
		return false;
	p = skip_blanks(p);
	row->label = arena_strndup(a, p, (size_t)(colon - p));
	row->counts = arena_alloc(a, t->n_cpus * sizeof *row->counts);
	p = colon + 1;
	for (size_t i = 0; i < t->n_cpus; i++) {
		const char *q = skip_blanks(p);
		if (!isdigit((unsigned char)*q))
			break;
		uint64_t n;
		if (!parse_u64(&q, &n))
			return false;
		if (q < end && *q != ' ' && *q != '\t')
			break; /* "1-edge": no count any more */
		row->counts[i] = n;
		p = q;
	}
	p = skip_blanks(p);
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	row->text = arena_strndup(a, p, (size_t)(end - p));
	return true;
}

int count_table_parse(struct arena *a, const char *text, struct count_table *ret)
{
	*ret = (struct count_table){ 0 };
	const char *end = end_of_line(text);
	if (!parse_header(a, text, end, ret))
		return 1;
	ret->rows = arena_alloc(a, count_lines(text) * sizeof *ret->rows);
	for (int line = 2; *end && end[1]; line++) {
		const char *p = end + 1;
		end = end_of_line(p);
		if (!parse_row(a, p, end, ret, &ret->rows[ret->n_rows]))
			return line;
		ret->n_rows++;
	}
	return 0;
}

/*
 *	cpu  4705 150 1120 16250 520 30 20 0 0 0
 *	cpu0 2352 75 560 8125 260 15 10 0 0 0
 *	intr 114930548 113199788 …
 */
int time_splits_parse(struct arena *a, const char *text, struct time_splits *ret)
{
	*ret = (struct time_splits){ .v = arena_alloc(a, count_lines(text) * sizeof *ret->v) };
	const char *end;
	int line = 1;
	for (const char *p = text; *p; p = *end ? end + 1 : end, line++) {
		end = end_of_line(p);
		if (strncmp(p, "cpu", 3) != 0 || p[3] == ' ')
			continue;
		struct time_split *t = &ret->v[ret->n++];
		uint64_t cpu,
			*fields[] = { &t->user, &t->nice, &t->system, &t->idle, &t->iowait, &t->irq,
				&t->softirq, &t->steal, &t->guest, &t->guest_nice };
		p += 3;
		if (!parse_u64(&p, &cpu) || cpu >= CPUSET_MAX)
			return line;
		t->cpu = (int)cpu;
		size_t i = 0;
		for (; i < N_ELEMENTS(fields) && (p = skip_blanks(p)) < end; i++)
			if (!parse_u64(&p, fields[i]))
				return line;
		if (i < 4) /* user, nice, system, idle: every kernel has them */
			return line;
	}
	return 0;
}

int read_table(struct host *h, struct snapshot *s, const char *path, struct count_table *ret,
	struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(h, &text, NULL, "%s", path);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "read /%s", path);
	int line = count_table_parse(&s->arena, text, ret);
	return line ? err_say(e, -EINVAL, "/%s:%d: not in the kernel's format", path, line) : 0;
}

int read_load(struct host *h, struct snapshot *s, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(h, &text, NULL, "proc/stat");
	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "read /proc/stat");
	int line = r == 0 ? time_splits_parse(&s->arena, text, &s->times) : 0;
	if (line)
		return err_say(e, -EINVAL, "/proc/stat:%d: not in the kernel's format", line);
	return read_table(h, s, "proc/softirqs", &s->softirqs, e);
}
