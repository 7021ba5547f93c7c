/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "measure/measure.h"

#include <errno.h>
#include <time.h>

#include "base/str.h"
#include "host/host.h"
#include "kernel/task-cgroup.h"
#include "measure/internal.h"

enum {
	N_LOOKS = 20,                     /* per window, */
	LOOK_EVERY_NS = 50 * 1000 * 1000, /* but not more often than this, */
	LOOK_SHARE = 50,                  /* and in a 50th of the time at most */
};

/* The one place where waiting is the job. A recording answers with the times of then: nothing to
 * wait for. */
static void wait_until(const struct host *h, uint64_t clock_ns)
{
	const struct timespec ts = {
		.tv_sec = (time_t)(clock_ns / 1000000000),
		.tv_nsec = (long)(clock_ns % 1000000000),
	};
	if (host_is_live(h))
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
			;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Lets the window pass and looks now and then who runs; the last look is at its end. */
static int watch(struct host *h, const struct measure_options *o, uint64_t begin_ns,
	struct witness *w, struct err *e)
{
	uint64_t end_ns = begin_ns + o->window_ns, now_ns = begin_ns;
	while (now_ns < end_ns) {
		uint64_t step_ns = max_u64(o->window_ns / N_LOOKS, LOOK_EVERY_NS);
		step_ns = max_u64(step_ns, w->look_ns * LOOK_SHARE);
		/* A rest shorter than half a step is taken along. */
		uint64_t next_ns =
			end_ns - now_ns < step_ns + step_ns / 2 ? end_ns : now_ns + step_ns;
		wait_until(h, next_ns);
		int r = witness_look(h, w, e);
		if (r < 0)
			return r;
		now_ns = max_u64(host_clock_ns(h), next_ns);
		if (o->progress)
			o->progress(o->context, now_ns < end_ns ? now_ns - begin_ns : o->window_ns,
				o->window_ns);
	}
	return 0;
}

/* The group below the root that a process is in, in the arena; NULL without. */
static const char *cgroup_of(struct host *h, struct arena *a, int pid)
{
	AUTO_FREE char *text = NULL;
	if (host_read(h, &text, NULL, "proc/%d/cgroup", pid) < 0)
		return NULL;
	AUTO_FREE char *path = task_cgroup_parse(text);
	return path && *path ? arena_strdup(a, path) : NULL;
}

/* What only the host knows of the others: their cgroup, and which of them is this program. */
static void name_foreign(struct host *h, struct measure *m)
{
	AUTO_FREE char *link = NULL;
	int self = 0;
	if (host_readlink(h, &link, "proc/self") < 0 || str_to_int(link, &self) < 0)
		self = 0;
	for (size_t i = 0; i < m->n_vms; i++)
		for (size_t j = 0; j < m->vms[i].n_foreign; j++) {
			struct foreign *f = &m->vms[i].foreign[j];
			if (!streq(f->class, "process"))
				continue;
			if (f->pid == self)
				f->class = "self";
			else
				f->owner = cgroup_of(h, &m->arena, f->pid);
		}
}

/* The threads of all selected VMs, in order. */
static struct target *make_targets(struct host *h, const struct measure_options *o, size_t *ret_n)
{
	ARRAY(struct target) all = { 0 };
	for (size_t i = 0; i < measure_n_selected(o); i++) {
		const struct vm *vm = measure_selected(o, i);
		for (size_t j = 0; j < vm->n_threads; j++) {
			const struct vm_thread *t = &vm->threads[j];
			*array_push(&all) = (struct target){ vm->pid, t->tid, t->start };
		}
	}
	targets_resolve(h, all.v, all.n);
	*ret_n = all.n;
	return all.v;
}

int measure_run(
	struct host *h, const struct measure_options *o, struct measure **ret, struct err *e)
{
	if (!measure_n_selected(o))
		return err_say(e, -ENOENT, "there is no VM to measure");
	if (!o->window_ns || !host_clock_ns(h))
		return err_say(e, -EINVAL,
			"cannot measure a dump of a host: no time passes in it (a recording made"
			" with 'wideberth --record DIR measure' can be replayed)");
	AUTO_WITNESS struct witness w = { 0 };
	AUTO_SAMPLE struct sample before = { 0 }, after = { 0 };
	size_t n_targets;
	AUTO_FREE struct target *targets = make_targets(h, o, &n_targets);

	int r = witness_look(h, &w, e);
	if (r < 0)
		return r;
	sample_read(h, targets, n_targets, &before);
	r = watch(h, o, before.clock_ns, &w, e);
	if (r < 0)
		return r;
	sample_read(h, targets, n_targets, &after);

	AUTO_MEASURE struct measure *m = measure_account(o, &before, &after, &w);
	const struct vm *first = measure_selected(o, 0);
	AUTO_FREE char *label = vm_label(first->id, first->name);
	if (!m->n_vms)
		return err_say(e, -ESRCH,
			measure_n_selected(o) == 1
				? "VM %s ended while it was measured"
				: "VM %s and all others ended while they were measured",
			label);
	name_foreign(h, m);
	*ret = TAKE(m);
	return 0;
}
