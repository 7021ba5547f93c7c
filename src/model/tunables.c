/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/tunables.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "model/read.h"

enum tunable_kind { NUMBER, TEXT, CHOICE, CPULIST };

static const struct {
	size_t offset;
	enum tunable_kind kind;
	const char *path;
} rows[] = {
#define ROW(member, kind, path)                                                                    \
	{                                                                                          \
		offsetof(struct tunables, member), kind, path                                      \
	}
#define VM     "proc/sys/vm/"
#define KERNEL "proc/sys/kernel/"
#define MM     "sys/kernel/mm/"
#define CPU    "sys/devices/system/cpu/"
#define KVM    "sys/module/kvm/parameters/"
	ROW(min_free_kbytes, NUMBER, VM "min_free_kbytes"),
	ROW(stat_interval, NUMBER, VM "stat_interval"),
	ROW(compaction_proactiveness, NUMBER, VM "compaction_proactiveness"),
	ROW(thp_enabled, CHOICE, MM "transparent_hugepage/enabled"),
	ROW(thp_defrag, CHOICE, MM "transparent_hugepage/defrag"),
	ROW(thp_shmem, CHOICE, MM "transparent_hugepage/shmem_enabled"),
	ROW(khugepaged_defrag, NUMBER, MM "transparent_hugepage/khugepaged/defrag"),
	ROW(ksm_run, NUMBER, MM "ksm/run"),
	ROW(ksm_pages_sharing, NUMBER, MM "ksm/pages_sharing"),
	ROW(ksm_merge_across_nodes, NUMBER, MM "ksm/merge_across_nodes"),
	ROW(numa_balancing, NUMBER, KERNEL "numa_balancing"),
	ROW(sched_rt_runtime_us, NUMBER, KERNEL "sched_rt_runtime_us"),
	ROW(sched_rt_period_us, NUMBER, KERNEL "sched_rt_period_us"),
	ROW(timer_migration, NUMBER, KERNEL "timer_migration"),
	ROW(watchdog, NUMBER, KERNEL "watchdog"),
	ROW(nmi_watchdog, NUMBER, KERNEL "nmi_watchdog"),
	ROW(soft_watchdog, NUMBER, KERNEL "soft_watchdog"),
	ROW(watchdog_thresh, NUMBER, KERNEL "watchdog_thresh"),
	ROW(watchdog_cpus, CPULIST, KERNEL "watchdog_cpumask"),
	ROW(boost, NUMBER, CPU "cpufreq/boost"),
	ROW(no_turbo, NUMBER, CPU "intel_pstate/no_turbo"),
	ROW(min_perf_pct, NUMBER, CPU "intel_pstate/min_perf_pct"),
	ROW(intel_pstate, TEXT, CPU "intel_pstate/status"),
	ROW(amd_pstate, TEXT, CPU "amd_pstate/status"),
	ROW(idle_driver, TEXT, CPU "cpuidle/current_driver"),
	ROW(idle_governor, TEXT, CPU "cpuidle/current_governor"),
	ROW(smt_control, TEXT, CPU "smt/control"),
	ROW(clocksource, TEXT, "sys/devices/system/clocksource/clocksource0/current_clocksource"),
	ROW(halt_poll_ns, NUMBER, KVM "halt_poll_ns"),
	ROW(halt_poll_ns_grow, NUMBER, KVM "halt_poll_ns_grow"),
	ROW(halt_poll_ns_shrink, NUMBER, KVM "halt_poll_ns_shrink"),
	ROW(nx_huge_pages, TEXT, KVM "nx_huge_pages"),
	ROW(nx_huge_pages_recovery_ratio, NUMBER, KVM "nx_huge_pages_recovery_ratio"),
	ROW(nx_huge_pages_recovery_period_ms, NUMBER, KVM "nx_huge_pages_recovery_period_ms"),
	ROW(kvmclock_periodic_sync, TEXT, KVM "kvmclock_periodic_sync"),
	ROW(tdp_mmu, TEXT, KVM "tdp_mmu"),
	ROW(kvm_intel_apicv, TEXT, "sys/module/kvm_intel/parameters/enable_apicv"),
	ROW(kvm_intel_ple_gap, NUMBER, "sys/module/kvm_intel/parameters/ple_gap"),
	ROW(kvm_amd_avic, TEXT, "sys/module/kvm_amd/parameters/avic"),
	ROW(kvm_amd_pause_filter, NUMBER, "sys/module/kvm_amd/parameters/pause_filter_count"),
};

char *choice_parse(char *text)
{
	char *open = strchr(text, '['), *close = strchr(text, ']');
	if (!open && !close)
		return str_trim(text);
	if (!open || !close || close < open + 2 || strpbrk(open + 1, "[") ||
		strpbrk(close + 1, "[]"))
		return NULL;
	*close = 0;
	return open + 1;
}

static const char *read_choice(struct host *h, struct snapshot *s, const char *path)
{
	AUTO_FREE char *text = NULL;
	if (host_read(h, &text, NULL, "%s", path) < 0)
		return NULL;
	char *word = choice_parse(text);
	if (!word)
		snapshot_note(s, "%s: not a choice: '%.40s'", path, str_trim(text));
	return arena_strdup(&s->arena, word);
}

int nohz_full_parse(const char *text, struct cpuset *ret)
{
	while (isspace((unsigned char)*text))
		text++;
	if (str_after(text, "(null)")) {
		*ret = CPUSET_EMPTY;
		return 0;
	}
	return cpuset_parse_list(text, ret);
}

static const struct cpuset *read_nohz_full(struct host *h, struct snapshot *s)
{
	AUTO_FREE char *text = NULL;
	struct cpuset set;
	if (host_read(h, &text, NULL, CPU "nohz_full") < 0)
		return NULL;
	if (nohz_full_parse(text, &set) < 0) {
		snapshot_note(s, CPU "nohz_full: not a set of CPUs: '%.40s'", str_trim(text));
		return NULL;
	}
	return cpuset_is_empty(&set) ? NULL : snapshot_intern(s, &set);
}

/* Blanks in double quotes are part of a value: dyndbg="file kvm.c +p". */
static size_t word_length(const char *p)
{
	bool is_quoted = false;
	size_t n = 0;
	for (; p[n] && (is_quoted || !isspace((unsigned char)p[n])); n++)
		is_quoted ^= p[n] == '"';
	return n;
}

void boot_params_parse(struct arena *a, const char *text, struct boot_params *ret)
{
	ARRAY(struct boot_param) all = { 0 };
	for (const char *p = text;;) {
		while (isspace((unsigned char)*p))
			p++;
		size_t n = word_length(p);
		if (!n || (n == 2 && !strncmp(p, "--", 2)))
			break;
		const char *equals = memchr(p, '=', n);
		size_t n_name = equals ? (size_t)(equals - p) : n;
		struct boot_param *param = array_push(&all);
		param->name = arena_strndup(a, p, n_name);
		param->value = equals ? arena_strndup(a, equals + 1, n - n_name - 1) : "";
		p += n;
	}
	ret->v = arena_dup(a, all.v, all.n, sizeof *all.v);
	ret->n = all.n;
	free(all.v);
}

static bool is_same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

const char *boot_param(const struct boot_params *p, const char *name)
{
	for (size_t i = p->n; i-- > 0;)
		if (is_same_name(p->v[i].name, name))
			return p->v[i].value;
	return NULL;
}

static void add_resctrl_group(
	struct host *h, struct snapshot *s, struct resctrl_group *g, const char *name)
{
	const char *slash = *name ? "/" : "";
	g->name = arena_strdup(&s->arena, name);
	g->schemata = read_text(h, s, "sys/fs/resctrl/%s%sschemata", name, slash);
	g->cpus = read_cpulist(h, s, "sys/fs/resctrl/%s%scpus_list", name, slash);
}

/* Groups are directories beside "info" and those of the monitors; files have no "schemata". */
static void read_resctrl(struct host *h, struct snapshot *s)
{
	AUTO_NAMES struct host_names names = { 0 };
	const char *mounted = read_text(h, s, "sys/fs/resctrl/schemata");
	if (!mounted || host_list(h, &names, "sys/fs/resctrl") < 0)
		return;
	s->resctrl = arena_alloc(&s->arena, (names.n + 1) * sizeof *s->resctrl);
	add_resctrl_group(h, s, &s->resctrl[s->n_resctrl++], "");
	static const char *const others[] = { "info", "mon_groups", "mon_data" };
	for (size_t i = 0; i < names.n; i++) {
		bool is_other = false;
		for (size_t k = 0; k < N_ELEMENTS(others); k++)
			is_other |= streq(names.v[i], others[k]);
		struct resctrl_group *g = &s->resctrl[s->n_resctrl];
		if (is_other)
			continue;
		add_resctrl_group(h, s, g, names.v[i]);
		s->n_resctrl += g->schemata != NULL;
	}
}

void read_tunables(struct host *h, struct snapshot *s)
{
	struct tunables *tunables = arena_alloc(&s->arena, sizeof *tunables);
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		void *member = (char *)tunables + rows[i].offset;
		if (rows[i].kind == NUMBER)
			*(int64_t *)member = read_number(h, s, "%s", rows[i].path);
		else if (rows[i].kind == TEXT)
			*(const char **)member = read_text(h, s, "%s", rows[i].path);
		else if (rows[i].kind == CHOICE)
			*(const char **)member = read_choice(h, s, rows[i].path);
		else
			*(const struct cpuset **)member = read_cpulist(h, s, "%s", rows[i].path);
	}
	tunables->nohz_full_cpus = read_nohz_full(h, s);
	s->tunables = tunables;
	if (s->cmdline)
		boot_params_parse(&s->arena, s->cmdline, &s->boot_params);
	read_resctrl(h, s);
}
