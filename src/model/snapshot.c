/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "model/read.h"

void snapshot_note(struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	s->notes = xrealloc(s->notes, s->n_notes + 1, sizeof *s->notes);
	s->notes[s->n_notes++] = arena_strdup(&s->arena, text);
}

/* Most lookups ask for the set that the one before asked for: search from the newest. */
const struct cpuset *snapshot_intern(struct snapshot *s, const struct cpuset *set)
{
	for (size_t i = s->n_sets; i-- > 0;)
		if (cpuset_equal(s->sets[i], set))
			return s->sets[i];
	if (s->n_sets == s->sets_room) {
		s->sets_room = s->sets_room ? 2 * s->sets_room : 32;
		s->sets = xrealloc(s->sets, s->sets_room, sizeof *s->sets);
	}
	struct cpuset *copy = arena_dup(&s->arena, set, 1, sizeof *set);
	s->sets[s->n_sets++] = copy;
	return copy;
}

const char *read_text(struct host *h, struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *path = xvasprintf(fmt, ap), *text = NULL;
	va_end(ap);
	if (host_read(h, &text, NULL, "%s", path) < 0)
		return NULL;
	return arena_strdup(&s->arena, str_trim(text));
}

typedef int parse_set_fn(const char *text, struct cpuset *ret);

PRINTF_LIKE(4, 0)
static const struct cpuset *read_set(
	struct host *h, struct snapshot *s, parse_set_fn *parse, const char *fmt, va_list ap)
{
	AUTO_FREE char *path = xvasprintf(fmt, ap), *text = NULL;
	struct cpuset set;
	if (host_read(h, &text, NULL, "%s", path) < 0)
		return NULL;
	if (parse(text, &set) < 0) {
		snapshot_note(s, "%s: not a set of CPUs: '%.40s'", path, str_trim(text));
		return NULL;
	}
	return snapshot_intern(s, &set);
}

const struct cpuset *read_cpulist(struct host *h, struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const struct cpuset *set = read_set(h, s, cpuset_parse_list, fmt, ap);
	va_end(ap);
	return set;
}

const struct cpuset *read_cpumask(struct host *h, struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const struct cpuset *set = read_set(h, s, cpuset_parse_mask, fmt, ap);
	va_end(ap);
	return set;
}

/* Which CPUs are isolated, by the boot parameter's effect and by partitions. */
static void mark_isolated(struct snapshot *s)
{
	s->isolated_cpus = s->boot_isolated_cpus;
	if (s->root_isolated)
		s->isolated_cpus = cpuset_or(&s->isolated_cpus, s->root_isolated);
	for (size_t i = 0; i < s->n_cgroups; i++) {
		const struct cgroup *g = &s->cgroups[i];
		if (g->partition && streq(g->partition, "isolated") && g->effective)
			s->isolated_cpus = cpuset_or(&s->isolated_cpus, g->effective);
	}
	for (size_t i = 0; i < s->n_cpus; i++)
		s->cpus[i].is_isolated = cpuset_has(&s->isolated_cpus, s->cpus[i].cpu);
}

int snapshot_read(struct host *h, unsigned int parts, struct snapshot **ret, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = xcalloc(1, sizeof *s);
	s->hostname = read_text(h, s, "proc/sys/kernel/hostname");
	s->kernel_release = read_text(h, s, "proc/sys/kernel/osrelease");
	s->boot_id = read_text(h, s, "proc/sys/kernel/random/boot_id");
	s->cmdline = read_text(h, s, "proc/cmdline");
	int r = read_topology(h, s, e);
	if (r == 0)
		read_memory(h, s);
	if (r == 0 && parts & SNAPSHOT_IRQS)
		r = read_irqs(h, s, e);
	if (r == 0 && parts & SNAPSHOT_CGROUPS)
		r = read_cgroups(h, s, e);
	if (r == 0 && parts & SNAPSHOT_TASKS)
		r = read_tasks(h, s, e);
	if (r < 0)
		return err_ctx(e, "read the host");
	mark_isolated(s);
	*ret = TAKE(s);
	return 0;
}

void snapshot_free(struct snapshot *s)
{
	arena_done(&s->arena);
	free(s->sets);
	free(s->notes);
	free(s);
}

const struct cpu *snapshot_cpu(const struct snapshot *s, int cpu)
{
	for (size_t i = 0; i < s->n_cpus; i++)
		if (s->cpus[i].cpu == cpu)
			return &s->cpus[i];
	return NULL;
}

const struct task *snapshot_task(const struct snapshot *s, int tid)
{
	size_t low = 0, high = s->n_tasks;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (s->tasks[mid].tid < tid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->n_tasks && s->tasks[low].tid == tid ? &s->tasks[low] : NULL;
}

int snapshot_cgroup(const struct snapshot *s, const char *path)
{
	for (size_t i = 0; i < s->n_cgroups; i++)
		if (streq(s->cgroups[i].path, path))
			return (int)i;
	return -1;
}

const char *cpu_kind_name(enum cpu_kind kind)
{
	static const char *const names[] = {
		[CPU_UNIFORM] = "uniform",
		[CPU_PERFORMANCE] = "performance",
		[CPU_EFFICIENCY] = "efficiency",
		[CPU_LOW_POWER] = "low-power",
	};
	return names[kind];
}
