/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/intruders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "model/snapshot.h"
#include "plan/settings.h"
#include "vm/vm.h"

struct guard {
	const struct placement *p;
	const struct vm *vm; /* NULL: not known as a VM any more */
	const char *label;
};

/* A thread of a guard's VM. */
struct owned {
	int tid;
	const struct guard *g;
	const struct vm_thread *thread; /* NULL: its process, of which no more is known */
};

struct search {
	const struct snapshot *s;
	const struct vms *vms;
	const struct claims *claims;
	const struct irq_reasons *irqs;
	struct arena *arena;
	struct cpuset guarded_cpus; /* claims of those that run */
	ARRAY(struct guard) guards;
	ARRAY(struct owned) owned; /* by tid */
	ARRAY(struct intruder) found, immovable;
	bool *has_intruder; /* by cgroup: one of its threads is listed */
};

static const char again[] = "'wideberth apply' again moves it";

static const char *list(struct search *f, const struct cpuset *cpus)
{
	AUTO_FREE char *text = cpuset_format_list(cpus);
	return arena_strdup(f->arena, text);
}

static const char *cpus_of(struct search *f, const struct cpuset *cpus)
{
	AUTO_FREE char *text = cpuset_format_cpus(cpus);
	return arena_strdup(f->arena, text);
}

static const struct guard *guard_of(const struct search *f, const struct cpuset *cpus)
{
	array_for_each (g, &f->guards) {
		if (cpuset_intersects(&g->p->claim_cpus, cpus))
			return g;
	}
	return &f->guards.v[0];
}

static struct intruder intruder(
	const struct search *f, const char *what, const struct cpuset *cpus, const char *why)
{
	return (struct intruder){ .what = what,
		.tid = -1,
		.irq = -1,
		.vm = guard_of(f, cpus)->label,
		.cpus = cpuset_keep(f->arena, cpus),
		.why = why };
}

/* ---- groups ---- */

/* "ssh.service" of "system.slice/ssh.service/control"; "/lxc/200" where no part is a unit. */
static const char *unit_of(struct search *f, int cgroup)
{
	if (cgroup < 0)
		return NULL;
	for (int g = cgroup; g > 0; g = f->s->cgroups[g].parent) {
		const char *path = f->s->cgroups[g].path, *slash = strrchr(path, '/');
		const char *name = slash ? slash + 1 : path;
		if (str_has_suffix(name, ".service") || str_has_suffix(name, ".scope") ||
			(g == cgroup && str_has_suffix(name, ".slice")))
			return name;
	}
	return arena_printf(f->arena, "/%s", f->s->cgroups[cgroup].path);
}

static bool is_inside(const char *path, const char *group)
{
	const char *rest = str_after(path, group);
	return *group && rest && (!*rest || *rest == '/');
}

/* The VM whose group this is, or is inside of. */
static const struct guard *guard_around(const struct search *f, int cgroup)
{
	array_for_each (g, &f->guards) {
		if (cgroup > 0 && g->p->cgroup &&
			is_inside(f->s->cgroups[cgroup].path, g->p->cgroup))
			return g;
	}
	return NULL;
}

static bool has_guard_below(const struct search *f, int cgroup)
{
	array_for_each (g, &f->guards) {
		if (g->p->cgroup && is_inside(g->p->cgroup, f->s->cgroups[cgroup].path))
			return true;
	}
	return cgroup == 0;
}

/* ---- threads ---- */

static int by_tid(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static void add_owned(struct search *f)
{
	array_for_each (g, &f->guards) {
		bool has_main = false;
		for (size_t i = 0; g->vm && i < g->vm->n_threads; i++) {
			const struct vm_thread *t = &g->vm->threads[i];
			*array_push(&f->owned) = (struct owned){ t->tid, g, t };
			has_main |= t->tid == g->p->pid;
		}
		if (!has_main)
			*array_push(&f->owned) = (struct owned){ g->p->pid, g, NULL };
	}
	if (f->owned.n)
		qsort(f->owned.v, f->owned.n, sizeof *f->owned.v, by_tid);
}

static const struct owned *find_owned(const struct search *f, int tid)
{
	const struct owned key = { .tid = tid };
	return f->owned.n ? bsearch(&key, f->owned.v, f->owned.n, sizeof key, by_tid) : NULL;
}

static const struct guard *owner_of(
	const struct search *f, const struct task *t, const struct vm_thread **ret)
{
	const struct owned *it = find_owned(f, t->tid);
	*ret = it ? it->thread : NULL;
	if (!it)
		it = find_owned(f, t->pid);
	return it ? it->g : NULL;
}

/* Where a thread of the VM was placed, or NULL. */
static const struct cpuset *place_of(
	const struct guard *g, const struct task *t, const struct vm_thread *thread)
{
	return placement_place(g->p, thread ? thread->role : ROLE_WORKER, t->tid, t->start);
}

/* A vCPU that has a place: look_at_vcpus() tells what it does beside it among its VM's CPUs. */
static bool is_placed_vcpu(
	const struct guard *g, const struct task *t, const struct vm_thread *thread)
{
	return thread && thread->role == ROLE_VCPU && g->p->wish.cores != CORES_SHARED &&
		place_of(g, t, thread);
}

static const char *why_own(const struct vm_thread *t)
{
	if (t && t->role == ROLE_VCPU)
		return "a vCPU of this VM that has no place there: plugged in after apply?";
	return "a thread of this VM beside its vCPUs that should be elsewhere";
}

static const char *why_other(struct search *f, const struct task *t, const char **ret_remedy)
{
	const struct guard *around = guard_around(f, t->cgroup);
	*ret_remedy = again;
	if (task_is_kthread(t))
		return "a kernel thread that can be moved";
	if (around)
		return arena_printf(f->arena, "it shares the group of VM %s", around->label);
	if (t->cgroup > 0)
		return arena_printf(f->arena, "nothing keeps its group %s off these CPUs",
			unit_of(f, t->cgroup));
	*ret_remedy = "'wideberth apply' again moves it; in a service or a scope it would be kept "
		      "off";
	return "it is in the root cgroup, which has all CPUs";
}

static void look_at_thread(struct search *f, const struct task *t)
{
	if (!t->allowed || !cpuset_intersects(t->allowed, &f->guarded_cpus))
		return;
	struct cpuset cpus = cpuset_and(t->allowed, &f->guarded_cpus);
	const struct vm_thread *thread = NULL;
	const struct guard *own = owner_of(f, t, &thread);
	const struct cpuset *place = own ? place_of(own, t, thread) : NULL;
	if (place)
		cpuset_remove_all(&cpus, place);
	bool is_own = own && cpuset_intersects(&cpus, &own->p->claim_cpus);
	if (cpuset_is_empty(&cpus) || (is_own && is_placed_vcpu(own, t, thread)))
		return;
	struct intruder i = intruder(f, "thread", &cpus, NULL);
	i.tid = t->tid;
	i.comm = arena_strdup(f->arena, t->comm);
	i.unit = task_is_kthread(t) ? NULL : unit_of(f, t->cgroup);
	i.is_own = is_own;
	i.is_pinned = !own && mask_origin(f->s, f->claims, t) == MASK_OWN;
	if (task_is_immovable(t)) {
		i.why = "the kernel binds this thread to its CPU";
		*array_push(&f->immovable) = i;
		return;
	}
	i.remedy = again;
	i.why = i.is_own ? why_own(thread) : why_other(f, t, &i.remedy);
	*array_push(&f->found) = i;
	for (int g = t->cgroup; g >= 0; g = f->s->cgroups[g].parent)
		f->has_intruder[g] = true;
}

/* What the thread of that place may run on, or NULL: it has ended. */
static const struct cpuset *allowed_of(const struct search *f, const struct thread_place *v)
{
	const struct task *t = snapshot_task(f->s, v->tid);
	return t && t->start == v->start ? t->allowed : NULL;
}

/* Whether another vCPU may run where the i-th may, beside the spare CPUs that they share. */
static bool is_stacked(const struct search *f, const struct placement *p, size_t i)
{
	struct cpuset own = cpuset_minus(allowed_of(f, &p->vcpus[i]), &p->spare_cpus);
	for (size_t k = 0; k < p->n_vcpus; k++) {
		const struct cpuset *other = k == i ? NULL : allowed_of(f, &p->vcpus[k]);
		if (other && cpuset_intersects(other, &own))
			return true;
	}
	return false;
}

/* vCPUs that are not where they were placed, though they were given CPUs one by one. */
static void look_at_vcpus(struct search *f, const struct guard *g)
{
	if (g->p->wish.cores == CORES_SHARED)
		return;
	for (size_t i = 0; i < g->p->n_vcpus; i++) {
		const struct thread_place *v = &g->p->vcpus[i];
		const struct cpuset *allowed = allowed_of(f, v);
		if (!allowed ||
			(v->vcpu < 0 ? cpuset_is_subset(allowed, &v->cpus)
				     : cpuset_equal(allowed, &v->cpus)))
			continue;
		struct intruder x = intruder(f, "state", allowed, NULL);
		x.tid = v->tid;
		x.comm = arena_strdup(f->arena, snapshot_task(f->s, v->tid)->comm);
		x.vm = g->label;
		x.is_own = true;
		x.why = v->vcpu < 0
			? arena_printf(f->arena,
				  "what may be a vCPU may run on %s, and its place "
				  "is %s",
				  cpus_of(f, allowed), list(f, &v->cpus))
			: arena_printf(f->arena, "vCPU %d may run on %s, and its place is %s%s",
				  v->vcpu, cpus_of(f, allowed), list(f, &v->cpus),
				  is_stacked(f, g->p, i) ? ": two vCPUs share a CPU" : "");
		x.remedy = again;
		*array_push(&f->found) = x;
	}
}

/* ---- what is no thread ---- */

static bool has_tasks(const struct search *f, int cgroup)
{
	for (size_t i = 0; i < f->s->n_tasks; i++)
		for (int g = f->s->tasks[i].cgroup; g > 0; g = f->s->cgroups[g].parent)
			if (g == cgroup)
				return true;
	return false;
}

/* Nothing can keep the root group off CPUs, nor threaded groups right below it. */
static bool is_unlimited(const struct search *f, int g)
{
	const char *type = f->s->cgroups[g].type;
	return g == 0 || (type && streq(type, "threaded"));
}

/* Topmost groups beside the VMs' that may use a claim, though none of their threads does now. */
static void look_at_group(struct search *f, int g)
{
	const struct cgroup *c = &f->s->cgroups[g];
	if (!c->effective || !cpuset_intersects(c->effective, &f->guarded_cpus))
		return;
	if (g > 0 &&
		(has_guard_below(f, g) || guard_around(f, g) || f->has_intruder[g] ||
			!has_guard_below(f, c->parent)))
		return;
	const char *name = unit_of(f, g);
	struct cpuset cpus = cpuset_and(c->effective, &f->guarded_cpus);
	struct intruder i = intruder(f, "group", &cpus, "what is started in it may run there");
	i.unit = arena_strdup(f->arena, name);
	i.remedy = "'wideberth apply' again fences it";
	if (is_unlimited(f, g)) {
		i.why = "it cannot be limited: what is started in it may run there until the next "
			"apply";
		i.remedy = NULL;
		*array_push(&f->immovable) = i;
	} else if (*name != '/' || has_tasks(f, g)) {
		*array_push(&f->found) = i; /* else nobody's, and nobody in it */
	}
}

static const char *why_irq_stays(const struct search *f, const struct irq *irq)
{
	if (irq->managed == IRQ_MANAGED)
		return "its CPUs are the driver's own choice (a managed interrupt)";
	return f->irqs ? f->irqs->why_stays(f->irqs->context, irq) : NULL;
}

static void look_at_irq(struct search *f, const struct irq *irq)
{
	if (!irq->affinity || !cpuset_intersects(irq->affinity, &f->guarded_cpus))
		return;
	const char *stays = why_irq_stays(f, irq);
	struct cpuset cpus = cpuset_and(irq->affinity, &f->guarded_cpus);
	if (stays && irq->effective) /* its mask will not change: where it goes is what counts */
		cpus = cpuset_and(irq->effective, &cpus);
	if (cpuset_is_empty(&cpus))
		return;
	struct intruder i = intruder(f, "irq", &cpus, NULL);
	i.irq = irq->irq;
	i.comm = *irq->action ? arena_strdup(f->arena, irq->action) : NULL;
	i.why = stays ? arena_strdup(f->arena, stays) : "an interrupt that can be moved";
	i.remedy = stays ? NULL : again;
	if (stays)
		*array_push(&f->immovable) = i;
	else
		*array_push(&f->found) = i;
}

static void look_at_workqueues(struct search *f)
{
	const struct cpuset *mask = f->s->workqueues.cpumask;
	if (!mask || !cpuset_intersects(mask, &f->guarded_cpus))
		return;
	struct cpuset cpus = cpuset_and(mask, &f->guarded_cpus);
	struct intruder i = intruder(f, "work", &cpus, "unbound kernel work may run there");
	i.comm = "kworker/u*";
	i.remedy = again;
	*array_push(&f->found) = i;
}

/* ---- partitions ---- */

static void add_state(struct search *f, const struct guard *g, const struct cpuset *cpus,
	const char *unit, const char *why)
{
	struct intruder i = intruder(f, "state", cpus, why);
	i.vm = g->label;
	i.unit = unit;
	i.remedy = "'wideberth undo' and 'wideberth apply' make it anew";
	*array_push(&f->found) = i;
}

/* "isolated", or "root" where there are spare CPUs to balance over, and not "isolated invalid (…)"
 * or "member". */
static void look_at_partition(struct search *f, const struct guard *g)
{
	const struct cpuset *claim = &g->p->claim_cpus;
	const char *path = arena_printf(f->arena, "%s/" VCPUS_GROUP, g->p->cgroup);
	int at = snapshot_cgroup(f->s, path), root = snapshot_cgroup(f->s, "");
	const struct cgroup *c = at < 0 ? NULL : &f->s->cgroups[at];
	const struct cpuset *rest = root < 0 ? NULL : f->s->cgroups[root].effective;
	bool is_balanced = !cpuset_is_empty(&g->p->spare_cpus);
	const char *want = is_balanced ? "root" : "isolated";
	if (!c || !c->partition || !streq(c->partition, want)) {
		add_state(f, g, claim, path,
			arena_printf(f->arena, "its group is no %s partition: %s", want,
				!c                     ? "it is not there"
					: c->partition ? c->partition
						       : "without the cpuset controller"));
		return;
	}
	if (c->effective && !cpuset_equal(c->effective, claim))
		add_state(f, g, claim, path,
			arena_printf(f->arena, "the partition has %s and should have %s",
				cpus_of(f, c->effective), list(f, claim)));
	if (rest && cpuset_intersects(rest, claim)) {
		struct cpuset both = cpuset_and(rest, claim);
		add_state(f, g, &both, path, "the partition's CPUs are still the root group's too");
	}
	if (!is_balanced && f->s->root_isolated && !cpuset_is_subset(claim, f->s->root_isolated)) {
		struct cpuset missing = cpuset_minus(claim, f->s->root_isolated);
		add_state(f, g, &missing, path,
			"the kernel does not count them as isolated (cpuset.cpus.isolated)");
	}
}

/* ---- all together ---- */

static void look(struct search *f)
{
	for (size_t i = 0; i < f->s->n_tasks; i++)
		look_at_thread(f, &f->s->tasks[i]);
	array_for_each (g, &f->guards)
		look_at_vcpus(f, g);
	for (int g = 0; g < (int)f->s->n_cgroups; g++)
		look_at_group(f, g);
	for (size_t i = 0; i < f->s->n_irqs; i++)
		look_at_irq(f, &f->s->irqs[i]);
	look_at_workqueues(f);
	array_for_each (g, &f->guards) {
		if (g->p->level == LEVEL_ISOLATED)
			look_at_partition(f, g);
	}
}

static void add_guards(struct search *f)
{
	for (size_t i = 0; i < f->claims->n; i++) {
		const struct placement *p = &f->claims->placements[i];
		if (p->level < LEVEL_FENCED || !placement_is_running(p, f->s, f->vms))
			continue;
		AUTO_FREE char *label = vm_label(p->vm, p->name);
		*array_push(&f->guards) = (struct guard){
			.p = p,
			.vm = placement_vm(p, f->vms),
			.label = arena_strdup(f->arena, label),
		};
		f->guarded_cpus = cpuset_or(&f->guarded_cpus, &p->claim_cpus);
	}
	f->guarded_cpus = cpuset_and(&f->guarded_cpus, &f->s->online_cpus);
}

struct intruders *intruders_find(const struct snapshot *s, const struct vms *vms,
	const struct claims *claims, const struct irq_reasons *irqs)
{
	struct intruders *all = xcalloc(1, sizeof *all);
	struct search f = {
		.s = s, .vms = vms, .claims = claims, .irqs = irqs, .arena = &all->arena
	};
	f.has_intruder = xcalloc(s->n_cgroups + 1, sizeof *f.has_intruder);
	add_guards(&f);
	add_owned(&f);
	if (f.guards.n)
		look(&f);
	all->found.v = arena_dup(&all->arena, f.found.v, f.found.n, sizeof *f.found.v);
	all->found.n = f.found.n;
	all->immovable.v =
		arena_dup(&all->arena, f.immovable.v, f.immovable.n, sizeof *f.immovable.v);
	all->immovable.n = f.immovable.n;
	free(f.guards.v);
	free(f.owned.v);
	free(f.found.v);
	free(f.immovable.v);
	free(f.has_intruder);
	return all;
}

void intruders_free(struct intruders *i)
{
	if (!i)
		return;
	arena_done(&i->arena);
	free(i);
}
