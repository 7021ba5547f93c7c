/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What measure reads of /proc: schedstat, stat, status, sched of a thread; counts of all CPUs. */
#include "fuzz.h"
#include "measure/proc.h"

static void thread(const char *text)
{
	struct schedstat times;
	struct task_stat stat;
	struct switches switches;
	uint64_t n;
	(void)!proc_parse_schedstat(text, &times);
	(void)!proc_parse_switches(text, &switches);
	(void)!proc_parse_migrations(text, &n);
	if (proc_parse_task_stat(text, &stat) == 0)
		must(memchr(stat.comm, 0, sizeof stat.comm) && strchr(text, '('));
}

/* The difference of a table to itself is nothing, in all its lines. */
static void table(struct arena *a, const char *text)
{
	struct counts counts;
	if (proc_parse_counts(a, text, &counts) < 0)
		return;
	struct counts none = counts_delta(a, &counts, &counts);
	must(none.n_lines == counts.n_lines);
	for (size_t i = 0; i < none.n_lines; i++) {
		must(counts_line(&counts, counts.lines[i].name, i));
		for (size_t c = 0; c < none.n_cpus; c++)
			must(counts_column(&counts, counts.cpus[c]) >= 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct cpu_times times;
	thread(text);
	table(&a, text);
	if (proc_parse_stat(&a, text, &times) == 0)
		for (size_t i = 0; i < times.n_cpus; i++)
			must(cpu_times_of(&times, times.cpus[i].cpu));
	return 0;
}
