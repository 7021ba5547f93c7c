/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "measure/sample.h"

#include "kernel/task-stat.h"
#include "kernel/task-status.h"

void targets_resolve(struct host *h, struct target *targets, size_t n_targets)
{
	for (size_t i = 0; i < n_targets; i++) {
		struct target *t = &targets[i];
		AUTO_FREE char *text = NULL;
		if (host_read(h, &text, NULL, "proc/%d/task/%d/schedstat", t->pid, t->tid) < 0)
			t->pid = t->tid;
	}
}

static void read_thread(struct host *h, const struct target *t, struct thread_sample *ret)
{
	AUTO_FREE char *schedstat = NULL, *stat = NULL, *status = NULL, *sched = NULL;
	struct task_stat id;
	struct task_status count;
	struct thread_sample s = { 0 };
	/* The figures that are set against the clock come first. */
	if (host_read(h, &schedstat, NULL, "proc/%d/task/%d/schedstat", t->pid, t->tid) == 0)
		s.has_schedstat = schedstat_parse(schedstat, &s.sched) == 0;
	if (host_read(h, &stat, NULL, "proc/%d/task/%d/stat", t->pid, t->tid) < 0 ||
		task_stat_parse(stat, &id) < 0 || id.start != t->start)
		return;
	s.is_there = true;
	s.is_runnable = id.state == 'R';
	s.last_cpu = id.last_cpu;
	if (host_read(h, &status, NULL, "proc/%d/task/%d/status", t->pid, t->tid) == 0) {
		task_status_parse(status, &count);
		s.has_switches = count.voluntary >= 0 && count.involuntary >= 0;
		s.switches =
			(struct switches){ (uint64_t)count.voluntary, (uint64_t)count.involuntary };
	}
	if (host_read(h, &sched, NULL, "proc/%d/task/%d/sched", t->pid, t->tid) == 0)
		s.has_migrations = sched_migrations_parse(sched, &s.migrations) == 0;
	*ret = s;
}

static void read_counts(struct host *h, struct arena *a, const char *path, struct count_table *ret)
{
	AUTO_FREE char *text = NULL;
	if (host_read(h, &text, NULL, "%s", path) < 0 || count_table_parse(a, text, ret) < 0)
		*ret = (struct count_table){ 0 };
}

static void read_own(struct host *h, struct sample *s)
{
	AUTO_FREE char *text = NULL;
	struct schedstat own;
	s->has_own = host_read(h, &text, NULL, "proc/self/schedstat") == 0 &&
		schedstat_parse(text, &own) == 0;
	s->own_run_ns = s->has_own ? own.run_ns : 0;
}

void sample_read(struct host *h, const struct target *targets, size_t n_targets, struct sample *ret)
{
	struct sample s = { .n_threads = n_targets };
	AUTO_FREE char *stat = NULL;
	s.threads = arena_alloc(&s.arena, n_targets * sizeof *s.threads);
	read_own(h, &s);
	s.clock_ns = host_clock_ns(h);
	for (size_t i = 0; i < n_targets; i++)
		read_thread(h, &targets[i], &s.threads[i]);
	read_counts(h, &s.arena, "proc/interrupts", &s.interrupts);
	read_counts(h, &s.arena, "proc/softirqs", &s.softirqs);
	if (host_read(h, &stat, NULL, "proc/stat") < 0 ||
		cpu_times_parse(&s.arena, stat, &s.times) < 0)
		s.times = (struct cpu_times){ 0 };
	*ret = s;
}

void sample_done(struct sample *s)
{
	arena_done(&s->arena);
	*s = (struct sample){ 0 };
}
