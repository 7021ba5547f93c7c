/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds of cores, and which of a kind are favoured.
 *
 * What the kernel knows comes first: the PMUs of hybrid Intel machines, the MIDR of ARM. Else cores
 * of different speed are of different kinds only where the ratio is beyond what binning makes of
 * like cores, or where their L2 differs too: a desktop whose best core clocks 600 MHz above its
 * worst has one kind. Speed is cpu_capacity where it differs, else the highest frequency.
 */
#include <stdlib.h>

#include "base/str.h"
#include "kernel/cpus.h"
#include "model/read.h"

#define CPU_DIR "sys/devices/system/cpu"

enum {
	BINNED_PERCENT = 80, /* of the faster one's speed: like cores are not slower */
	ALIKE_PERCENT = 95,  /* makes of cores that are as fast as that are one kind for us */
	GROUPS_MAX = 3,      /* kinds that there are words for */
};

/* A number of every online CPU, by its index in the snapshot. */
struct column {
	int64_t *v; /* ABSENT: unknown */
	bool is_whole, is_varied;
};

/* A CPU among the others. */
struct member {
	struct cpu *cpu;
	int64_t make;  /* what the kernel calls it, a number; ABSENT where it does not */
	int64_t speed; /* in whatever unit; 0 where nothing tells */
	int64_t favour;
	uint64_t l2_kib;
	int n_l2_cores; /* that share its L2 */
	int group;      /* 0 is the fastest */
};

struct members {
	struct member *v;
	size_t n;
};

/* ---- what the kernel says ---- */

static void judge(struct column *c, const struct snapshot *s, const struct members *m)
{
	c->is_whole = m->n > 0;
	for (size_t i = 0; i < m->n; i++) {
		int64_t value = c->v[m->v[i].cpu - s->cpus];
		c->is_whole &= value != ABSENT;
		c->is_varied |= value != c->v[m->v[0].cpu - s->cpus];
	}
	c->is_varied &= c->is_whole;
}

/* cpuN/FILE, of each. A host has it for all or for none: the first is asked first. What is true of
 * a core is so of its threads. */
static struct column read_column(
	struct host *h, struct snapshot *s, const struct members *m, const char *file, bool is_hex)
{
	struct column c = { .v = arena_alloc(&s->arena, s->n_cpus * sizeof *c.v) };
	const int64_t *first = m->n ? &c.v[m->v[0].cpu - s->cpus] : NULL;
	for (size_t i = 0; i < m->n; i++) {
		const struct cpu *own = m->v[i].cpu;
		int64_t *value = &c.v[own - s->cpus];
		int cpu = own->core < 0 ? own->cpu : cpuset_first(&s->cores[own->core].cpus);
		if (i && *first == ABSENT)
			*value = ABSENT;
		else if (cpu != own->cpu)
			*value = c.v[snapshot_cpu(s, cpu) - s->cpus];
		else
			*value = is_hex ? read_hex(h, s, CPU_DIR "/cpu%d/%s", cpu, file)
					: read_number(h, s, CPU_DIR "/cpu%d/%s", cpu, file);
	}
	judge(&c, s, m);
	return c;
}

/* cpufreq/policyN/{related_cpus,cpuinfo_max_freq}: "0 12" and kHz. A dump may have them below the
 * CPUs only. */
static struct column read_frequencies(struct host *h, struct snapshot *s, const struct members *m)
{
	AUTO_NAMES struct host_names names = { 0 };
	struct column c = read_column(h, s, m, "cpufreq/cpuinfo_max_freq", false);
	if (c.is_whole || host_list(h, &names, CPU_DIR "/cpufreq") < 0)
		return c;
	for (size_t k = 0; k < names.n; k++) {
		AUTO_FREE char *text = NULL;
		struct cpuset cpus;
		if (!str_after(names.v[k], "policy") ||
			host_read(h, &text, NULL, CPU_DIR "/cpufreq/%s/related_cpus", names.v[k]) <
				0 ||
			cpus_parse_words(text, &cpus) < 0)
			continue;
		int64_t khz = read_number(h, s, CPU_DIR "/cpufreq/%s/cpuinfo_max_freq", names.v[k]);
		for (size_t i = 0; i < m->n; i++)
			if (cpuset_has(&cpus, m->v[i].cpu->cpu))
				c.v[m->v[i].cpu - s->cpus] = khz;
	}
	judge(&c, s, m);
	return c;
}

/* ---- hybrid Intel: /sys/devices/cpu_{core,atom,lowpower}/cpus ---- */

/* Efficiency cores without an L3, beside others that have one, are on the low-power island. */
static bool is_on_island(const struct members *m, const struct cpuset *atoms, const struct cpu *c)
{
	bool has_others = false;
	for (size_t i = 0; i < m->n; i++)
		has_others |= m->v[i].cpu->l3 >= 0 && cpuset_has(atoms, m->v[i].cpu->cpu);
	return has_others && c->l3 < 0;
}

/* False: not such a machine, or not all of its CPUs are in the files. */
static bool set_kinds_by_pmu(struct host *h, struct snapshot *s, const struct members *m)
{
	const struct cpuset *big = read_cpulist(h, s, "sys/devices/cpu_core/cpus");
	const struct cpuset *atoms = read_cpulist(h, s, "sys/devices/cpu_atom/cpus");
	const struct cpuset *low = read_cpulist(h, s, "sys/devices/cpu_lowpower/cpus");
	const struct cpuset none = CPUSET_EMPTY;
	atoms = atoms ? atoms : &none;
	low = low ? low : &none;
	if (!big)
		return false;
	for (size_t i = 0; i < m->n; i++) {
		int cpu = m->v[i].cpu->cpu;
		if (!cpuset_has(big, cpu) && !cpuset_has(atoms, cpu) && !cpuset_has(low, cpu))
			return false;
	}
	bool is_hybrid = false;
	for (size_t i = 0; i < m->n; i++)
		is_hybrid |= !cpuset_has(big, m->v[i].cpu->cpu);
	for (size_t i = 0; is_hybrid && i < m->n; i++) {
		struct cpu *c = m->v[i].cpu;
		c->kind = cpuset_has(big, c->cpu)                              ? CPU_PERFORMANCE
			: cpuset_has(low, c->cpu) || is_on_island(m, atoms, c) ? CPU_LOW_POWER
									       : CPU_EFFICIENCY;
	}
	return true;
}

/* ---- others ---- */

static bool is_slower(int64_t speed, int64_t than, int percent)
{
	return speed * 100 < than * percent;
}

static int fastest_first(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	if (x->speed != y->speed)
		return x->speed > y->speed ? -1 : 1;
	return (x->cpu->cpu > y->cpu->cpu) - (x->cpu->cpu < y->cpu->cpu);
}

static bool has_other_l2(const struct member *a, const struct member *b)
{
	return a->l2_kib != b->l2_kib || a->n_l2_cores != b->n_l2_cores;
}

/* Each CPU begins a new group where it is too slow for that of the one before. Returns how many. */
static int group_by_speed(const struct members *m)
{
	int group = 0;
	for (size_t i = 1; i < m->n; i++) {
		const struct member *a = &m->v[i - 1], *b = &m->v[i];
		group += b->speed < a->speed &&
			(is_slower(b->speed, a->speed, BINNED_PERCENT) || has_other_l2(a, b));
		m->v[i].group = group;
	}
	return group + 1;
}

/* A make is a group, in the order of the fastest of each; makes that are alike in speed are one. */
static int group_by_make(const struct members *m)
{
	int group = -1;
	int64_t speed = 0;
	for (size_t i = 0; i < m->n; i++)
		m->v[i].group = -1;
	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i].group >= 0)
			continue;
		group += group < 0 || is_slower(m->v[i].speed, speed, ALIKE_PERCENT);
		speed = m->v[i].speed;
		for (size_t k = i; k < m->n; k++)
			if (m->v[k].make == m->v[i].make)
				m->v[k].group = group;
	}
	return group + 1;
}

static int64_t speed_of(const struct members *m, int group)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].group == group)
			return m->v[i].speed;
	return 0;
}

/* Two neighbours become one: those whose ratio is nearest to 1. */
static void join_nearest(const struct members *m, int n_groups)
{
	int best = 1;
	double best_ratio = 0;
	for (int g = 1; g < n_groups; g++) {
		double ratio = (double)speed_of(m, g) / (double)speed_of(m, g - 1);
		if (ratio > best_ratio) {
			best_ratio = ratio;
			best = g;
		}
	}
	for (size_t i = 0; i < m->n; i++)
		m->v[i].group -= m->v[i].group >= best;
}

static void set_kinds(const struct members *m, bool has_makes)
{
	static const enum cpu_kind kinds[GROUPS_MAX] = { CPU_PERFORMANCE, CPU_EFFICIENCY,
		CPU_LOW_POWER };
	int n_groups = has_makes ? group_by_make(m) : group_by_speed(m);
	for (; n_groups > GROUPS_MAX; n_groups--)
		join_nearest(m, n_groups);
	for (size_t i = 0; n_groups > 1 && i < m->n; i++)
		m->v[i].cpu->kind = kinds[m->v[i].group];
}

/* How many steps of favour are above its own within its kind. */
static void set_ranks(const struct members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct member *own = &m->v[i];
		int64_t above = INT64_MAX; /* the last step that was counted */
		for (own->cpu->rank = 0;; own->cpu->rank++) {
			int64_t next = own->favour;
			for (size_t k = 0; k < m->n; k++)
				if (m->v[k].cpu->kind == own->cpu->kind && m->v[k].favour < above &&
					m->v[k].favour > next)
					next = m->v[k].favour;
			if (next == own->favour)
				break;
			above = next;
		}
	}
}

static struct members online_members(struct snapshot *s)
{
	struct members m = { .v = arena_alloc(&s->arena, s->n_cpus * sizeof *m.v) };
	int *n_l2_cores = arena_alloc(&s->arena, s->n_l2s * sizeof *n_l2_cores);
	for (size_t i = 0; i < s->n_cores; i++) {
		int l2 = snapshot_cpu(s, cpuset_first(&s->cores[i].cpus))->l2;
		if (l2 >= 0)
			n_l2_cores[l2]++;
	}
	for (size_t i = 0; i < s->n_cpus; i++) {
		struct cpu *c = &s->cpus[i];
		if (!c->is_online)
			continue;
		struct member *own = &m.v[m.n++];
		*own = (struct member){ .cpu = c, .make = ABSENT };
		if (c->l2 < 0)
			continue;
		own->l2_kib = s->l2s[c->l2].size_kib;
		own->n_l2_cores = n_l2_cores[c->l2];
	}
	return m;
}

/* The bits of MIDR_EL1 that say whose core it is, and which: not its variant and revision. */
static const int64_t midr_make = 0xff00fff0;

void read_kinds(struct host *h, struct snapshot *s)
{
	struct members m = online_members(s);
	struct column midr = read_column(h, s, &m, "regs/identification/midr_el1", true);
	struct column capacity = read_column(h, s, &m, "cpu_capacity", false);
	struct column khz = read_frequencies(h, s, &m);
	struct column perf = read_column(h, s, &m, "acpi_cppc/highest_perf", false);
	const struct column *speed = capacity.is_varied ? &capacity : khz.is_whole ? &khz : NULL;
	const struct column *favour = perf.is_whole ? &perf : khz.is_whole ? &khz : speed;
	for (size_t i = 0; i < m.n; i++) {
		ptrdiff_t cpu = m.v[i].cpu - s->cpus;
		m.v[i].make = midr.is_whole ? midr.v[cpu] & midr_make : ABSENT;
		m.v[i].speed = speed ? speed->v[cpu] : 0;
		m.v[i].favour = favour ? favour->v[cpu] : 0;
	}
	if (!set_kinds_by_pmu(h, s, &m) && speed && m.n) {
		qsort(m.v, m.n, sizeof *m.v, fastest_first);
		set_kinds(&m, midr.is_whole);
	}
	set_ranks(&m);
}
