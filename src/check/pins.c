/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage 2: is the pinning real, and complete? */
#include "check/internal.h"

/* ---- the vCPUs ---- */

/* "vCPU 0 on CPU 4, vCPU 1 on CPU 4, …" */
static const char *last_cpus(struct checking *c, const struct check_vm *v)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	int n = 0;
	for (size_t i = 0; i < v->vm->n_threads; i++) {
		const struct vm_thread *t = &v->vm->threads[i];
		if (t->role != ROLE_VCPU || n++ > 7)
			continue;
		strbuf_printf(&b, "%svCPU %d on CPU %d", b.n ? ", " : "", t->index, t->cpu);
	}
	return arena_strdup(c->arena, b.n ? b.s : "");
}

static const char *status_of(struct checking *c, const struct check_vm *v)
{
	return say(c, "proc/%d/task/*/status", v->vm->pid);
}

RULE(stacked)
{
	for_each_vm(v, c)
	{
		struct cpuset where = CPUSET_EMPTY;
		int n = 0;
		for (size_t i = 0; i < v->vm->n_threads; i++) {
			const struct vm_thread *t = &v->vm->threads[i];
			if (t->role != ROLE_VCPU || !t->allowed || cpuset_count(t->allowed) < 2 ||
				!cpuset_is_subset(t->allowed, &c->s->isolated_cpus))
				continue;
			where = cpuset_or(&where, t->allowed);
			n++;
		}
		if (n < 2)
			continue;
		struct finding *f = found(c, v,
			"its vCPUs float over the isolated %s, where the scheduler balances "
			"nothing: they stay where they once woke up, many on one",
			cpus_of(c, &where));
		f->cpus = where;
		says(c, f, "sys/devices/system/cpu/isolated", "%s",
			list_of(c, &c->s->isolated_cpus));
		says(c, f, say(c, "proc/%d/task/*/stat", v->vm->pid), "last seen: %s",
			last_cpus(c, v));
		struct cpuset chosen = offer_cpus(c, v, &where);
		give_cpus(c, f, v, &chosen);
		in_policy(c, f, v, "isolation = pinned");
	}
}

/* Its own CPUs and the nearest of those that nobody has: as many as it has vCPUs, or none. */
static struct cpuset widened(struct checking *c, const struct check_vm *v)
{
	int lacks = v->n_vcpus - cpuset_count(&v->vcpu_cpus);
	struct cpuset more = choose_cpus(c, v, &c->unpinned_cpus, lacks);
	if (cpuset_is_empty(&more))
		return more;
	struct cpuset wide = cpuset_or(&v->vcpu_cpus, &more);
	offered(c, v, &wide);
	return wide;
}

RULE(too_few)
{
	for_each_pinned(v, c)
	{
		int n = cpuset_count(&v->vcpu_cpus);
		if (!v->is_pinned || n >= v->n_vcpus)
			continue;
		struct finding *f = found(c, v, "its %d vCPUs have %s: it runs like one of %d",
			v->n_vcpus, some(c, n, "CPU"), n);
		f->cpus = v->vcpu_cpus;
		says(c, f, status_of(c, v), "Cpus_allowed_list of its %d vCPUs: %s together",
			v->n_vcpus, list_of(c, &v->vcpu_cpus));
		struct cpuset wide = widened(c, v);
		give_cpus(c, f, v, &wide);
	}
}

RULE(half_pinned)
{
	for_each_pinned(v, c)
	{
		if (v->n_pinned == v->n_vcpus)
			continue;
		struct finding *f = found(c, v, "of its %d vCPUs only %d %s pinned", v->n_vcpus,
			v->n_pinned, v->n_pinned == 1 ? "is" : "are");
		f->cpus = v->vcpu_cpus;
		says(c, f, status_of(c, v), "pinned ones may run on %s", list_of(c, &v->vcpu_cpus));
		isolate(c, f, v);
	}
}

/* ---- two VMs ---- */

/* What another finding offers them parts them already. */
static bool are_parted(
	struct checking *c, struct finding *f, const struct check_vm *a, const struct check_vm *b)
{
	const struct cpuset *of_a = offer_of(c, a), *of_b = offer_of(c, b);
	if (!of_a || !of_b || cpuset_intersects(of_a, of_b))
		return false;
	give_cpus(c, f, a, of_a);
	give_cpus(c, f, b, of_b);
	return true;
}

/* Within what it has, if that is more than the other VMs have of it; else elsewhere. */
static void move_vm(struct checking *c, struct finding *f, const struct check_vm *v)
{
	struct cpuset own = cpuset_minus(&v->vcpu_cpus, &c->pinned_cpus);
	struct cpuset cores = whole_cores(c->s, &c->pinned_cpus);
	struct cpuset from = cpuset_minus(&c->spare_cpus, &cores);
	struct cpuset chosen = offer_cpus(c, v, &own);
	if (cpuset_is_empty(&chosen))
		chosen = offer_cpus(c, v, &from);
	if (cpuset_is_empty(&chosen))
		chosen = offer_cpus(c, v, &c->spare_cpus);
	give_cpus(c, f, v, &chosen);
}

/* Where one of the two did not run, the other waited for somebody else. */
static void quiet_if_alone(const struct checking *c, struct finding *f, const struct check_vm *a,
	const struct check_vm *b)
{
	double x = vcpus_run(c, a), y = vcpus_run(c, b);
	quiet_below_hog(c, f, x < y ? x : y);
}

static void overlap_of(struct checking *c, const struct check_vm *a, const struct check_vm *b)
{
	struct cpuset both = cpuset_and(&a->vcpu_cpus, &b->vcpu_cpus);
	if (cpuset_is_empty(&both))
		return;
	bool is_clone = cpuset_equal(&a->vcpu_cpus, &b->vcpu_cpus);
	struct finding *f = is_clone
		? found(c, a, "%s has the very same CPUs (%s), as a clone does", b->label,
			  list_of(c, &both))
		: found(c, a, "%s has %s of its CPUs too (%s)", b->label,
			  cpuset_count(&both) == 1 ? "one" : "some", list_of(c, &both));
	f->cpus = both;
	quiet_if_alone(c, f, a, b);
	says(c, f, status_of(c, a), "%s: vCPUs on %s", a->label, list_of(c, &a->vcpu_cpus));
	says(c, f, status_of(c, b), "%s: vCPUs on %s", b->label, list_of(c, &b->vcpu_cpus));
	if (!are_parted(c, f, a, b))
		move_vm(c, f, b->is_dedicated && !a->is_dedicated ? a : b);
	in_policy(c, f, a, NULL);
	in_policy(c, f, b, NULL);
}

/* Of two that merely share a part of the host neither was promised it alone. */
static bool are_rivals(const struct check_vm *a, const struct check_vm *b)
{
	return (a->is_dedicated && (b->is_dedicated || b->is_named)) ||
		(b->is_dedicated && a->is_named);
}

RULE(overlap)
{
	for (size_t i = 0; i < c->n_vms; i++)
		for (size_t k = i + 1; k < c->n_vms; k++) {
			const struct check_vm *a = &c->vms[i], *b = &c->vms[k];
			if (are_rivals(a, b) && (a->is_meant || b->is_meant))
				overlap_of(c, a, b);
		}
}

RULE(siblings)
{
	for (size_t i = 0; i < c->n_vms; i++)
		for (size_t k = i + 1; k < c->n_vms; k++) {
			const struct check_vm *a = &c->vms[i], *b = &c->vms[k];
			if (!a->is_dedicated || !b->is_dedicated || !(a->is_meant || b->is_meant) ||
				cpuset_intersects(&a->vcpu_cpus, &b->vcpu_cpus))
				continue;
			if (!cpuset_intersects(&a->core_cpus, &b->core_cpus))
				continue;
			struct cpuset cores = cpuset_and(&a->core_cpus, &b->core_cpus);
			struct finding *f =
				found(c, a, "%s sits on the SMT siblings of its CPUs (%s)",
					b->label, list_of(c, &cores));
			f->cpus = cores;
			quiet_if_alone(c, f, a, b);
			says(c, f, "sys/devices/system/cpu/cpu*/topology/thread_siblings_list",
				"%s on %s, %s on %s: the same cores", a->label,
				list_of(c, &a->vcpu_cpus), b->label, list_of(c, &b->vcpu_cpus));
			struct cpuset from = cpuset_minus(&c->spare_cpus, &a->core_cpus);
			struct cpuset chosen = offer_cpus(c, b, &from);
			give_cpus(c, f, b, &chosen);
			in_policy(c, f, a, "cores = full");
			in_policy(c, f, b, "cores = full");
		}
}

/* ---- QEMU's other threads ---- */

struct helpers {
	struct cpuset cpus; /* of the vCPUs, that they may run on */
	const struct vm_thread *first;
	size_t n;
	bool is_same; /* one mask for all of the VM */
};

static bool is_io(const struct vm_thread *t)
{
	return t->role == ROLE_IOTHREAD || t->role == ROLE_VHOST;
}

/* Kernel threads of KVM's and what cannot be moved are left out. */
static bool is_on_vcpus(const struct checking *c, const struct check_vm *v,
	const struct vm_thread *t, bool is_io_wanted)
{
	const struct task *task = snapshot_task(c->s, t->tid);
	if (t->role == ROLE_VCPU || t->role == ROLE_KVM || is_io(t) != is_io_wanted || !t->allowed)
		return false;
	return cpuset_intersects(t->allowed, &v->vcpu_cpus) && !(task && task_is_immovable(task));
}

static void move_helpers(
	struct checking *c, struct finding *f, const struct check_vm *v, bool is_io_wanted)
{
	size_t n = 0;
	if (cpuset_is_empty(&c->spare_cpus))
		return;
	AUTO_FREE const struct vm_thread **threads = xcalloc(v->vm->n_threads, sizeof *threads);
	for (size_t i = 0; i < v->vm->n_threads; i++)
		if (is_on_vcpus(c, v, &v->vm->threads[i], is_io_wanted))
			threads[n++] = &v->vm->threads[i];
	pin_threads(c, f, v, threads, n, &c->spare_cpus);
	in_policy(c, f, v, is_io_wanted ? "iothreads = housekeeping" : "emulator = housekeeping");
}

static void helpers_of(struct checking *c, const struct check_vm *v, bool is_io_wanted)
{
	struct cpuset where = CPUSET_EMPTY;
	const struct vm_thread *first = NULL;
	double run = 0, there = 0;
	long n = 0;
	for (size_t i = 0; i < v->vm->n_threads; i++) {
		const struct vm_thread *t = &v->vm->threads[i];
		if (!is_on_vcpus(c, v, t, is_io_wanted))
			continue;
		struct cpuset both = cpuset_and(t->allowed, &v->vcpu_cpus);
		const struct thread_rate *r = rate_of(c, t->tid);
		where = cpuset_or(&where, &both);
		first = first ? first : t;
		run += r ? r->run : 0;
		there += ran_there(c, v, t->tid, t->allowed, t->cpu);
		n++;
	}
	if (!first)
		return;
	const char *whom = is_io_wanted ? some(c, n, "I/O thread") : some(c, n, "thread");
	struct finding *f = found(c, v, "%s of %s may run on its vCPUs' CPUs (%s)%s", whom,
		is_io_wanted ? "its disks and network" : "QEMU's main loop and workers",
		list_of(c, &where),
		cpuset_equal(first->allowed, &v->vcpu_cpus) ? ": one mask holds all of them" : "");
	f->cpus = where;
	says(c, f, say(c, "proc/%d/task/%d/status", v->vm->pid, first->tid),
		"%s: Cpus_allowed_list %s", first->comm ? first->comm : "?",
		list_of(c, first->allowed));
	says(c, f, status_of(c, v), "vCPUs: %s", list_of(c, &v->vcpu_cpus));
	if (c->in->rates && run >= 0.001)
		says(c, f, say(c, "proc/%d/task/*/schedstat", v->vm->pid),
			"they ran %s %% of the time", percent(c, run));
	quiet_below_hog(c, f, there);
	if (there >= c->limits->hog_share)
		f->sure = SURE_MEASURED;
	move_helpers(c, f, v, is_io_wanted);
}

RULE(emulator)
{
	for_each_dedicated(v, c) helpers_of(c, v, false);
}

RULE(iothreads)
{
	for_each_dedicated(v, c) helpers_of(c, v, true);
}

/* ---- the shape of the set ---- */

RULE(smt_blind)
{
	for_each_dedicated(v, c)
	{
		struct cpuset twice = CPUSET_EMPTY;
		const struct core *last = NULL;
		cpuset_for_each (cpu, &v->vcpu_cpus) {
			const struct core *core = core_of(c->s, cpu);
			if (!core || core == last)
				continue;
			struct cpuset both = cpuset_and(&core->cpus, &v->vcpu_cpus);
			if (cpuset_count(&both) > 1)
				twice = cpuset_or(&twice, &both);
			last = core;
		}
		if (cpuset_is_empty(&twice) || v->vm->guest_threads > 1)
			continue;
		struct finding *f = found(c, v,
			"its vCPUs share cores (%s), and the guest takes each for a core of its "
			"own",
			list_of(c, &twice));
		f->cpus = twice;
		says(c, f, "sys/devices/system/cpu/cpu*/topology/thread_siblings_list",
			"SMT siblings among its CPUs: %s", list_of(c, &twice));
		says(c, f, v->vm->config ? v->vm->config->source : "QEMU", "threads per core: 1");
	}
}

static int span(const struct snapshot *s, const struct cpuset *cpus, bool is_l3)
{
	int n = 0;
	size_t all = is_l3 ? s->n_l3s : s->n_nodes;
	for (size_t i = 0; i < all; i++)
		n += cpuset_intersects(is_l3 ? &s->l3s[i].cpus : &s->nodes[i].cpus, cpus);
	return n;
}

/* Some L3 or node has as many CPUs as the VM. */
static bool would_fit(const struct snapshot *s, const struct check_vm *v, bool is_l3)
{
	size_t all = is_l3 ? s->n_l3s : s->n_nodes;
	for (size_t i = 0; i < all; i++)
		if (cpuset_count(is_l3 ? &s->l3s[i].cpus : &s->nodes[i].cpus) >= v->n_vcpus)
			return true;
	return false;
}

RULE(crosses_nodes)
{
	for_each_dedicated(v, c)
	{
		const struct vm_config *config = v->vm->config;
		int n = span(c->s, &v->vcpu_cpus, false);
		bool knows = config && config->nodes.n > 1;
		if (n < 2 || knows)
			continue;
		struct finding *f = found(
			c, v, "its vCPUs are on %d NUMA nodes, and the guest knows of one", n);
		f->cpus = v->vcpu_cpus;
		says(c, f, "sys/devices/system/node/node*/cpulist", "its %s are of nodes %s",
			cpus_of(c, &v->vcpu_cpus), list_of(c, &v->nodes));
		if (!would_fit(c->s, v, false))
			continue;
		in_policy(c, f, v, "place = one-node");
		do_this(c, f, "wideberth apply --vm %s --place one-node", quoted(c, v->vm->id));
	}
}

RULE(crosses_l3)
{
	for_each_dedicated(v, c)
	{
		int n = span(c->s, &v->vcpu_cpus, true);
		if (n < 2 || !would_fit(c->s, v, true) || cpuset_count(&v->nodes) > 1)
			continue;
		struct finding *f =
			found(c, v, "its vCPUs are in %d L3 domains, and would fit in one", n);
		f->cpus = v->vcpu_cpus;
		says(c, f, "sys/devices/system/cpu/cpu*/cache/index3/shared_cpu_list",
			"its %s are of %d domains", cpus_of(c, &v->vcpu_cpus), n);
		in_policy(c, f, v, "place = one-l3");
		do_this(c, f, "wideberth apply --vm %s --place one-l3", quoted(c, v->vm->id));
	}
}

RULE(cpu0)
{
	for_each_dedicated(v, c)
	{
		if (!cpuset_has(&v->vcpu_cpus, 0))
			continue;
		struct finding *f = found(c, v, "CPU 0 is one of its CPUs");
		f->cpus = cpuset_of(0);
		says(c, f, status_of(c, v), "vCPUs: %s", list_of(c, &v->vcpu_cpus));
		struct cpuset from = c->spare_cpus;
		cpuset_remove(&from, 0);
		from = cpuset_or(&from, &v->vcpu_cpus);
		cpuset_remove(&from, 0);
		struct cpuset chosen = offer_cpus(c, v, &from);
		give_cpus(c, f, v, &chosen);
	}
}

RULE(kinds)
{
	for_each_dedicated(v, c)
	{
		struct cpuset small = CPUSET_EMPTY, big = CPUSET_EMPTY;
		for (size_t i = 0; i < c->s->n_cpus; i++) {
			const struct cpu *cpu = &c->s->cpus[i];
			if (cpu->kind == CPU_UNIFORM || !cpuset_has(&v->vcpu_cpus, cpu->cpu))
				continue;
			cpuset_add(cpu->kind == CPU_PERFORMANCE ? &big : &small, cpu->cpu);
		}
		if (cpuset_is_empty(&small) || cpuset_is_empty(&big))
			continue;
		struct finding *f = found(c, v,
			"its vCPUs are on performance cores (%s) and on slower ones (%s)",
			list_of(c, &big), list_of(c, &small));
		f->cpus = small;
		says(c, f, "kinds of cores (wideberth show)",
			"performance cores among its CPUs: %s", list_of(c, &big));
		struct cpuset from = CPUSET_EMPTY;
		for (size_t i = 0; i < c->s->n_cpus; i++)
			if (c->s->cpus[i].kind == CPU_PERFORMANCE)
				cpuset_add(&from, c->s->cpus[i].cpu);
		struct cpuset open = cpuset_or(&c->spare_cpus, &v->vcpu_cpus);
		from = cpuset_and(&from, &open);
		struct cpuset chosen = offer_cpus(c, v, &from);
		give_cpus(c, f, v, &chosen);
	}
}

/* Since 6.12 a deadline server of the kernel's runs others for 50 ms of each second, whatever
 * sched_rt_runtime_us says. */
static bool has_fair_server(const struct checking *c)
{
	const char *p = c->in->reading ? c->in->reading->release : NULL;
	uint64_t major, minor;
	if (!p || !str_take_u64(&p, &major) || *p++ != '.' || !str_take_u64(&p, &minor))
		return false;
	return major > 6 || (major == 6 && minor >= 12);
}

/* What real-time threads leave to others, of 1; negative: not known. */
static double kept_share(const struct checking *c)
{
	const struct tunables *t = c->s->tunables;
	if (has_fair_server(c))
		return 0.05;
	if (!t || t->sched_rt_runtime_us == ABSENT)
		return -1;
	if (t->sched_rt_runtime_us < 0)
		return 0;
	if (t->sched_rt_period_us <= 0) /* not told either */
		return -1;
	return 1 - (double)t->sched_rt_runtime_us / (double)t->sched_rt_period_us;
}

static void tell_kept(struct checking *c, struct finding *f)
{
	const struct tunables *t = c->s->tunables;
	if (has_fair_server(c))
		says(c, f, "proc/sys/kernel/osrelease", "%s: it has fair_server",
			c->in->reading->release);
	else if (t && t->sched_rt_runtime_us != ABSENT)
		says(c, f, "proc/sys/kernel/sched_rt_runtime_us", "%lld",
			(long long)t->sched_rt_runtime_us);
}

RULE(fifo)
{
	double kept = kept_share(c);
	const char *what = kept < 0 ? "gets what is left to it"
		: kept > 0          ? say(c, "gets %s %% of the time at worst", percent(c, kept))
				    : "waits as long as the guest spins";
	for_each_vm(v, c)
	{
		struct cpuset where = CPUSET_EMPTY;
		const struct vm_thread *first = NULL;
		AUTO_STRBUF struct strbuf tids = { 0 };
		for (size_t i = 0; i < v->vm->n_threads; i++) {
			const struct vm_thread *x = &v->vm->threads[i];
			if (x->role != ROLE_VCPU || !x->priority || !x->allowed)
				continue;
			first = first ? first : x;
			where = cpuset_or(&where, x->allowed);
			strbuf_printf(&tids, " %d", x->tid);
		}
		if (!first)
			continue;
		struct finding *f = found(c, v,
			"its vCPUs run as %s:%d on %s: what the kernel must do there %s",
			first->policy, first->priority, list_of(c, &where), what);
		if (kept == 0 || cpuset_has(&where, 0))
			f->severity = SEVERITY_CRITICAL;
		f->cpus = where;
		says(c, f, say(c, "proc/%d/task/%d/stat", v->vm->pid, first->tid),
			"policy %s, priority %d", first->policy, first->priority);
		tell_kept(c, f);
		do_this(c, f, "for t in%s; do chrt -op 0 $t; done", tids.s);
	}
}
