/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "kernel/cpus.h"
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

void note_odd(struct snapshot *s, const char *path, int odd)
{
	if (odd > 0)
		snapshot_note(s, "%s:%d: not in the kernel's format; left out", path, odd);
	else if (odd < 0)
		snapshot_note(s, "%s: not in the kernel's format", path);
}

static uint64_t hash_set(const struct cpuset *set)
{
	uint64_t hash = 0;
	for (uint64_t i = 0; i < CPUSET_WORDS; i++)
		if (set->w[i])
			hash = (hash ^ set->w[i] ^ i << 32) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* The slot of the set, or the empty one where it belongs. The room is a power of two. */
static size_t find_slot(const struct snapshot *s, const struct cpuset *set)
{
	size_t i = hash_set(set) & (s->sets_room - 1);
	while (s->sets[i] && !cpuset_equal(s->sets[i], set))
		i = (i + 1) & (s->sets_room - 1);
	return i;
}

static void grow_sets(struct snapshot *s)
{
	const struct cpuset **old = s->sets;
	size_t n = s->sets_room;
	s->sets_room = n ? 2 * n : 64;
	s->sets = xcalloc(s->sets_room, sizeof *s->sets);
	for (size_t i = 0; i < n; i++)
		if (old[i])
			s->sets[find_slot(s, old[i])] = old[i];
	free(old);
}

const struct cpuset *snapshot_intern(struct snapshot *s, const struct cpuset *set)
{
	if (2 * s->n_sets >= s->sets_room)
		grow_sets(s);
	size_t i = find_slot(s, set);
	if (!s->sets[i]) {
		s->sets[i] = arena_dup(&s->arena, set, 1, sizeof *set);
		s->n_sets++;
	}
	return s->sets[i];
}

int read_file(struct host *h, struct snapshot *s, const char *path, char **ret)
{
	int r = host_read(h, ret, NULL, "%s", path);
	if (r == -EISDIR || r == -ELOOP || r == -EIO)
		snapshot_note(s, "%s: cannot be read: %s", path, strerror(-r));
	return r;
}

const char *read_text(struct host *h, struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *path = xvasprintf(fmt, ap), *text = NULL;
	va_end(ap);
	if (read_file(h, s, path, &text) < 0)
		return NULL;
	return arena_strdup(&s->arena, str_trim(text));
}

int64_t read_number(struct host *h, struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *path = xvasprintf(fmt, ap), *text = NULL;
	va_end(ap);
	if (read_file(h, s, path, &text) < 0)
		return ABSENT;
	const char *number = str_trim(text), *digits = number + (*number == '-');
	uint64_t n;
	if (isdigit((unsigned char)*digits) && str_to_u64(digits, &n) == 0 && n <= INT64_MAX)
		return *number == '-' ? -(int64_t)n : (int64_t)n;
	snapshot_note(s, "%s: not a number: '%.40s'", path, number);
	return ABSENT;
}

int64_t read_hex(struct host *h, struct snapshot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *path = xvasprintf(fmt, ap), *text = NULL;
	va_end(ap);
	if (read_file(h, s, path, &text) < 0)
		return ABSENT;
	const char *number = str_trim(text);
	char *end;
	errno = 0;
	unsigned long long n = strtoull(number, &end, 16);
	if (isxdigit((unsigned char)*number) && !*end && !errno && n <= INT64_MAX)
		return (int64_t)n;
	snapshot_note(s, "%s: not a number: '%.40s'", path, number);
	return ABSENT;
}

typedef int parse_set_fn(const char *text, struct cpuset *ret);

PRINTF_LIKE(4, 0)
static const struct cpuset *read_set(
	struct host *h, struct snapshot *s, parse_set_fn *parse, const char *fmt, va_list ap)
{
	AUTO_FREE char *path = xvasprintf(fmt, ap), *text = NULL;
	struct cpuset set;
	if (read_file(h, s, path, &text) < 0)
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
	const struct cpuset *set = read_set(h, s, cpus_parse_list, fmt, ap);
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

typedef void read_part_fn(struct host *h, struct snapshot *s);

/* In this order: tasks need the cgroups, interrupts' devices the devices. */
static const struct {
	unsigned int parts;
	read_part_fn *read;
} part_rows[] = {
	{ SNAPSHOT_IRQS, read_irqs },
	{ SNAPSHOT_CGROUPS, read_cgroups },
	{ SNAPSHOT_ZONES, read_zones },
	{ SNAPSHOT_TUNABLES, read_tunables },
	{ SNAPSHOT_POWER, read_power },
	{ SNAPSHOT_PCI, read_pci },
	{ SNAPSHOT_PCI | SNAPSHOT_IRQS, read_irq_devices },
	{ SNAPSHOT_PCI | SNAPSHOT_IRQS, read_irq_states },
};

static int read_parts(struct host *h, unsigned int parts, struct snapshot *s, struct err *e)
{
	s->hostname = read_text(h, s, "proc/sys/kernel/hostname");
	s->boot_id = read_text(h, s, "proc/sys/kernel/random/boot_id");
	s->cmdline = read_text(h, s, "proc/cmdline");
	int r = read_topology(h, s, e);
	if (r < 0)
		return err_ctx(e, "read the host");
	read_memory(h, s);
	for (size_t i = 0; i < N_ELEMENTS(part_rows); i++)
		if ((parts & part_rows[i].parts) == part_rows[i].parts)
			part_rows[i].read(h, s);
	r = parts & SNAPSHOT_TASKS ? read_tasks(h, s, e) : 0;
	if (r < 0)
		return err_ctx(e, "read the host");
	mark_isolated(s);
	return 0;
}

int snapshot_read(struct host *h, unsigned int parts, struct snapshot **ret, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = xcalloc(1, sizeof *s);
	int r = read_parts(h, parts, s, e);
	if (r == 0)
		*ret = TAKE(s);
	return r;
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
	if (s->cpu_index) {
		int i = cpu >= 0 && cpu < s->n_cpu_index ? s->cpu_index[cpu] : -1;
		return i < 0 ? NULL : &s->cpus[i];
	}
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
	size_t low = 0, high = s->n_cgroups;
	for (size_t i = 0; !s->cgroup_index && i < s->n_cgroups; i++)
		if (streq(s->cgroups[i].path, path))
			return (int)i;
	while (s->cgroup_index && low < high) {
		size_t mid = (low + high) / 2;
		int order = strcmp(s->cgroups[s->cgroup_index[mid]].path, path);
		if (order == 0)
			return s->cgroup_index[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

size_t snapshot_services(const struct snapshot *s, struct service ret[SERVICES_MAX])
{
	static const struct service known[] = {
		{ "irqbalance", "irqbalance" },
		{ "tuned", "tuned" },
		{ "numad", "numad" },
		{ "ksmtuned", "ksmtuned" },
		{ "power-profiles-daemon", "power-profiles-" },
		{ "thermald", "thermald" },
		{ "tlp", "tlp" },
	};
	_Static_assert(N_ELEMENTS(known) <= SERVICES_MAX, "room for all");
	memcpy(ret, known, sizeof known);
	for (size_t i = 0; i < s->n_tasks; i++) {
		const struct task *t = &s->tasks[i];
		for (size_t k = 0; t->tid == t->pid && k < N_ELEMENTS(known); k++)
			if (!task_is_kthread(t) && !ret[k].task && streq(t->comm, known[k].comm))
				ret[k].task = t;
	}
	return N_ELEMENTS(known);
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
