/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/diagnosis.h"

#include <errno.h>
#include <time.h>

#include "base/str.h"
#include "host/host.h"
#include "model/irqbalance.h"
#include "session/planning.h"
#include "session/policy-files.h"
#include "session/verdict.h"
#include "vm/lookup.h"
#include "vm/memory.h"

void diagnosis_done(struct diagnosis *d)
{
	check_freep(&d->check);
	rates_freep(&d->rates);
	reading_done(&d->reading);
	intruders_freep(&d->intruders);
	ledger_freep(&d->ledger);
	vms_freep(&d->vms);
	snapshot_freep(&d->snapshot);
	free(d->threads.v);
	free(d->groups.v);
	arena_done(&d->arena);
}

/* ---- what to read beside the snapshot ---- */

static int by_tid(const void *a, const void *b)
{
	const struct reading_thread *x = a, *y = b;
	return x->tid - y->tid;
}

/* CPUs that somebody gave vCPUs, where others are looked for: all masks that are not the host's. */
static struct cpuset vcpu_cpus(const struct diagnosis *d, const struct claims *claims)
{
	struct cpuset sum = CPUSET_EMPTY;
	for (size_t i = 0; i < d->vms->n_vms; i++) {
		const struct vm *vm = &d->vms->vms[i];
		for (size_t k = 0; k < vm->n_threads; k++) {
			const struct vm_thread *t = &vm->threads[k];
			if (t->role == ROLE_VCPU && t->allowed &&
				mask_is_pin(d->snapshot, claims, vm, t))
				sum = cpuset_or(&sum, t->allowed);
		}
	}
	return cpuset_or(&sum, &claims->taken_cpus);
}

/* The VMs' threads, and who else was last seen on CPUs that are somebody's. A process that has not
 * run for long is there too: its rate is 0. */
static void list_threads(struct diagnosis *d)
{
	const struct snapshot *s = d->snapshot;
	AUTO_FREE bool *is_in = xcalloc(s->n_tasks + 1, sizeof *is_in);
	for (size_t i = 0; i < d->vms->n_vms; i++) {
		const struct vm *vm = &d->vms->vms[i];
		for (size_t k = 0; k < vm->n_threads; k++) {
			const struct task *t = snapshot_task(s, vm->threads[k].tid);
			if (t)
				is_in[t - s->tasks] = true;
		}
	}
	for (size_t i = 0; i < s->n_tasks; i++) {
		const struct task *t = &s->tasks[i];
		if (is_in[i] || cpuset_has(&d->list.freq_cpus, t->last_cpu))
			*array_push(&d->threads) =
				(struct reading_thread){ t->pid, t->tid, t->start };
	}
	if (d->threads.n)
		qsort(d->threads.v, d->threads.n, sizeof *d->threads.v, by_tid);
}

/* The group and those around it: their quota is its. */
static void add_groups(struct diagnosis *d, bool *is_in, const char *path)
{
	const struct snapshot *s = d->snapshot;
	int g = path ? snapshot_cgroup(s, path) : -1;
	for (; g > 0 && !is_in[g]; g = s->cgroups[g].parent) {
		is_in[g] = true;
		*array_push(&d->groups) = s->cgroups[g].path;
	}
}

/* Of each VM its group, and those that its threads are in: libvirt has one for each vCPU. */
static void list_groups(struct diagnosis *d)
{
	AUTO_FREE bool *is_in = xcalloc(d->snapshot->n_cgroups + 1, sizeof *is_in);
	for (size_t i = 0; i < d->vms->n_vms; i++) {
		const struct vm *vm = &d->vms->vms[i];
		add_groups(d, is_in, vm->cgroup);
		for (size_t k = 0; k < vm->n_threads; k++)
			add_groups(d, is_in, vm->threads[k].cgroup);
	}
}

static struct cpuset heat_cpus(const struct diagnosis *d)
{
	const struct power *p = d->snapshot->power;
	struct cpuset r = CPUSET_EMPTY;
	for (size_t i = 0; p && i < p->n_cpus; i++)
		if (p->cpus[i].core_throttle_count != ABSENT)
			cpuset_add(&r, p->cpus[i].cpu);
	return r;
}

static void make_list(struct diagnosis *d, const struct claims *claims)
{
	d->list.freq_cpus = vcpu_cpus(d, claims);
	d->list.heat_cpus = heat_cpus(d);
	list_threads(d);
	list_groups(d);
	d->list.threads = d->threads.v;
	d->list.n_threads = d->threads.n;
	d->list.groups = d->groups.v;
	d->list.n_groups = d->groups.n;
	d->list.cgroup_mount = d->snapshot->cgroup_mount;
}

static void read_memory(struct host *h, struct diagnosis *d)
{
	for (size_t i = 0; i < d->vms->n_vms; i++) {
		struct vm_memory *m = arena_alloc(&d->vms->arena, sizeof *m);
		vm_memory_read(h, d->vms, &d->vms->vms[i], false, m);
		/* Huge pages are no cgroup's, and walked in no time. */
		if (!m->source && m->hugetlb_kib > 0)
			vm_memory_read(h, d->vms, &d->vms->vms[i], true, m);
		d->vms->vms[i].memory = m;
	}
}

/* ---- the interval ---- */

/* A recording answers with the times of then: nothing to wait for. */
static void let_pass(struct host *h, const struct diagnosis_options *o)
{
	uint64_t begin_ns = host_clock_ns(h), window_ns = (uint64_t)(o->window_s * 1e9);
	for (uint64_t done_ns = 0; host_is_live(h) && done_ns < window_ns;) {
		uint64_t next_ns = done_ns + 500000000;
		next_ns = begin_ns + (next_ns < window_ns ? next_ns : window_ns);
		const struct timespec ts = { .tv_sec = (time_t)(next_ns / 1000000000),
			.tv_nsec = (long)(next_ns % 1000000000) };
		if (o->progress)
			o->progress(o->context, (double)done_ns / 1e9, o->window_s);
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
			;
		done_ns = host_clock_ns(h) - begin_ns;
	}
}

static void read_rates(struct host *h, const struct diagnosis_options *o, struct diagnosis *d)
{
	AUTO_READING struct reading before = { 0 };
	/* How long threads ran since they began says nothing. */
	bool has_interval = o->window_s > 0 && host_clock_ns(h);
	d->list.is_single = !has_interval;
	reading_take(h, &d->list, NULL, &before);
	if (has_interval) {
		let_pass(h, o);
		reading_take(h, &d->list, &before, &d->reading);
		d->rates = rates_of(&d->list, &before, &d->reading);
		return;
	}
	d->reading = before;
	before = (struct reading){ 0 };
}

static int select_vms(
	const struct diagnosis_options *o, const struct diagnosis *d, bool *ret, struct err *e)
{
	for (size_t i = 0; i < o->n_vms; i++) {
		int n = vms_select(d->vms, o->vms[i], ret, e);
		if (n <= 0)
			return n < 0 ? n : vms_say_none(d->vms, o->vms[i], e);
	}
	return 0;
}

enum outcome diagnosis_make(
	struct host *h, const struct diagnosis_options *o, struct diagnosis *ret, struct err *e)
{
	*ret = (struct diagnosis){ 0 };
	static const struct option_values none;
	AUTO_POLICY struct policy *policy = NULL;
	struct irqbalance irqbalance;
	if (policy_read(h, o->policy ? o->policy : &none, &policy, e) < 0)
		return OUTCOME_MISUSE;
	if (snapshot_read(h, SNAPSHOT_WHOLE, &ret->snapshot, e) < 0 ||
		vms_find(h, ret->snapshot, &ret->vms, e) < 0 || ledger_look(h, &ret->ledger, e) < 0)
		return OUTCOME_UNCHANGED;
	AUTO_FREE bool *is_meant = xcalloc(ret->vms->n_vms + 1, sizeof *is_meant);
	if (select_vms(o, ret, is_meant, e) < 0)
		return OUTCOME_UNCHANGED;
	struct claims claims = claims_of(
		ret->snapshot, ret->ledger->placements.v, ret->ledger->placements.n, NULL);
	claims_add_own_masks(&claims, ret->ledger, &ret->arena);
	ret->intruders = verdict_intruders(ret->snapshot, ret->vms, ret->ledger);
	irqbalance_read(h, ret->snapshot, &irqbalance);
	make_list(ret, &claims);
	read_memory(h, ret);
	read_rates(h, o, ret);
	ret->limits = policy_limits(policy);
	const struct check_input in = {
		.s = ret->snapshot,
		.vms = ret->vms,
		.claims = &claims,
		.intruders = ret->intruders,
		.rates = ret->rates,
		.list = &ret->list,
		.reading = &ret->reading,
		.irqbalance = &irqbalance,
		.limits = &ret->limits,
	};
	ret->check = check_run(&in, o->only, o->n_only, o->n_vms ? is_meant : NULL);
	return OUTCOME_DONE;
}
