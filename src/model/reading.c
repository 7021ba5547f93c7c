/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/reading.h"

#include <string.h>

#include "base/str.h"
#include "host/host.h"
#include "kernel/task-stat.h"
#include "model/absent.h"
#include "model/delta.h"

/* ---- reading ---- */

/*
 * Half of the files: who has the number at the end since it was listed had it at the beginning too;
 * and whose counters stood still between ran and waited for nothing, whoever he is.
 */
static struct thread_reading read_thread(
	struct host *h, const struct reading_thread *t, const struct thread_reading *before)
{
	AUTO_FREE char *schedstat = NULL, *stat = NULL;
	struct thread_reading r = { .last_cpu = -1 };
	struct task_stat id;
	if (host_read_thread(h, &schedstat, t->pid, t->tid, "schedstat") < 0 ||
		schedstat_parse(schedstat, &r.sched) < 0)
		return r;
	bool is_still = before && before->is_there && before->sched.run_ns == r.sched.run_ns &&
		before->sched.wait_ns == r.sched.wait_ns;
	if (!before || is_still) {
		r.is_there = true;
		return r;
	}
	r.is_there = host_read_thread(h, &stat, t->pid, t->tid, "stat") == 0 &&
		task_stat_parse(stat, &id) == 0 && id.start == t->start;
	if (r.is_there)
		r.last_cpu = id.last_cpu;
	return r;
}

static bool read_pressure(
	struct host *h, const char *dir, const char *name, const char *suffix, struct pressure *ret)
{
	AUTO_FREE char *text = NULL;
	return host_read(h, &text, NULL, "%s/%s%s", dir, name, suffix) == 0 &&
		pressure_parse(text, ret) == 0;
}

static struct group_reading read_group(struct host *h, const char *mount, const char *path)
{
	AUTO_FREE char *text = NULL, *max = NULL, *dir = xasprintf("%s/%s", mount, path);
	struct group_reading r = { 0 };
	r.has_max =
		host_read(h, &max, NULL, "%s/cpu.max", dir) == 0 && cpu_max_parse(max, &r.max) == 0;
	r.has_stat = host_read(h, &text, NULL, "%s/cpu.stat", dir) == 0 &&
		cpu_stat_parse(text, &r.stat) == 0;
	r.has_cpu = read_pressure(h, dir, "cpu", ".pressure", &r.cpu);
	r.has_io = read_pressure(h, dir, "io", ".pressure", &r.io);
	r.has_memory = read_pressure(h, dir, "memory", ".pressure", &r.memory);
	return r;
}

static void read_counts(struct host *h, struct arena *a, const char *path, struct count_table *ret)
{
	AUTO_FREE char *text = NULL;
	if (host_read(h, &text, NULL, "%s", path) < 0 || count_table_parse(a, text, ret) < 0)
		*ret = (struct count_table){ 0 };
}

static void read_host(struct host *h, struct reading *r)
{
	AUTO_FREE char *stat = NULL, *disks = NULL;
	if (host_read(h, &stat, NULL, "proc/stat") < 0 ||
		cpu_times_parse(&r->arena, stat, &r->times) < 0)
		r->times = (struct cpu_times){ 0 };
	if (host_read(h, &disks, NULL, "proc/diskstats") < 0 ||
		disks_parse(&r->arena, disks, &r->disks) < 0)
		r->disks = (struct disks){ 0 };
	r->host.has_cpu = read_pressure(h, "proc/pressure", "cpu", "", &r->host.cpu);
	r->host.has_io = read_pressure(h, "proc/pressure", "io", "", &r->host.io);
	r->host.has_memory = read_pressure(h, "proc/pressure", "memory", "", &r->host.memory);
	read_counts(h, &r->arena, "proc/interrupts", &r->interrupts);
	read_counts(h, &r->arena, "proc/softirqs", &r->softirqs);
}

static int64_t read_khz(struct host *h, int cpu)
{
	AUTO_FREE char *text = NULL;
	uint64_t khz;
	if (host_read(h, &text, NULL, "sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq",
		    cpu) < 0 ||
		str_to_u64(text, &khz) < 0 || khz > INT64_MAX)
		return ABSENT;
	return (int64_t)khz;
}

static void read_counters(struct host *h, const struct reading_list *l,
	const struct reading *before, struct reading *r)
{
	r->threads = arena_alloc(&r->arena, l->n_threads * sizeof *r->threads);
	r->khz = arena_alloc(&r->arena, (size_t)cpuset_count(&l->freq_cpus) * sizeof *r->khz);
	for (size_t i = 0; i < l->n_threads; i++)
		r->threads[i] = read_thread(h, &l->threads[i], before ? &before->threads[i] : NULL);
	read_host(h, r);
	reading_take_packages(h, r);
	reading_take_heat(h, &l->heat_cpus, r);
	cpuset_for_each (cpu, &l->freq_cpus)
		r->khz[r->n_khz++] = read_khz(h, cpu);
}

static const char *read_word(struct host *h, struct arena *a, const char *path)
{
	AUTO_FREE char *text = NULL;
	return host_read(h, &text, NULL, "%s", path) < 0 ? NULL : arena_strdup(a, str_trim(text));
}

void reading_take(struct host *h, const struct reading_list *l, const struct reading *before,
	struct reading *ret)
{
	struct reading r = { .clock_ns = host_clock_ns(h) };
	if (!l->is_single)
		read_counters(h, l, before, &r);
	r.groups = arena_alloc(&r.arena, l->n_groups * sizeof *r.groups);
	for (size_t i = 0; l->cgroup_mount && i < l->n_groups; i++)
		r.groups[i] = read_group(h, l->cgroup_mount, l->groups[i]);
	if (l->is_single || before) {
		reading_take_pools(h, &r);
		r.bios = read_word(h, &r.arena, "sys/devices/virtual/dmi/id/bios_version");
		r.microcode =
			read_word(h, &r.arena, "sys/devices/system/cpu/cpu0/microcode/version");
		r.release = read_word(h, &r.arena, "proc/sys/kernel/osrelease");
	}
	*ret = r;
}

void reading_done(struct reading *r)
{
	arena_done(&r->arena);
	*r = (struct reading){ 0 };
}

/* ---- rates ---- */

static double grown(uint64_t before, uint64_t after)
{
	return after > before ? (double)(after - before) : 0;
}

/* Ticks of a CPU that had no time to take them (of an emulated machine) are lost: shares are of
 * those that came. */
static void add_cpu(struct rates *r, const struct cpu_ticks *old, const struct cpu_ticks *now)
{
	struct cpu_rate c = { .cpu = now->cpu,
		.user = grown(old->user + old->nice, now->user + now->nice),
		.system = grown(old->system, now->system),
		.irq = grown(old->irq, now->irq),
		.softirq = grown(old->softirq, now->softirq),
		.steal = grown(old->steal, now->steal),
		.idle = grown(old->idle + old->iowait, now->idle + now->iowait) };
	double all = c.user + c.system + c.irq + c.softirq + c.steal + c.idle;
	if (all <= 0)
		return;
	double *parts[] = { &c.user, &c.system, &c.irq, &c.softirq, &c.steal, &c.idle };
	for (size_t i = 0; i < N_ELEMENTS(parts); i++)
		*parts[i] /= all;
	r->cpu_index[c.cpu] = (int)r->n_cpus;
	r->cpus[r->n_cpus++] = c;
}

static void add_cpus(struct rates *r, const struct cpu_times *before, const struct cpu_times *after)
{
	AUTO_FREE int *at = xcalloc(CPUSET_MAX, sizeof *at);
	r->cpu_index = arena_alloc(&r->arena, CPUSET_MAX * sizeof *r->cpu_index);
	r->cpus = arena_alloc(&r->arena, after->n * sizeof *r->cpus);
	memset(r->cpu_index, -1, CPUSET_MAX * sizeof *r->cpu_index);
	for (size_t i = 0; i < before->n; i++)
		if (before->v[i].cpu >= 0)
			at[before->v[i].cpu] = (int)i + 1;
	for (size_t i = 0; i < after->n; i++) {
		int cpu = after->v[i].cpu;
		if (cpu >= 0 && at[cpu] && r->cpu_index[cpu] < 0)
			add_cpu(r, &before->v[at[cpu] - 1], &after->v[i]);
	}
}

static double share_us(bool is_known, uint64_t before, uint64_t after, double window_s)
{
	return is_known ? grown(before, after) / (window_s * 1e6) : -1;
}

static struct group_rate group_rate(const struct group_reading *a, const struct group_reading *b,
	const char *path, double window_s)
{
	struct group_rate g = { .path = path, .throttled = -1 };
	bool has_cpu = a->has_cpu && b->has_cpu, has_io = a->has_io && b->has_io;
	g.cpu_some = share_us(has_cpu, a->cpu.some_us, b->cpu.some_us, window_s);
	g.io_some = share_us(has_io, a->io.some_us, b->io.some_us, window_s);
	g.io_full = share_us(has_io, a->io.full_us, b->io.full_us, window_s);
	g.memory_some = share_us(
		a->has_memory && b->has_memory, a->memory.some_us, b->memory.some_us, window_s);
	if (a->has_stat && b->has_stat) {
		double periods = grown(a->stat.n_periods, b->stat.n_periods);
		g.throttled =
			periods > 0 ? grown(a->stat.n_throttled, b->stat.n_throttled) / periods : 0;
		g.throttled_us = (uint64_t)grown(a->stat.throttled_us, b->stat.throttled_us);
	}
	return g;
}

static void add_disks(struct rates *r, const struct disks *before, const struct disks *after)
{
	r->disks = arena_alloc(&r->arena, after->n * sizeof *r->disks);
	for (size_t i = 0; i < after->n; i++) {
		const struct disk_counts *now = &after->v[i], *old = disks_find(before, now->name);
		if (!old)
			continue;
		double n = grown(old->reads + old->writes, now->reads + now->writes);
		double ms = grown(old->read_ms + old->write_ms, now->read_ms + now->write_ms);
		r->disks[r->n_disks++] = (struct disk_rate){
			.name = arena_strdup(&r->arena, now->name),
			.busy = grown(old->busy_ms, now->busy_ms) / (r->window_s * 1000),
			.requests_s = n / r->window_s,
			.await_ms = n > 0 ? ms / n : 0,
		};
	}
}

/* The table's own texts: those of a reading go with it. */
static struct count_table table_of(
	struct arena *a, const struct count_table *before, const struct count_table *after)
{
	struct count_table t = count_table_delta(a, before, after);
	t.cpus = arena_dup(a, t.cpus, t.n_cpus, sizeof *t.cpus);
	for (size_t i = 0; i < t.n_rows; i++) {
		struct count_row *row = &t.rows[i];
		row->name = arena_strdup(a, row->name);
		row->text = arena_strdup(a, row->text);
		row->action = arena_strdup(a, row->action);
	}
	return t;
}

static void add_threads(struct rates *r, const struct reading_list *l, const struct reading *before,
	const struct reading *after)
{
	double window_ns = r->window_s * 1e9;
	r->threads = arena_alloc(&r->arena, l->n_threads * sizeof *r->threads);
	r->n_threads = l->n_threads;
	for (size_t i = 0; i < l->n_threads; i++) {
		const struct thread_reading *a = &before->threads[i], *b = &after->threads[i];
		r->threads[i] = (struct thread_rate){
			.tid = l->threads[i].tid,
			.is_known = a->is_there && b->is_there,
			.run = grown(a->sched.run_ns, b->sched.run_ns) / window_ns,
			.wait = grown(a->sched.wait_ns, b->sched.wait_ns) / window_ns,
			.last_cpu = b->last_cpu,
		};
	}
}

struct rates *rates_of(
	const struct reading_list *l, const struct reading *before, const struct reading *after)
{
	if (!before->clock_ns || after->clock_ns <= before->clock_ns)
		return NULL;
	struct rates *r = xcalloc(1, sizeof *r);
	r->window_s = (double)(after->clock_ns - before->clock_ns) / 1e9;
	add_cpus(r, &before->times, &after->times);
	add_threads(r, l, before, after);
	r->groups = arena_alloc(&r->arena, l->n_groups * sizeof *r->groups);
	for (size_t i = 0; i < l->n_groups; i++)
		r->groups[r->n_groups++] = group_rate(&before->groups[i], &after->groups[i],
			arena_strdup(&r->arena, l->groups[i]), r->window_s);
	r->host = group_rate(&before->host, &after->host, NULL, r->window_s);
	r->interrupts = table_of(&r->arena, &before->interrupts, &after->interrupts);
	r->softirqs = table_of(&r->arena, &before->softirqs, &after->softirqs);
	add_disks(r, &before->disks, &after->disks);
	rates_add_packages(r, before, after);
	rates_add_heat(r, &l->heat_cpus, before, after);
	r->freq_cpus = l->freq_cpus;
	r->khz = arena_alloc(&r->arena, after->n_khz * sizeof *r->khz);
	for (; r->n_khz < after->n_khz; r->n_khz++) {
		int64_t x = before->khz[r->n_khz], y = after->khz[r->n_khz];
		r->khz[r->n_khz] = x > y ? x : y;
	}
	return r;
}

void rates_free(struct rates *r)
{
	if (!r)
		return;
	arena_done(&r->arena);
	free(r);
}

const struct cpu_rate *rates_cpu(const struct rates *r, int cpu)
{
	int i = cpu >= 0 && cpu < CPUSET_MAX ? r->cpu_index[cpu] : -1;
	return i < 0 ? NULL : &r->cpus[i];
}

const struct group_rate *rates_group(const struct rates *r, const char *path)
{
	for (size_t i = 0; path && i < r->n_groups; i++)
		if (streq(r->groups[i].path, path))
			return &r->groups[i];
	return NULL;
}

int64_t rates_khz(const struct rates *r, int cpu)
{
	size_t i = 0;
	cpuset_for_each (c, &r->freq_cpus) {
		if (i >= r->n_khz)
			break;
		if (c == cpu)
			return r->khz[i];
		i++;
	}
	return ABSENT;
}
