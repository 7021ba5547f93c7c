/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "measure/witness.h"

#include <string.h>

#include "base/str.h"
#include "kernel/task-sched.h"
#include "kernel/task-stat.h"

static int by_pid_tid(const void *a, const void *b)
{
	const struct seen_thread *x = a, *y = b;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

/* Among the first n: those that this look added are behind them, not yet in order. */
static struct seen_thread *find(const struct witness *w, size_t n, int pid, int tid)
{
	struct seen_thread key = { .pid = pid, .tid = tid };
	return n ? bsearch(&key, w->threads.v, n, sizeof key, by_pid_tid) : NULL;
}

const struct seen_thread *witness_thread(const struct witness *w, int pid, int tid)
{
	return find(w, w->threads.n, pid, tid);
}

uint64_t seen_run_ns(const struct seen_thread *t)
{
	return t->run_ns > t->first_run_ns ? t->run_ns - t->first_run_ns : 0;
}

/* It ran since the look before: where, and who is it? */
static void note_run(struct host *h, struct witness *w, struct seen_thread *t)
{
	AUTO_FREE char *text = NULL;
	struct task_stat s;
	if (host_read(h, &text, NULL, "proc/%d/task/%d/stat", t->pid, t->tid) < 0 ||
		task_stat_parse(text, &s) < 0)
		return;
	if (t->is_known && t->start != s.start) {
		/* A successor with the same tid: what its predecessor did is forgotten. */
		t->first_run_ns = 0;
		t->n_ran = 0;
		t->cpus = NULL;
	}
	t->is_known = true;
	t->start = s.start;
	t->flags = s.flags;
	memcpy(t->comm, s.comm, sizeof t->comm);
	t->n_ran++;
	if (!t->cpus)
		t->cpus = arena_alloc(&w->arena, sizeof *t->cpus);
	cpuset_add(t->cpus, s.last_cpu);
}

/* Most threads sleep: they cost one read of schedstat and no more. */
static void look_at(struct host *h, struct witness *w, size_t n_old, int pid, int tid)
{
	AUTO_FREE char *text = NULL;
	struct schedstat now;
	if (host_read(h, &text, NULL, "proc/%d/task/%d/schedstat", pid, tid) < 0 ||
		schedstat_parse(text, &now) < 0)
		return;
	bool is_first_look = w->n_looks == 0;
	struct seen_thread *t = find(w, n_old, pid, tid);
	if (!t) {
		t = array_push(&w->threads);
		t->pid = pid;
		t->tid = tid;
		t->is_new = !is_first_look;
		t->first_run_ns = is_first_look ? now.run_ns : 0;
		t->run_ns = t->first_run_ns;
	}
	bool has_run = now.run_ns != t->run_ns;
	if (now.run_ns < t->run_ns)
		t->first_run_ns = 0; /* a successor with the same tid */
	t->run_ns = now.run_ns;
	if (has_run)
		note_run(h, w, t);
}

int witness_look(struct host *h, struct witness *w, struct err *e)
{
	AUTO_NAMES struct host_names processes = { 0 };
	uint64_t begin_ns = host_clock_ns(h);
	size_t n_old = w->threads.n;
	int r = host_list(h, &processes, "proc");
	if (r < 0)
		return err_set(e, r, "list /proc");
	for (size_t i = 0; i < processes.n; i++) {
		AUTO_NAMES struct host_names threads = { 0 };
		int pid, tid;
		if (str_to_int(processes.v[i], &pid) < 0 ||
			host_list(h, &threads, "proc/%d/task", pid) < 0)
			continue;
		for (size_t j = 0; j < threads.n; j++)
			if (str_to_int(threads.v[j], &tid) == 0)
				look_at(h, w, n_old, pid, tid);
	}
	if (w->threads.n > n_old)
		qsort(w->threads.v, w->threads.n, sizeof *w->threads.v, by_pid_tid);
	w->n_looks++;
	w->look_ns = host_clock_ns(h) - begin_ns;
	return 0;
}

void witness_done(struct witness *w)
{
	free(w->threads.v);
	arena_done(&w->arena);
	*w = (struct witness){ 0 };
}
