/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model/snapshot.h"
#include "vm/vm.h"

struct builder {
	const struct snapshot *s;
	const struct vms *vms;
	const struct placement *placements;
	size_t n_placements;
	struct arena *arena;
	ARRAY(struct setting) list;
	const struct cpuset *claimed, *free; /* by any VM; by none */
};

static struct setting *add(struct builder *b, const char *knob, const char *key, const char *why)
{
	struct setting *s = array_push(&b->list);
	*s = (struct setting){
		.knob = knob,
		.key = arena_strdup(b->arena, key),
		.why = why,
	};
	return s;
}

static const struct cpuset *keep(struct builder *b, const struct cpuset *set)
{
	return arena_dup(b->arena, set, 1, sizeof *set);
}

static const char *list_text(struct builder *b, const struct cpuset *set)
{
	AUTO_FREE char *text = cpuset_format_list(set);
	return arena_strdup(b->arena, text);
}

/* The set that it was, without the CPUs. */
static void take_out(struct builder *b, struct setting *s, const struct cpuset *cpus)
{
	s->without = cpus;
	s->fallback = b->free;
}

/* ---- interrupts and kernel work ---- */

static void add_interrupt(struct builder *b, const struct irq *irq, const char *why)
{
	char key[16];
	if (!irq->affinity)
		return;
	snprintf(key, sizeof key, "%d", irq->irq);
	struct setting *s = add(b, "irq.affinity", key, why);
	s->id = *irq->action ? arena_strdup(b->arena, irq->action) : NULL;
	take_out(b, s, b->claimed);
	s->is_optional = true;
}

static void add_interrupts(struct builder *b)
{
	struct setting *s = add(b, "irqbalance.banned", "irqbalance",
		"irqbalance would move interrupts back within seconds");
	s->with = b->claimed;
	s->is_optional = true;
	if (b->s->default_smp_affinity) {
		s = add(b, "irq.default_affinity", "default",
			"interrupts that appear later start on other CPUs");
		take_out(b, s, b->claimed);
		s->is_optional = true;
	}
	for (size_t i = 0; i < b->s->n_irqs; i++)
		add_interrupt(b, &b->s->irqs[i], "an interrupt stops the vCPU that it lands on");
	for (size_t i = 0; i < b->s->n_idle_irqs; i++)
		add_interrupt(
			b, &b->s->idle_irqs[i], "the next driver to request it gets its mask");
	if (b->s->workqueues.cpumask) {
		s = add(b, "workqueue.cpumask", "unbound", "unbound kernel work runs elsewhere");
		take_out(b, s, b->claimed);
		s->is_optional = true;
	}
}

/* ---- cgroups ---- */

static bool is_inside(const char *path, const char *group)
{
	const char *rest = *group ? str_after(path, group) : path;
	return rest && (!*group || !*rest || *rest == '/');
}

static bool has_vm_inside(const struct builder *b, const char *group)
{
	for (size_t i = 0; i < b->n_placements; i++)
		if (b->placements[i].cgroup && is_inside(b->placements[i].cgroup, group))
			return true;
	return false;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool is_unit(const char *name)
{
	return str_has_suffix(name, ".slice") || str_has_suffix(name, ".scope") ||
		str_has_suffix(name, ".service");
}

static bool has_tasks(const struct builder *b, const char *group)
{
	for (size_t i = 0; i < b->s->n_tasks; i++) {
		int g = b->s->tasks[i].cgroup;
		if (g >= 0 && is_inside(b->s->cgroups[g].path, group))
			return true;
	}
	return false;
}

/* Groups of our own making have none: they are not there before they are made. */
static const char *inode_text(struct builder *b, const struct cgroup *g)
{
	if (streq(base_name(g->path), VCPUS_GROUP))
		return NULL;
	return arena_printf(b->arena, "%llu", (unsigned long long)g->inode);
}

static void add_controller(struct builder *b, const char *group, const char *why)
{
	for (size_t i = 0; i < b->list.n; i++)
		if (streq(b->list.v[i].knob, "cgroup.cpuset") && streq(b->list.v[i].key, group))
			return;
	int g = snapshot_cgroup(b->s, group);
	struct setting *s = add(b, "cgroup.cpuset", group, why);
	s->value = "enabled";
	s->id = g < 0 ? NULL : inode_text(b, &b->s->cgroups[g]);
}

/* Calls for the group and all its ancestors below the root, from the top down. */
static void for_each_ancestor(struct builder *b, const char *path,
	void (*visit)(struct builder *b, const char *group, const char *why), const char *why)
{
	for (const char *p = path; (p = strchr(p, '/')); p++) {
		AUTO_FREE char *group = xstrndup(path, (size_t)(p - path));
		visit(b, group, why);
	}
	visit(b, path, why);
}

/* Keeps everything in a group off the claimed CPUs. systemd's own property, where the group is
 * its; the cgroup's file either way: without systemd it is the setting, with it the proof. */
static void fence_group(struct builder *b, const struct cgroup *g)
{
	static const char why[] = "host services and other VMs stay off the claimed CPUs";
	const char *name = base_name(g->path);
	struct setting *s;
	if (b->s->has_systemd && is_unit(name)) {
		s = add(b, "unit.allowed_cpus", name, why);
		take_out(b, s, b->claimed);
	}
	s = add(b, "cgroup.cpus", g->path, why);
	s->id = inode_text(b, g);
	take_out(b, s, b->claimed);
}

/* The siblings along the way from the root to the VMs' groups. */
static void add_fences(struct builder *b)
{
	add_controller(b, "", "lets groups have CPUs of their own");
	for (size_t i = 1; i < b->s->n_cgroups; i++) {
		const struct cgroup *g = &b->s->cgroups[i], *parent = &b->s->cgroups[g->parent];
		bool is_beside = has_vm_inside(b, parent->path) && !has_vm_inside(b, g->path);
		bool is_in_vm = false;
		for (size_t k = 0; k < b->n_placements; k++)
			is_in_vm |= b->placements[k].cgroup &&
				is_inside(parent->path, b->placements[k].cgroup);
		if (!is_beside || is_in_vm || (g->type && streq(g->type, "threaded")))
			continue;
		if (is_unit(base_name(g->path)) || has_tasks(b, g->path)) {
			if (*parent->path)
				for_each_ancestor(b, parent->path, add_controller,
					"lets groups have CPUs of their own");
			fence_group(b, g);
		}
	}
}

/* What a group passes down exclusively: the claims of all isolated VMs inside. */
static void add_exclusive(struct builder *b, const char *group, const char *why)
{
	struct cpuset cpus = CPUSET_EMPTY;
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct placement *p = &b->placements[i];
		if (p->level != LEVEL_ISOLATED)
			continue;
		AUTO_FREE char *child = xasprintf("%s/" VCPUS_GROUP, p->cgroup);
		if (is_inside(child, group))
			cpus = cpuset_or(&cpus, &p->claim_cpus);
	}
	for (size_t i = 0; i < b->list.n; i++)
		if (streq(b->list.v[i].knob, "cgroup.exclusive") && streq(b->list.v[i].key, group))
			return;
	int g = snapshot_cgroup(b->s, group);
	struct setting *s = add(b, "cgroup.exclusive", group, why);
	s->id = g < 0 ? NULL : inode_text(b, &b->s->cgroups[g]);
	s->value = list_text(b, &cpus);
}

/* The VM's scope or service, handed to us by systemd, with a threaded child for the vCPUs. */
static void add_vm_group(struct builder *b, const struct placement *p)
{
	const char *unit = base_name(p->cgroup);
	AUTO_FREE char *child = xasprintf("%s/" VCPUS_GROUP, p->cgroup);
	struct setting *s;
	if (b->s->has_systemd &&
		(str_has_suffix(unit, ".scope") || str_has_suffix(unit, ".service"))) {
		s = add(b, "unit.delegate", unit,
			"systemd leaves what is made below the VM's unit alone");
		s->value = "yes";
	}
	for_each_ancestor(b, p->cgroup, add_controller, "the partition's way down from the root");
	s = add(b, "cgroup.dir", child, "a group for the vCPU threads");
	s->value = "present";
	s = add(b, "cgroup.type", child, "threads of one process in groups of their own");
	s->value = "threaded";
	for_each_ancestor(b, p->cgroup, add_exclusive, "CPUs handed down to the partition");
	add_exclusive(b, child, "the CPUs of the partition");
}

/* ---- threads ---- */

static struct setting *add_thread(
	struct builder *b, const char *knob, int tid, uint64_t start, const char *why)
{
	char key[16];
	snprintf(key, sizeof key, "%d", tid);
	struct setting *s = add(b, knob, key, why);
	s->id = arena_printf(b->arena, "%llu", (unsigned long long)start);
	return s;
}

/* Where one thread of a placed VM goes. */
static const struct cpuset *place_of(
	const struct builder *b, const struct placement *p, const struct vm_thread *t)
{
	for (size_t i = 0; i < p->n_vcpus; i++)
		if (p->vcpus[i].tid == t->tid && p->vcpus[i].start == t->start)
			return &p->vcpus[i].cpus;
	for (size_t i = 0; i < p->n_iothreads; i++)
		if (p->iothreads[i].tid == t->tid && p->iothreads[i].start == t->start)
			return &p->iothreads[i].cpus;
	const struct cpuset *group = t->role == ROLE_IOTHREAD               ? &p->iothread_cpus
		: t->role == ROLE_VHOST && !cpuset_is_empty(&p->vhost_cpus) ? &p->vhost_cpus
									    : &p->emulator_cpus;
	return cpuset_is_empty(group) ? b->free : group;
}

static const char *why_there(enum thread_role role)
{
	return role == ROLE_VCPU ? "a vCPU with a CPU of its own"
				 : "QEMU's own work must not stop a vCPU";
}

static bool is_immovable(const struct builder *b, int tid)
{
	const struct task *t = snapshot_task(b->s, tid);
	return t && task_is_immovable(t);
}

/* Into the partition go those whose CPUs are the VM's own. The process as a whole cannot. */
static bool goes_into_partition(const struct builder *b, const struct placement *p,
	const struct vm *vm, const struct vm_thread *t)
{
	return p->level == LEVEL_ISOLATED && (t->tid != vm->pid || t->role == ROLE_EMULATOR) &&
		cpuset_is_subset(place_of(b, p, t), &p->claim_cpus);
}

static void add_manager_group(
	struct builder *b, const struct placement *p, const struct vm *vm, const struct cgroup *g)
{
	struct cpuset places = CPUSET_EMPTY;
	bool has_place = false;
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		if (!t->cgroup || !streq(t->cgroup, g->path) || goes_into_partition(b, p, vm, t))
			continue;
		const struct cpuset *place = place_of(b, p, t);
		places = cpuset_or(&places, place);
		has_place |= place != b->free;
	}
	struct setting *s = add(b, "cgroup.cpus", g->path,
		"the VM's manager gave its threads CPUs that are not their place");
	s->id = inode_text(b, g);
	if (has_place)
		s->value = list_text(b, &places);
	else
		take_out(b, s, b->claimed);
}

/* libvirt makes groups for a VM's threads, with the CPUs of its own pins: these must hold the
 * places of the threads that stay there, and not what becomes a partition beside them. */
static void add_manager_groups(struct builder *b, const struct placement *p, const struct vm *vm)
{
	for (size_t i = 1; p->cgroup && i < b->s->n_cgroups; i++) {
		const struct cgroup *g = &b->s->cgroups[i];
		bool is_below = is_inside(g->path, p->cgroup) && !streq(g->path, p->cgroup);
		if (is_below && g->cpus && *g->cpus && !streq(base_name(g->path), VCPUS_GROUP))
			add_manager_group(b, p, vm, g);
	}
}

/* Into the partition, then everybody to his place. */
static void add_vm_threads(struct builder *b, const struct placement *p, const struct vm *vm)
{
	AUTO_FREE char *child = xasprintf("%s/" VCPUS_GROUP, p->cgroup ? p->cgroup : "");
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		if (!goes_into_partition(b, p, vm, t))
			continue;
		struct setting *s = add_thread(b, "thread.cgroup", t->tid, t->start,
			"into the group that becomes the partition");
		s->value = arena_strdup(b->arena, child);
	}
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		if (is_immovable(b, t->tid))
			continue;
		struct setting *s =
			add_thread(b, "thread.affinity", t->tid, t->start, why_there(t->role));
		const struct cpuset *place = place_of(b, p, t);
		s->value = list_text(b, place);
		if (place == b->free) /* trimmed by its group it is as well off */
			s->without = b->claimed;
		s->is_optional = t->role == ROLE_WORKER || t->role == ROLE_KVM;
	}
}

static const struct vm *find_vm(const struct builder *b, const struct placement *p)
{
	for (size_t i = 0; b->vms && i < b->vms->n_vms; i++)
		if (b->vms->vms[i].pid == p->pid && b->vms->vms[i].start == p->start)
			return &b->vms->vms[i];
	return NULL;
}

static bool is_vm_thread(const struct builder *b, const struct task *t)
{
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct vm *vm = find_vm(b, &b->placements[i]);
		for (size_t k = 0; vm && k < vm->n_threads; k++)
			if (vm->threads[k].tid == t->tid)
				return true;
	}
	return false;
}

/* True when the thread's mask is not the one that its group gives to everybody. */
static bool has_own_mask(const struct builder *b, const struct task *t)
{
	const struct cpuset *group = NULL;
	for (int g = t->cgroup; g >= 0 && !group; g = b->s->cgroups[g].parent)
		group = b->s->cgroups[g].effective;
	return t->allowed && !cpuset_equal(t->allowed, group ? group : &b->s->online_cpus);
}

/* In the group of a VM that no partition closes: virtiofsd, swtpm, or the shell that started it. */
static bool is_beside_vm(const struct builder *b, const struct task *t)
{
	for (size_t i = 0; t->cgroup > 0 && i < b->n_placements; i++) {
		const struct placement *p = &b->placements[i];
		if (p->level == LEVEL_FENCED && p->cgroup &&
			is_inside(b->s->cgroups[t->cgroup].path, p->cgroup))
			return true;
	}
	return false;
}

/*
 * Threads that no fence holds: kernel threads, what else is in the root group, and what shares the
 * group of a VM. And those whose mask somebody chose: kernels before 6.2 forget it at any change of
 * a cpuset, later ones rewrite the masks of kernel threads when a partition is made.
 */
static void add_other_thread(struct builder *b, const struct task *t)
{
	bool is_beside = is_beside_vm(b, t);
	struct setting *s;
	if (t->cgroup > 0 && !is_beside && !has_own_mask(b, t))
		return;
	if (task_is_kthread(t))
		s = add_thread(b, "kthread.affinity", t->tid, t->start,
			"a kernel thread that can be moved");
	else if (is_beside)
		s = add_thread(b, "thread.affinity", t->tid, t->start,
			"what shares a VM's group is in no fence");
	else
		s = add_thread(b, "task.affinity", t->tid, t->start,
			"keeps its own mask, off the claimed CPUs");
	take_out(b, s, b->claimed);
	s->is_optional = true;
}

static void add_other_threads(struct builder *b)
{
	for (size_t i = 0; i < b->s->n_tasks; i++) {
		const struct task *t = &b->s->tasks[i];
		if (!task_is_immovable(t) && t->allowed && !is_vm_thread(b, t))
			add_other_thread(b, t);
	}
}

static void add_partition(struct builder *b, const struct placement *p)
{
	AUTO_FREE char *child = xasprintf("%s/" VCPUS_GROUP, p->cgroup);
	struct setting *s = add(b, "cgroup.partition", child,
		"out of the scheduler's load balancing, and closed to everybody else");
	s->value = "isolated";
}

static bool needs(const struct builder *b, enum level level)
{
	for (size_t i = 0; i < b->n_placements; i++)
		if (b->placements[i].level >= level)
			return true;
	return false;
}

static void build(struct builder *b)
{
	bool is_fenced = needs(b, LEVEL_FENCED);
	if (is_fenced) {
		add_interrupts(b);
		add_fences(b);
	}
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct vm *vm = find_vm(b, &b->placements[i]);
		if (vm)
			add_manager_groups(b, &b->placements[i], vm);
	}
	for (size_t i = 0; i < b->n_placements; i++)
		if (b->placements[i].level == LEVEL_ISOLATED && find_vm(b, &b->placements[i]))
			add_vm_group(b, &b->placements[i]);
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct vm *vm = find_vm(b, &b->placements[i]);
		if (vm && b->placements[i].level >= LEVEL_PINNED)
			add_vm_threads(b, &b->placements[i], vm);
	}
	for (size_t i = 0; i < b->n_placements; i++)
		if (b->placements[i].level == LEVEL_ISOLATED && find_vm(b, &b->placements[i]))
			add_partition(b, &b->placements[i]);
	if (is_fenced)
		add_other_threads(b);
}

/* Claims count from level fenced on: a VM that is only pinned keeps nobody off its CPUs. */
static void sum_claims(struct builder *b)
{
	struct cpuset claimed = CPUSET_EMPTY;
	for (size_t i = 0; i < b->n_placements; i++)
		if (b->placements[i].level >= LEVEL_FENCED)
			claimed = cpuset_or(&claimed, &b->placements[i].claim_cpus);
	struct cpuset free_cpus = cpuset_minus(&b->s->online_cpus, &claimed);
	b->claimed = keep(b, &claimed);
	b->free = keep(b, &free_cpus);
}

struct settings *settings_for(const struct snapshot *s, const struct vms *vms,
	const struct placement *placements, size_t n)
{
	struct settings *settings = xcalloc(1, sizeof *settings);
	struct builder b = { .s = s,
		.vms = vms,
		.placements = placements,
		.n_placements = n,
		.arena = &settings->arena };
	sum_claims(&b);
	build(&b);
	settings->v = arena_dup(&settings->arena, b.list.v, b.list.n, sizeof *b.list.v);
	settings->n = b.list.n;
	free(b.list.v);
	return settings;
}

void settings_free(struct settings *s)
{
	arena_done(&s->arena);
	free(s);
}
