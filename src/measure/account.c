/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two samples and the looks between them → a measure. Pure. */
#include <string.h>

#include "base/str.h"
#include "model/delta.h"
#include "measure/internal.h"
#include "model/snapshot.h"

enum { NS_PER_S = 1000 * 1000 * 1000 };

static struct maybe known(double value)
{
	return (struct maybe){ true, value };
}

static struct maybe ratio(double part, double whole)
{
	return whole > 0 ? known(part / whole) : (struct maybe){ 0 };
}

static double grown(uint64_t before, uint64_t after)
{
	return after > before ? (double)(after - before) : 0;
}

void measure_note(struct measure *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	const char **notes = arena_alloc(&m->arena, (m->n_notes + 1) * sizeof *notes);
	if (m->n_notes)
		memcpy(notes, m->notes, m->n_notes * sizeof *notes);
	notes[m->n_notes++] = arena_strdup(&m->arena, text);
	m->notes = notes;
}

/* ---- counts ---- */

static uint64_t sum_of_row(
	const struct count_table *delta, const struct count_row *row, const struct cpuset *cpus)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < delta->n_cpus; i++)
		if (cpuset_has(cpus, delta->cpus[i]))
			sum += row->counts[i];
	return sum;
}

static int most_count_first(const void *a, const void *b)
{
	const struct measured_count *x = a, *y = b;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The rows that grew on these CPUs. */
static struct measured_counts counts_on(
	struct arena *a, const struct count_table *delta, const struct cpuset *cpus)
{
	struct measured_counts r = { 0 };
	r.v = arena_alloc(a, delta->n_rows * sizeof *r.v);
	for (size_t i = 0; i < delta->n_rows; i++) {
		const struct count_row *row = &delta->rows[i];
		uint64_t count = sum_of_row(delta, row, cpus);
		if (!count)
			continue;
		r.v[r.n++] = (struct measured_count){
			.name = arena_strdup(a, row->name),
			.label = arena_strdup(a, row->action),
			.is_device = row->is_device,
			.count = count,
		};
	}
	if (r.n)
		qsort(r.v, r.n, sizeof *r.v, most_count_first);
	return r;
}

static struct maybe interrupt_rate(
	const struct accounting *acc, const struct cpuset *cpus, bool is_device_only)
{
	const struct count_table *delta = &acc->interrupts;
	int n_cpus = 0;
	uint64_t sum = 0;
	for (size_t i = 0; i < delta->n_cpus; i++)
		n_cpus += cpuset_has(cpus, delta->cpus[i]);
	for (size_t i = 0; i < delta->n_rows; i++)
		if (!is_device_only || delta->rows[i].is_device)
			sum += sum_of_row(delta, &delta->rows[i], cpus);
	return ratio((double)sum * NS_PER_S, (double)n_cpus * (double)acc->m->window_ns);
}

/* ---- /proc/stat ---- */

static uint64_t busy_ticks(const struct cpu_ticks *t)
{
	return t->user + t->nice + t->system + t->irq + t->softirq;
}

static double all_ticks(const struct cpu_ticks *old, const struct cpu_ticks *now)
{
	return grown(old->steal, now->steal) + grown(busy_ticks(old), busy_ticks(now)) +
		grown(old->idle + old->iowait, now->idle + now->iowait);
}

/* Ticks of a CPU that had no time to take them (of an emulated or overcommitted machine) are lost:
 * where they do not make up the window, they tell nothing. */
static bool has_all_ticks(
	const struct accounting *acc, const struct cpu_ticks *old, const struct cpu_ticks *now)
{
	return old && now && all_ticks(old, now) * NS_PER_TICK >= 0.9 * (double)acc->m->window_ns;
}

static struct maybe ticks_ns(uint64_t before, uint64_t after)
{
	return known(grown(before, after) * NS_PER_TICK);
}

static struct measured_cpu account_cpu(const struct accounting *acc, int cpu)
{
	const struct cpu_ticks *old = cpu_times_of(&acc->before->times, cpu),
			       *now = cpu_times_of(&acc->after->times, cpu);
	struct measured_cpu c = { .cpu = cpu };
	struct cpuset only = cpuset_of(cpu);
	if (has_all_ticks(acc, old, now)) {
		c.busy_ns = ticks_ns(busy_ticks(old), busy_ticks(now));
		c.irq_ns = ticks_ns(old->irq, now->irq);
		c.softirq_ns = ticks_ns(old->softirq, now->softirq);
		c.steal_ns = ticks_ns(old->steal, now->steal);
	}
	c.interrupts = counts_on(&acc->m->arena, &acc->interrupts, &only);
	c.softirqs = counts_on(&acc->m->arena, &acc->softirqs, &only);
	return c;
}

static void account_cpus(const struct accounting *acc)
{
	struct measure *m = acc->m;
	struct cpuset all = CPUSET_EMPTY;
	for (size_t i = 0; i < m->n_vms; i++)
		all = cpuset_or(&all, &m->vms[i].cpus);
	m->cpus = arena_alloc(&m->arena, (size_t)cpuset_count(&all) * sizeof *m->cpus);
	cpuset_for_each (cpu, &all)
		if (cpu_times_of(&acc->after->times, cpu) ||
			count_table_column(&acc->after->interrupts, cpu) >= 0)
			m->cpus[m->n_cpus++] = account_cpu(acc, cpu);
}

static void account_host_steal(const struct accounting *acc)
{
	const struct cpu_ticks *old = cpu_times_of(&acc->before->times, -1),
			       *now = cpu_times_of(&acc->after->times, -1);
	if (!old || !now)
		return;
	double steal = grown(old->steal, now->steal);
	acc->m->host_steal = ratio(steal, all_ticks(old, now));
	acc->m->is_absolute = acc->m->host_steal.is_known && acc->m->host_steal.value <= 0.01;
}

/* ---- threads ---- */

static void account_schedstat(struct measured_thread *t, const struct thread_sample *before,
	const struct thread_sample *after)
{
	if (!before->has_schedstat || !after->has_schedstat)
		return;
	t->run_ns = known(grown(before->sched.run_ns, after->sched.run_ns));
	t->wait_ns = known(grown(before->sched.wait_ns, after->sched.wait_ns));
	t->stolen = ratio(t->wait_ns.value, t->run_ns.value + t->wait_ns.value);
	/* A wait is counted when it ends. One that lasts all the window shows nowhere but here. */
	if (!t->stolen.is_known && t->was_always_runnable)
		t->stolen = known(1);
}

static struct measured_thread account_thread(const struct accounting *acc,
	const struct vm_thread *vt, int pid, const struct thread_sample *before,
	const struct thread_sample *after)
{
	struct arena *a = &acc->m->arena;
	struct measured_thread t = { .tid = vt->tid, .role = vt->role, .index = vt->index };
	t.id = arena_strdup(a, vt->id);
	t.comm = vt->comm ? arena_strdup(a, vt->comm) : "";
	if (vt->allowed)
		t.cpus = *vt->allowed;
	const struct seen_thread *seen = witness_thread(acc->witness, pid, vt->tid);
	if (!seen)
		seen = witness_thread(acc->witness, vt->tid, vt->tid); /* a kernel thread */
	if (seen && seen->cpus)
		t.seen_cpus = *seen->cpus;
	t.interrupts_per_cpu_s = interrupt_rate(acc, &t.cpus, false);
	t.was_there = before->is_there && after->is_there;
	if (!t.was_there)
		return t;
	if (before->has_switches && after->has_switches) {
		const struct switches *x = &before->switches, *y = &after->switches;
		t.preemptions = known(grown(x->involuntary, y->involuntary));
		t.was_always_runnable =
			x->voluntary == y->voluntary && before->is_runnable && after->is_runnable;
	}
	if (before->has_migrations && after->has_migrations)
		t.migrations = known(grown(before->migrations, after->migrations));
	account_schedstat(&t, before, after);
	if (t.run_ns.is_known && t.run_ns.value > 0)
		cpuset_add(&t.seen_cpus, after->last_cpu);
	return t;
}

/* Most stolen of the vCPUs that wanted at least 1 % of the window: two waits of an idle one make
 * a large share of next to nothing. */
static void account_vcpus(struct measured_vm *v, double window_ns)
{
	double run = 0, wait = 0, most = -1;
	v->worst_vcpu = -1;
	for (size_t i = 0; i < v->n_vcpus; i++) {
		const struct measured_thread *t = &v->threads[i];
		if (!t->stolen.is_known)
			continue;
		double wanted = t->run_ns.value + t->wait_ns.value;
		run += t->run_ns.value;
		wait += t->wait_ns.value;
		bool counts = wanted >= window_ns / 100 || t->was_always_runnable;
		if (counts && t->stolen.value > most) {
			most = t->stolen.value;
			v->worst_vcpu = t->index;
		}
	}
	v->stolen = ratio(wait, run + wait);
}

/* Busy time of the VM's CPUs that its own threads do not explain. Threads that may also run
 * elsewhere are not set off: how much of their time was here is not known. */
static struct maybe account_others(const struct accounting *acc, const struct measured_vm *v)
{
	double busy = 0, own = 0;
	cpuset_for_each (cpu, &v->cpus) {
		const struct cpu_ticks *old = cpu_times_of(&acc->before->times, cpu),
				       *now = cpu_times_of(&acc->after->times, cpu);
		if (!has_all_ticks(acc, old, now))
			return (struct maybe){ 0 };
		busy += grown(busy_ticks(old), busy_ticks(now)) * NS_PER_TICK;
	}
	for (size_t i = 0; i < v->n_threads; i++)
		if (v->threads[i].run_ns.is_known &&
			cpuset_is_subset(&v->threads[i].cpus, &v->cpus))
			own += v->threads[i].run_ns.value;
	return known(busy > own ? busy - own : 0);
}

static void note_changes(
	const struct accounting *acc, const struct vm *vm, const struct measured_vm *v)
{
	size_t n_gone = 0, n_new = 0;
	for (size_t i = 0; i < v->n_threads; i++)
		n_gone += !v->threads[i].was_there;
	array_for_each (t, &acc->witness->threads)
		n_new += t->is_new && t->pid == vm->pid;
	if (n_gone)
		measure_note(acc->m,
			"VM %s: not counted, as they ended within the window: %zu of"
			" its %zu threads",
			v->label, n_gone, v->n_threads);
	if (n_new)
		measure_note(acc->m,
			"VM %s: threads that appeared within the window: %zu; they"
			" are listed among the others only",
			v->label, n_new);
	for (size_t i = 0; i < v->n_vcpus; i++) {
		const struct measured_thread *t = &v->threads[i];
		double explained = t->run_ns.value + t->wait_ns.value;
		if (t->was_always_runnable && explained < 0.95 * (double)acc->m->window_ns)
			measure_note(acc->m,
				"VM %s: vCPU %d never slept, but its run and wait time"
				" make %.1f %% of the window: a wait that has not ended is not"
				" counted yet, so more is stolen than shown",
				v->label, t->index, 100 * explained / (double)acc->m->window_ns);
	}
	if (v->n_vcpus > (size_t)cpuset_count(&v->cpus))
		measure_note(acc->m, "VM %s: %zu vCPUs share %d CPUs: they wait for each other too",
			v->label, v->n_vcpus, cpuset_count(&v->cpus));
}

/* Threads first … of the samples are the VM's. False: it did not live to the end. */
static bool account_vm(const struct accounting *acc, const struct vm *vm, size_t first)
{
	struct measure *m = acc->m;
	AUTO_FREE char *label = vm_label(vm->id, vm->name);
	struct measured_vm v = {
		.id = arena_strdup(&m->arena, vm->id),
		.name = arena_strdup(&m->arena, vm->name),
		.label = arena_strdup(&m->arena, label),
	};
	bool has_lived = false;
	v.threads = arena_alloc(&m->arena, vm->n_threads * sizeof *v.threads);
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct thread_sample *before = &acc->before->threads[first + i],
					   *after = &acc->after->threads[first + i];
		v.threads[i] = account_thread(acc, &vm->threads[i], vm->pid, before, after);
		has_lived |= v.threads[i].was_there;
	}
	if (!has_lived)
		return false;
	v.n_threads = vm->n_threads;
	while (v.n_vcpus < v.n_threads && v.threads[v.n_vcpus].role == ROLE_VCPU)
		v.n_vcpus++;
	for (size_t i = 0; i < v.n_vcpus; i++) {
		v.cpus = cpuset_or(&v.cpus, &v.threads[i].cpus);
		v.cpus = cpuset_or(&v.cpus, &v.threads[i].seen_cpus);
	}
	account_vcpus(&v, (double)m->window_ns);
	v.others_ns = account_others(acc, &v);
	v.interrupts_per_cpu_s = interrupt_rate(acc, &v.cpus, false);
	v.device_interrupts_per_cpu_s = interrupt_rate(acc, &v.cpus, true);
	v.interrupts = counts_on(&m->arena, &acc->interrupts, &v.cpus);
	v.softirqs = counts_on(&m->arena, &acc->softirqs, &v.cpus);
	account_foreign(acc, vm, &v);
	note_changes(acc, vm, &v);
	m->vms[m->n_vms++] = v;
	return true;
}

static void account_coverage(struct measure *m)
{
	double explained = 0, window = 0;
	for (size_t i = 0; i < m->n_vms; i++)
		for (size_t j = 0; j < m->vms[i].n_vcpus; j++) {
			const struct measured_thread *t = &m->vms[i].threads[j];
			if (!t->was_always_runnable || !t->run_ns.is_known)
				continue;
			explained += t->run_ns.value + t->wait_ns.value;
			window += (double)m->window_ns;
		}
	m->coverage = ratio(explained, window);
}

static void note_absent(const struct accounting *acc)
{
	if (!acc->after->interrupts.n_cpus || !acc->before->interrupts.n_cpus)
		measure_note(acc->m, "/proc/interrupts could not be read");
	if (!acc->after->softirqs.n_cpus || !acc->before->softirqs.n_cpus)
		measure_note(acc->m, "/proc/softirqs could not be read");
	if (!acc->after->times.n || !acc->before->times.n)
		measure_note(
			acc->m, "/proc/stat could not be read: the host's own steal is unknown");
	for (size_t i = 0; i < acc->after->n_threads; i++)
		if (acc->after->threads[i].is_there && !acc->after->threads[i].has_schedstat) {
			measure_note(acc->m,
				"this kernel has no /proc/PID/schedstat (SCHED_INFO):"
				" waiting times are unknown");
			return;
		}
}

struct measure *measure_account(const struct measure_options *o, const struct sample *before,
	const struct sample *after, const struct witness *w)
{
	struct measure *m = xcalloc(1, sizeof *m);
	struct accounting acc = { o->vms, before, after, w, m, { 0 }, { 0 } };
	m->source = "procfs";
	m->window_ns = after->clock_ns - before->clock_ns;
	m->n_looks = w->n_looks;
	if (before->has_own && after->has_own)
		m->cost_ns = known(grown(before->own_run_ns, after->own_run_ns));
	acc.interrupts = count_table_delta(&m->arena, &before->interrupts, &after->interrupts);
	acc.softirqs = count_table_delta(&m->arena, &before->softirqs, &after->softirqs);
	account_host_steal(&acc);
	size_t n_vms = measure_n_selected(o), first = 0;
	m->vms = arena_alloc(&m->arena, n_vms * sizeof *m->vms);
	for (size_t i = 0; i < n_vms; i++) {
		const struct vm *vm = measure_selected(o, i);
		AUTO_FREE char *label = vm_label(vm->id, vm->name);
		if (!account_vm(&acc, vm, first))
			measure_note(m, "VM %s ended within the window and is not counted", label);
		first += vm->n_threads;
	}
	account_cpus(&acc);
	account_coverage(m);
	note_absent(&acc);
	return m;
}

void measure_free(struct measure *m)
{
	struct arena a = m->arena;
	arena_done(&a);
	free(m);
}
