/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/tunables.h"

#include <string.h>

#include "base/str.h"
#include "kernel/choice.h"
#include "model/read.h"

enum tunable_kind { NUMBER, TEXT, CHOICE, CPULIST };

static const struct tunable_row rows[] = {
#define ROW(group, member, kind, unit, path, about)                                                \
	{                                                                                          \
		group, #member, path, unit, about, kind, offsetof(struct tunables, member)         \
	}
#define VM     "proc/sys/vm/"
#define KERNEL "proc/sys/kernel/"
#define MM     "sys/kernel/mm/"
#define CPU    "sys/devices/system/cpu/"
#define KVM    "sys/module/kvm/parameters/"
	ROW(TUNABLE_MEMORY, min_free_kbytes, NUMBER, "KiB", VM "min_free_kbytes",
		"kept free for allocations that cannot wait"),
	ROW(TUNABLE_MEMORY, compaction_proactiveness, NUMBER, NULL, VM "compaction_proactiveness",
		"how eagerly memory is compacted in the background, 0 to 100"),
	ROW(TUNABLE_MEMORY, stat_interval, NUMBER, "s", VM "stat_interval",
		"how often each CPU adds up its memory statistics"),
	ROW(TUNABLE_MEMORY, thp_enabled, CHOICE, NULL, MM "transparent_hugepage/enabled",
		"transparent huge pages"),
	ROW(TUNABLE_MEMORY, thp_defrag, CHOICE, NULL, MM "transparent_hugepage/defrag",
		"whether a fault waits for a huge page"),
	ROW(TUNABLE_MEMORY, thp_shmem, CHOICE, NULL, MM "transparent_hugepage/shmem_enabled",
		"transparent huge pages in shared memory"),
	ROW(TUNABLE_MEMORY, khugepaged_defrag, NUMBER, NULL,
		MM "transparent_hugepage/khugepaged/defrag", "1: khugepaged compacts memory"),
	ROW(TUNABLE_MEMORY, ksm_run, NUMBER, NULL, MM "ksm/run",
		"1: pages with the same content are merged; 2: stopped and unmerged"),
	ROW(TUNABLE_MEMORY, ksm_pages_sharing, NUMBER, "pages", MM "ksm/pages_sharing",
		"saved by merging now"),
	ROW(TUNABLE_MEMORY, ksm_merge_across_nodes, NUMBER, NULL, MM "ksm/merge_across_nodes",
		"1: pages of different nodes are merged too"),
	ROW(TUNABLE_MEMORY, numa_balancing, NUMBER, NULL, KERNEL "numa_balancing",
		"1: pages are moved to the node that uses them; 2: between memory tiers"),
	ROW(TUNABLE_SCHEDULER, sched_rt_runtime_us, NUMBER, "us", KERNEL "sched_rt_runtime_us",
		"of each period at most for real-time threads; -1: no limit"),
	ROW(TUNABLE_SCHEDULER, sched_rt_period_us, NUMBER, "us", KERNEL "sched_rt_period_us",
		"the period"),
	ROW(TUNABLE_SCHEDULER, timer_migration, NUMBER, NULL, KERNEL "timer_migration",
		"1: timers of idle CPUs move to busy ones"),
	ROW(TUNABLE_SCHEDULER, watchdog, NUMBER, NULL, KERNEL "watchdog",
		"1: the watchdogs below are on"),
	ROW(TUNABLE_SCHEDULER, nmi_watchdog, NUMBER, NULL, KERNEL "nmi_watchdog",
		"1: hard lockups are looked for, with a counter of each CPU"),
	ROW(TUNABLE_SCHEDULER, soft_watchdog, NUMBER, NULL, KERNEL "soft_watchdog",
		"1: soft lockups are looked for"),
	ROW(TUNABLE_SCHEDULER, watchdog_thresh, NUMBER, "s", KERNEL "watchdog_thresh",
		"how long a lockup lasts"),
	ROW(TUNABLE_SCHEDULER, watchdog_cpus, CPULIST, NULL, KERNEL "watchdog_cpumask",
		"CPUs with watchdogs"),
	ROW(TUNABLE_SCHEDULER, clocksource, TEXT, NULL,
		"sys/devices/system/clocksource/clocksource0/current_clocksource",
		"what tells the time"),
	ROW(TUNABLE_POWER, boost, NUMBER, NULL, CPU "cpufreq/boost",
		"1: above the nominal frequency where power allows"),
	ROW(TUNABLE_POWER, no_turbo, NUMBER, NULL, CPU "intel_pstate/no_turbo",
		"1: never above the nominal frequency"),
	ROW(TUNABLE_POWER, min_perf_pct, NUMBER, "%", CPU "intel_pstate/min_perf_pct",
		"of the highest frequency at least"),
	ROW(TUNABLE_POWER, intel_pstate, TEXT, NULL, CPU "intel_pstate/status",
		"the frequency driver's mode"),
	ROW(TUNABLE_POWER, amd_pstate, TEXT, NULL, CPU "amd_pstate/status",
		"the frequency driver's mode"),
	ROW(TUNABLE_POWER, idle_driver, TEXT, NULL, CPU "cpuidle/current_driver",
		"who knows the idle states"),
	ROW(TUNABLE_POWER, idle_governor, TEXT, NULL, CPU "cpuidle/current_governor",
		"who chooses among them"),
	ROW(TUNABLE_POWER, smt_control, TEXT, NULL, CPU "smt/control", "SMT siblings"),
	ROW(TUNABLE_KVM, halt_poll_ns, NUMBER, "ns", KVM "halt_poll_ns",
		"how long a halted vCPU polls at most before its CPU is given away"),
	ROW(TUNABLE_KVM, halt_poll_ns_grow, NUMBER, NULL, KVM "halt_poll_ns_grow",
		"factor by which polling grows"),
	ROW(TUNABLE_KVM, halt_poll_ns_shrink, NUMBER, NULL, KVM "halt_poll_ns_shrink",
		"divisor by which it shrinks; 0: to nothing"),
	ROW(TUNABLE_KVM, nx_huge_pages, TEXT, NULL, KVM "nx_huge_pages",
		"huge pages of guests are split where they execute"),
	ROW(TUNABLE_KVM, nx_huge_pages_recovery_ratio, NUMBER, NULL,
		KVM "nx_huge_pages_recovery_ratio",
		"one of so many is made whole again per period; 0: none"),
	ROW(TUNABLE_KVM, nx_huge_pages_recovery_period_ms, NUMBER, "ms",
		KVM "nx_huge_pages_recovery_period_ms", "the period; 0: the kernel's choice"),
	ROW(TUNABLE_KVM, kvmclock_periodic_sync, TEXT, NULL, KVM "kvmclock_periodic_sync",
		"guests' clocks are synchronised every 5 minutes"),
	ROW(TUNABLE_KVM, tdp_mmu, TEXT, NULL, KVM "tdp_mmu",
		"vCPUs may fault in memory at the same time"),
	ROW(TUNABLE_KVM, kvm_intel_apicv, TEXT, NULL,
		"sys/module/kvm_intel/parameters/enable_apicv",
		"interrupts reach guests without an exit"),
	ROW(TUNABLE_KVM, kvm_intel_ple_gap, NUMBER, "cycles",
		"sys/module/kvm_intel/parameters/ple_gap", "0: a spinning vCPU does not exit"),
	ROW(TUNABLE_KVM, kvm_amd_avic, TEXT, NULL, "sys/module/kvm_amd/parameters/avic",
		"interrupts reach guests without an exit"),
	ROW(TUNABLE_KVM, kvm_amd_pause_filter, NUMBER, NULL,
		"sys/module/kvm_amd/parameters/pause_filter_count",
		"so many pauses of a spinning vCPU before it exits; 0: never"),
};

const struct tunable_row *tunable_rows(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(rows);
	return rows;
}

struct tunable_value tunable_value(const struct tunables *t, const struct tunable_row *row)
{
	const void *member = (const char *)t + row->offset;
	if (row->kind == NUMBER)
		return (struct tunable_value){ .is_number = true,
			.number = *(const int64_t *)member };
	if (row->kind == CPULIST)
		return (struct tunable_value){ .cpus = *(const struct cpuset *const *)member };
	return (struct tunable_value){ .text = *(const char *const *)member };
}

static const char *read_choice(struct host *h, struct snapshot *s, const char *path)
{
	AUTO_FREE char *text = NULL;
	if (read_file(h, s, path, &text) < 0)
		return NULL;
	char *word = choice_parse(text);
	if (!word)
		snapshot_note(s, "%s: not a choice: '%.40s'", path, str_trim(text));
	return arena_strdup(&s->arena, word);
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
	tunables->nohz_full_cpus = read_cpulist(h, s, CPU "nohz_full");
	s->tunables = tunables;
	if (s->cmdline)
		boot_params_parse(&s->arena, s->cmdline, &s->boot_params);
	read_resctrl(h, s);
}
