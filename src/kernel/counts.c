/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/counts.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/str.h"

/* "            CPU0       CPU2" */
static bool parse_header(struct arena *a, const char *p, const char *end, struct count_table *t)
{
	t->cpus = arena_alloc(a, (size_t)(end - p) / 4 * sizeof *t->cpus + sizeof *t->cpus);
	while ((p = str_skip_blanks(p)) < end) {
		uint64_t cpu;
		p = str_after(p, "CPU");
		if (!p || !isdigit((unsigned char)*p) || !str_take_u64(&p, &cpu) ||
			cpu >= CPUSET_MAX || (p < end && !isblank((unsigned char)*p)))
			return false;
		t->cpus[t->n_cpus++] = (int)cpu;
	}
	return t->n_cpus > 0;
}

/* Chips and flow handlers end in these ("1-edge", "IO-APIC-fasteoi", "xen-dyn-event"); others say
 * "Edge" and "Level" (show_interrupts() in kernel/irq/proc.c). */
static bool is_trigger(const char *word, size_t n)
{
	static const char *const ends[] = { "-edge", "-level", "-fasteoi", "-event", "-percpu",
		"-virq", "-ipi" };
	if ((n == 4 && !strncmp(word, "Edge", n)) || (n == 5 && !strncmp(word, "Level", n)))
		return true;
	for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
		size_t k = strlen(ends[i]);
		if (n >= k && !strncmp(word + n - k, ends[i], k))
			return true;
	}
	return false;
}

/* "GICv3  27 Level     arch_timer": SGIs and PPIs, extended ones too. */
static bool is_private_of_gic(const char *text)
{
	const char *p = text + strcspn(text, " \t");
	uint64_t hw;
	return str_after(text, "GIC") && str_take_u64(&p, &hw) &&
		(hw < 32 || (hw >= 1056 && hw < 1120));
}

/* Each CPU has its own: by the chip, or by who requested it. Nothing else tells everybody. */
static bool is_cpu_private(const char *text, const char *action)
{
	static const char *const chips[] = { "RISC-V INTC", "CPUINTC", "xen-percpu", "XIVE-IPI",
		"IPI" };
	static const char *const actions[] = { "IPI", "arch_timer", "riscv-timer" };
	for (size_t i = 0; i < N_ELEMENTS(chips); i++)
		if (str_after(text, chips[i]))
			return true;
	for (size_t i = 0; i < N_ELEMENTS(actions); i++)
		if (str_after(action, actions[i]))
			return true;
	return is_private_of_gic(text);
}

/* "PCI-MSIX-0000:00:03.0   0-edge      virtio0-config" → what is behind the trigger; without one,
 * behind the last run of blanks. Actions that share the interrupt are separated by ", ". */
static const char *action_of(const char *text)
{
	for (const char *p = text; *p; p = str_skip_blanks(p)) {
		size_t n = strcspn(p, " \t");
		if (is_trigger(p, n))
			return str_skip_blanks(p + n);
		p += n;
	}
	const char *action = text + strlen(text);
	for (const char *p = text; (p = strstr(p, "  ")); p++)
		action = p + 2;
	return action;
}

/* A name of digits only is an interrupt's number. */
static bool parse_name(struct arena *a, const char *p, const char *colon, struct count_row *row)
{
	p = str_skip_blanks(p);
	if (p >= colon)
		return false;
	row->name = arena_strndup(a, p, (size_t)(colon - p));
	row->irq = -1;
	return row->name[strspn(row->name, "0123456789")] || str_to_int(row->name, &row->irq) == 0;
}

/* False for a number that does not fit; *p moves behind the counts. */
static bool parse_counts(
	struct arena *a, const char **p, const char *end, size_t n_cpus, struct count_row *row)
{
	uint32_t *counts = arena_alloc(a, n_cpus * sizeof *counts);
	size_t n = 0;
	for (; n < n_cpus; n++) {
		const char *q = str_skip_blanks(*p);
		uint64_t count;
		if (!isdigit((unsigned char)*q))
			break;
		if (!str_take_u64(&q, &count) || count > UINT32_MAX)
			return false;
		if (q < end && !isblank((unsigned char)*q))
			break; /* "1-edge": no count any more */
		counts[n] = (uint32_t)count;
		*p = q;
	}
	row->counts = counts;
	row->is_per_cpu = n == n_cpus;
	return true;
}

static bool parse_row(
	struct arena *a, const char *p, const char *end, size_t n_cpus, struct count_row *row)
{
	const char *colon = memchr(p, ':', (size_t)(end - p));
	if (*end != '\n' || !colon || !parse_name(a, p, colon, row))
		return false;
	p = colon + 1;
	if (!parse_counts(a, &p, end, n_cpus, row))
		return false;
	p = str_skip_blanks(p);
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	row->text = arena_strndup(a, p, (size_t)(end - p));
	row->action = row->irq < 0 ? row->text : action_of(row->text);
	row->is_device = row->irq >= 0 && !is_cpu_private(row->text, row->action);
	return true;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;
	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

int count_table_parse(struct arena *a, const char *text, struct count_table *ret)
{
	*ret = (struct count_table){ 0 };
	struct count_table t = { 0 };
	int odd = 0;
	const char *end = str_line_end(text);
	if (!parse_header(a, text, end, &t))
		return -EINVAL;
	t.rows = arena_alloc(a, count_lines(text) * sizeof *t.rows);
	for (int line = 2; *end && end[1]; line++) {
		const char *p = end + 1;
		end = str_line_end(p);
		if (parse_row(a, p, end, t.n_cpus, &t.rows[t.n_rows]))
			t.n_rows++;
		else if (!odd)
			odd = line;
	}
	*ret = t;
	return odd;
}

const struct count_row *count_table_row(const struct count_table *t, const char *name, size_t hint)
{
	if (hint < t->n_rows && streq(t->rows[hint].name, name))
		return &t->rows[hint];
	for (size_t i = 0; i < t->n_rows; i++)
		if (streq(t->rows[i].name, name))
			return &t->rows[i];
	return NULL;
}

int count_table_column(const struct count_table *t, int cpu)
{
	for (size_t i = 0; i < t->n_cpus; i++)
		if (t->cpus[i] == cpu)
			return (int)i;
	return -1;
}
