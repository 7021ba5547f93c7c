/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage 1: is it interrupts, is it somebody else's work? What an interval shows.
 */
#include "check/internal.h"

/* ---- interrupts ---- */

static const struct irq *irq_of(const struct snapshot *s, int number)
{
	for (size_t i = 0; i < s->n_irqs; i++)
		if (s->irqs[i].irq == number)
			return &s->irqs[i];
	return NULL;
}

struct irq_load {
	const struct count_row *row;
	double per_s;
};

static int most_first(const void *a, const void *b)
{
	const struct irq_load *x = a, *y = b;
	return x->per_s > y->per_s ? -1 : x->per_s < y->per_s;
}

/* The devices' interrupts that came on these CPUs, from the most frequent on; malloc'ed. */
static struct irq_load *loads_on(
	const struct checking *c, const struct cpuset *cpus, size_t *ret_n, double *ret_sum)
{
	const struct count_table *t = &c->in->rates->interrupts;
	struct irq_load *all = xcalloc(t->n_rows + 1, sizeof *all);
	*ret_n = 0;
	*ret_sum = 0;
	for (size_t i = 0; i < t->n_rows; i++) {
		uint64_t n = 0;
		for (size_t k = 0; t->rows[i].is_device && k < t->n_cpus; k++)
			if (cpuset_has(cpus, t->cpus[k]))
				n += t->rows[i].counts[k];
		double per_s = (double)n / c->in->rates->window_s;
		*ret_sum += per_s;
		if (n)
			all[(*ret_n)++] = (struct irq_load){ &t->rows[i], per_s };
	}
	if (*ret_n)
		qsort(all, *ret_n, sizeof *all, most_first);
	return all;
}

/* The softirq that came most on these CPUs, or NULL. */
static const char *top_softirq(const struct checking *c, const struct cpuset *cpus)
{
	const struct count_table *t = &c->in->rates->softirqs;
	const char *name = NULL;
	uint64_t most = 0;
	for (size_t i = 0; i < t->n_rows; i++) {
		uint64_t n = 0;
		for (size_t k = 0; k < t->n_cpus; k++)
			if (cpuset_has(cpus, t->cpus[k]))
				n += t->rows[i].counts[k];
		if (n > most && !streq(t->rows[i].name, "TIMER") &&
			!streq(t->rows[i].name, "RCU") && !streq(t->rows[i].name, "SCHED")) {
			most = n;
			name = t->rows[i].name;
		}
	}
	return name;
}

/* What comes there so often and more, and the commands that move what can be moved. */
static void tell_irqs(
	struct checking *c, struct finding *f, const struct irq_load *v, size_t n, double least)
{
	AUTO_FREE int *movable = xcalloc(n + 1, sizeof *movable);
	size_t n_movable = 0, n_managed = 0;
	for (size_t i = 0; i < n && v[i].per_s >= least; i++) {
		const struct irq *irq = irq_of(c->s, v[i].row->irq);
		if (i < 4)
			says(c, f, "proc/interrupts", "%s (%s): %.0f per s on these CPUs",
				v[i].row->name, v[i].row->action, v[i].per_s);
		if (irq && irq->managed == IRQ_MANAGED)
			n_managed++;
		else
			movable[n_movable++] = v[i].row->irq;
	}
	if (n_managed)
		says(c, f, "proc/irq/*/smp_affinity_list",
			"%zu of them managed: the kernel lets nobody move these; fewer queues "
			"would",
			n_managed);
	move_irqs(c, f, movable, n_movable, &f->cpus);
}

static struct cpuset hot_cpus(const struct checking *c, const struct cpuset *cpus, double *ret_mean)
{
	struct cpuset hot = CPUSET_EMPTY;
	double sum = 0;
	cpuset_for_each (cpu, cpus) {
		const struct cpu_rate *r = rates_cpu(c->in->rates, cpu);
		if (!r || r->irq + r->softirq < c->limits->softirq_share)
			continue;
		cpuset_add(&hot, cpu);
		sum += r->irq + r->softirq;
	}
	*ret_mean = cpuset_is_empty(&hot) ? 0 : sum / cpuset_count(&hot);
	return hot;
}

/* How often a device's interrupt must come for a tenth of the time that these CPUs serve: the
 * kernel works on softirqs for 2 ms at most before it lets others run (kernel/softirq.c,
 * MAX_SOFTIRQ_TIME). */
static double least_per_s(const struct cpuset *hot, double mean)
{
	return mean * cpuset_count(hot) / 10 / 0.002;
}

RULE(softirq)
{
	for_each_pinned(v, c)
	{
		double mean, sum;
		size_t n;
		struct cpuset hot = hot_cpus(c, &v->vcpu_cpus, &mean);
		if (cpuset_is_empty(&hot))
			continue;
		AUTO_FREE struct irq_load *loads = loads_on(c, &hot, &n, &sum);
		const char *kind = top_softirq(c, &hot);
		double least = least_per_s(&hot, mean);
		bool has_device = n && loads[0].per_s >= least;
		struct finding *f =
			found(c, v, "%d of its %s serve%s interrupts (%s %% of the time)%s%s",
				cpuset_count(&hot), some(c, cpuset_count(&v->vcpu_cpus), "CPU"),
				cpuset_count(&hot) == 1 ? "s" : "", percent(c, mean),
				has_device ? ", of devices most often of " : "",
				has_device ? loads[0].row->action : "");
		f->cpus = hot;
		cpuset_for_each (cpu, &hot) {
			const struct cpu_rate *r = rates_cpu(c->in->rates, cpu);
			if (f->evidence.n < 4)
				says(c, f, "proc/stat", "CPU %d: %s %% softirq, %s %% irq", cpu,
					percent(c, r->softirq), percent(c, r->irq));
		}
		if (kind)
			says(c, f, "proc/softirqs", "most often: %s", kind);
		if (has_device)
			tell_irqs(c, f, loads, n, least);
		else
			says(c, f, "proc/interrupts",
				"no device's came often enough for that (%.1f per s at most): who "
				"runs there raised them, or another CPU did (RPS)",
				n ? loads[0].per_s : 0);
	}
}

RULE(irq_rate)
{
	for_each_pinned(v, c)
	{
		struct cpuset hot = CPUSET_EMPTY;
		size_t n;
		double sum;
		cpuset_for_each (cpu, &v->vcpu_cpus) {
			struct cpuset one = cpuset_of(cpu);
			free(loads_on(c, &one, &n, &sum));
			if (sum >= c->limits->interrupts_s)
				cpuset_add(&hot, cpu);
		}
		if (cpuset_is_empty(&hot))
			continue;
		AUTO_FREE struct irq_load *loads = loads_on(c, &hot, &n, &sum);
		struct finding *f = found(c, v,
			"%.0f interrupts per s of devices (%.0f of %s) interrupt %d of its %s", sum,
			loads[0].per_s, loads[0].row->action, cpuset_count(&hot),
			some(c, cpuset_count(&v->vcpu_cpus), "CPU"));
		f->cpus = hot;
		tell_irqs(c, f, loads, n, sum / 100);
	}
}

/* ---- others' work ---- */

/* The VM that the thread is of, or NULL. */
static const struct check_vm *owner_of(
	const struct checking *c, int tid, const struct vm_thread **ret)
{
	for (size_t i = 0; i < c->n_vms; i++) {
		const struct vm *vm = c->vms[i].vm;
		for (size_t k = 0; k < vm->n_threads; k++)
			if (vm->threads[k].tid == tid) {
				*ret = &vm->threads[k];
				return &c->vms[i];
			}
	}
	return NULL;
}

static const char *group_of(const struct checking *c, const struct task *t)
{
	return t->cgroup >= 0 ? c->s->cgroups[t->cgroup].path : "";
}

struct hogs {
	struct finding *f;
	const char *first; /* who ran most */
	double most, sum;
	long n;
	bool is_sure; /* they may run nowhere else */
};

/* Its own threads are another rule's, and so are vCPUs that are pinned there: the emulator's and
 * overlap's. */
static bool is_other_rules(
	const struct check_vm *v, const struct check_vm *owner, const struct vm_thread *t)
{
	return owner == v || (owner && owner->is_dedicated && t->role == ROLE_VCPU);
}

static void tell_hog(struct checking *c, const struct check_vm *v, struct hogs *h,
	const struct task *t, const char *name)
{
	const struct thread_rate *r = rate_of(c, t->tid);
	const char *group = group_of(c, t);
	int last = r->last_cpu >= 0 ? r->last_cpu : t->last_cpu;
	struct cpuset seen = cpuset_of(t->last_cpu);
	cpuset_add(&seen, last);
	if (h->f->evidence.n < 5)
		says(c, h->f, say(c, "proc/%d/task/%d/schedstat", t->pid, t->tid),
			"%s ran %s %% of the time, seen on %s; it may run on %s%s%s", name,
			percent(c, r->run), cpus_of(c, &seen),
			t->allowed ? list_of(c, t->allowed) : "?", *group ? "; " : "", group);
	struct cpuset at = cpuset_and(&seen, &v->vcpu_cpus);
	h->f->cpus = cpuset_or(&h->f->cpus, cpuset_is_empty(&at) ? t->allowed : &at);
	struct cpuset to = within_group(c->s, &c->spare_cpus, group);
	if (!task_is_immovable(t) && !cpuset_is_empty(&to))
		do_this(c, h->f, "taskset -pc %s %d", list_of(c, &to), t->tid);
}

static void look_at_thread(
	struct checking *c, const struct check_vm *v, struct hogs *h, const struct thread_rate *r)
{
	const struct vm_thread *its = NULL;
	const struct task *t = snapshot_task(c->s, r->tid);
	double run = t ? ran_there(c, v, t->tid, t->allowed, t->last_cpu) : 0;
	if (run < c->limits->hog_share || run <= 0)
		return;
	const struct check_vm *owner = owner_of(c, t->tid, &its);
	if (is_other_rules(v, owner, its))
		return;
	const char *name = owner ? say(c, "%s of %s", t->comm, owner->label) : t->comm;
	h->f = h->f ? h->f : found(c, v, " ");
	h->first = run > h->most ? name : h->first;
	h->most = run > h->most ? run : h->most;
	h->sum += run;
	h->is_sure &= t->allowed && cpuset_is_subset(t->allowed, &v->vcpu_cpus);
	h->n++;
	tell_hog(c, v, h, t, name);
}

RULE(hog)
{
	for_each_dedicated(v, c)
	{
		struct hogs h = { .is_sure = true };
		for (size_t i = 0; i < c->in->rates->n_threads; i++)
			look_at_thread(c, v, &h, &c->in->rates->threads[i]);
		if (!h.f)
			continue;
		const char *more =
			h.n > 1 ? say(c, " and %s", some(c, h.n - 1, "other thread")) : "";
		h.f->summary = h.is_sure
			? say(c, "%s%s run%s on its CPUs (%s %% of a CPU)", h.first, more,
				  h.n > 1 ? "" : "s", percent(c, h.sum))
			: say(c, "%s%s ran (%s %% of a CPU), and %s seen on its CPUs", h.first,
				  more, percent(c, h.sum), h.n > 1 ? "were" : "was");
		h.f->sure = h.is_sure ? SURE_MEASURED : SURE_LIKELY;
		in_policy(c, h.f, v, "isolation = isolated");
	}
}

/* ---- and what comes of it ---- */

struct waits {
	double share; /* of the time that its vCPUs wanted to run; -1: unknown, or they hardly did
		       */
	int worst;    /* the vCPU that waits most */
	double worst_share;
};

static struct waits waits_of(const struct checking *c, const struct check_vm *v)
{
	double run = 0, wait = 0;
	struct waits w = { .share = -1, .worst = -1 };
	for (size_t i = 0; i < v->vm->n_threads; i++) {
		const struct vm_thread *t = &v->vm->threads[i];
		const struct thread_rate *r = t->role == ROLE_VCPU ? rate_of(c, t->tid) : NULL;
		if (!r)
			continue;
		run += r->run;
		wait += r->wait;
		/* Two waits of an idle vCPU make a large share of next to nothing. */
		if (r->run + r->wait > 0.01 && r->wait / (r->run + r->wait) > w.worst_share) {
			w.worst_share = r->wait / (r->run + r->wait);
			w.worst = t->index;
		}
	}
	if (run + wait > 0.01)
		w.share = wait / (run + wait);
	return w;
}

static bool is_waiting(const struct checking *c, const struct waits *w)
{
	return w->share >= c->limits->wait_share ||
		(w->share >= 0 && w->worst_share >= 2 * c->limits->wait_share);
}

static void tell_waits(
	struct checking *c, struct finding *f, const struct check_vm *v, const struct waits *w)
{
	f->cpus = v->vcpu_cpus;
	says(c, f, say(c, "proc/%d/task/*/schedstat", v->vm->pid),
		"its vCPUs waited %s %% of the time that they wanted to run; vCPU %d %s %%",
		percent(c, w->share), w->worst, percent(c, w->worst_share));
}

static double host_idle(const struct rates *r, const struct cpuset *but)
{
	double idle = 0;
	size_t n = 0;
	for (size_t i = 0; i < r->n_cpus; i++)
		if (!cpuset_has(but, r->cpus[i].cpu)) {
			idle += r->cpus[i].idle;
			n++;
		}
	return n ? idle / (double)n : 0;
}

RULE(caged)
{
	for_each_dedicated(v, c)
	{
		struct waits w = waits_of(c, v);
		double idle = host_idle(c->in->rates, &c->pinned_cpus);
		if (!is_waiting(c, &w) || idle < c->limits->idle_share)
			continue;
		struct finding *f = found(c, v,
			"it waits for its %s while the host's other CPUs are %s %% idle",
			some(c, cpuset_count(&v->vcpu_cpus), "CPU"), percent(c, idle));
		tell_waits(c, f, v, &w);
		says(c, f, "proc/stat", "CPUs of no pinned VM: %s %% idle", percent(c, idle));
		f->sure = SURE_LIKELY;
	}
}

/* vCPUs without CPUs of their own, and where they may run: balancing leads nobody onto isolated
 * CPUs. */
static long count_floating(const struct checking *c, struct cpuset *ret)
{
	long n = 0;
	*ret = CPUSET_EMPTY;
	for (size_t i = 0; i < c->n_vms; i++) {
		const struct check_vm *v = &c->vms[i];
		n += v->is_dedicated ? 0 : v->vm->n_vcpus;
		for (size_t k = 0; !v->is_dedicated && k < v->vm->n_threads; k++) {
			const struct vm_thread *t = &v->vm->threads[k];
			if (t->allowed && (t->role == ROLE_VCPU || !v->n_vcpus))
				*ret = cpuset_or(ret, t->allowed);
		}
	}
	*ret = cpuset_and(ret, &c->s->online_cpus);
	*ret = cpuset_minus(ret, &c->s->isolated_cpus);
	return n;
}

/* Pinned vCPUs that nothing keeps these away from. */
static long count_pinned_on(const struct checking *c, const struct cpuset *room)
{
	long n = 0;
	for (size_t i = 0; i < c->n_vms; i++) {
		const struct vm *vm = c->vms[i].vm;
		for (size_t k = 0; c->vms[i].is_dedicated && k < vm->n_threads; k++)
			n += vm->threads[k].role == ROLE_VCPU && vm->threads[k].allowed &&
				cpuset_is_subset(vm->threads[k].allowed, room);
	}
	return n;
}

static double worst_floating_wait(const struct checking *c)
{
	double worst = 0;
	for_each_vm(v, c)
	{
		struct waits w = waits_of(c, v);
		if (!v->is_dedicated && is_waiting(c, &w) && w.share > worst)
			worst = w.share;
	}
	return worst;
}

RULE(oversubscribed)
{
	struct cpuset room;
	long floating = count_floating(c, &room), pinned = count_pinned_on(c, &room);
	double worst = worst_floating_wait(c);
	int n_cpus = cpuset_count(&room);
	if (!floating || !n_cpus || floating + pinned <= n_cpus)
		return;
	struct finding *f =
		found(c, NULL, "%s without CPUs of their own%s share %s", some(c, floating, "vCPU"),
			pinned ? say(c, " and %ld pinned", pinned) : "", some(c, n_cpus, "CPU"));
	f->severity = worst > 0 ? SEVERITY_WARNING : SEVERITY_INFO;
	f->is_quiet = c->in->rates && worst <= 0;
	/* Who is pinned waits for whom he meets there: a hog's matter. */
	f->cpus = cpuset_minus(&room, &c->pinned_cpus);
	if (worst > 0) {
		f->sure = SURE_MEASURED;
		says(c, f, "proc/*/task/*/schedstat", "the one that waits most: %s %% of its time",
			percent(c, worst));
	}
	says(c, f, "proc/*/task/*/status", "they may run on %s%s", list_of(c, &room),
		pinned ? say(c, ", and %s there",
				 pinned == 1 ? "1 is pinned" : say(c, "%ld are pinned", pinned))
		       : "");
}

RULE(wait)
{
	for_each_vm(v, c)
	{
		struct waits w = waits_of(c, v);
		if (!is_waiting(c, &w))
			continue;
		struct finding *f =
			found(c, v, "its vCPUs waited %s %% of the time that they wanted to run",
				percent(c, w.share > w.worst_share ? w.share : w.worst_share));
		tell_waits(c, f, v, &w);
	}
}

/* ---- siblings ---- */

RULE(sibling_busy)
{
	for_each_dedicated(v, c)
	{
		struct cpuset others = cpuset_minus(&v->core_cpus, &v->vcpu_cpus),
			      busy = CPUSET_EMPTY;
		cpuset_for_each (cpu, &others) {
			const struct cpu_rate *r = rates_cpu(c->in->rates, cpu);
			if (r && 1 - r->idle >= c->limits->busy_share)
				cpuset_add(&busy, cpu);
		}
		if (cpuset_is_empty(&busy))
			continue;
		struct finding *f = found(
			c, v, "SMT siblings of its CPUs work for others (%s)", list_of(c, &busy));
		f->cpus = whole_cores(c->s, &busy);
		cpuset_for_each (cpu, &busy)
			if (f->evidence.n < 4)
				says(c, f, "proc/stat", "CPU %d: %s %% busy", cpu,
					percent(c, 1 - rates_cpu(c->in->rates, cpu)->idle));
		isolate(c, f, v);
	}
}
