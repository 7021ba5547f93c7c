/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of cgroups, and of the systemd units that they belong to. */
#include <string.h>

#include "base/str.h"
#include "plan/settings-build.h"

/* Is it the root, or a group with a fenced VM in it? What is beside its way down gets a fence; a VM
 * that is only pinned keeps nobody off, and stays off itself. */
static bool is_on_the_way(const struct builder *b, const char *group)
{
	bool is_way = !*group;
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct placement *p = &b->placements[i];
		is_way |= p->level == LEVEL_FENCED && p->cgroup && *p->cgroup &&
			group_is_inside(p->cgroup, group);
	}
	return is_way;
}

static bool is_in_fenced_vm(const struct builder *b, const char *group)
{
	for (size_t i = 0; i < b->n_placements; i++)
		if (b->placements[i].level == LEVEL_FENCED && group_is_of(group, &b->placements[i]))
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
		if (g >= 0 && group_is_inside(b->s->cgroups[g].path, group))
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

/* The group's inode as id, where it is there already. */
static void identify(struct builder *b, struct setting *s, const char *group)
{
	int g = snapshot_cgroup(b->s, group);
	s->id = g < 0 ? NULL : inode_text(b, &b->s->cgroups[g]);
}

static void add_controller(
	struct builder *b, const struct placement *p, const char *group, const char *why)
{
	struct setting *s = builder_find(b, "cgroup.cpuset", group);
	if (!s) {
		s = builder_add(b, "cgroup.cpuset", group, why);
		identify(b, s, group);
	}
	builder_want(b, s, p, value_word("enabled"));
}

typedef void visit_fn(
	struct builder *b, const struct placement *p, const char *group, const char *why);

/* Calls for the group and all its ancestors below the root, from the top down. */
static void for_each_ancestor(struct builder *b, const struct placement *p, const char *path,
	visit_fn *visit, const char *why)
{
	for (const char *at = path; (at = strchr(at, '/')); at++) {
		AUTO_FREE char *group = xstrndup(path, (size_t)(at - path));
		visit(b, p, group, why);
	}
	visit(b, p, path, why);
}

/* Keeps everything in a group off the claimed CPUs. systemd's own property, where the group is
 * its; the cgroup's file either way: without systemd it is the setting, with it the proof. */
static void fence_group(struct builder *b, const struct cgroup *g)
{
	static const char why[] = "host services and other VMs stay off the claimed CPUs";
	const char *name = base_name(g->path);
	bool is_of_unit = b->s->has_systemd && is_unit(name);
	struct setting *s;
	if (is_of_unit) {
		s = builder_add(b, "unit.allowed_cpus", name, why);
		s->id = g->path;
		builder_fence(b, s, g->path);
		/* a list that is not by systemd is to become no wider by it */
		s->within = builder_name(b, "cgroup.cpus", g->path, inode_text(b, g));
	}
	s = builder_add(b, "cgroup.cpus", g->path, why);
	s->id = inode_text(b, g);
	s->is_in_use = has_tasks(b, g->path);
	if (is_of_unit) /* a unit that was started again was born with its property */
		s->by_other =
			builder_name(b, "unit.allowed_cpus", arena_strdup(b->arena, name), g->path);
	builder_fence(b, s, g->path);
}

/* For whoever needs fences: lets the children of the group, and of those above, have lists. */
static void add_controllers(struct builder *b, const char *group)
{
	static const char why[] = "lets groups have CPUs of their own";
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct placement *p = &b->placements[i];
		if (p->level != LEVEL_FENCED)
			continue;
		add_controller(b, p, "", why);
		if (*group)
			for_each_ancestor(b, p, group, add_controller, why);
	}
}

/* A fenced VM's own group, and there are others: what comes into it stays off their CPUs. */
static bool is_beside_others(const struct builder *b, const char *group)
{
	size_t n_inside = 0;
	bool is_own = false;
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct placement *p = &b->placements[i];
		if (p->level != LEVEL_FENCED || !p->cgroup || !*p->cgroup)
			continue;
		n_inside += group_is_inside(p->cgroup, group);
		is_own |= streq(p->cgroup, group);
	}
	return is_own && n_inside < b->n_fences;
}

/* The siblings along the way from the root to the VMs' groups, threaded ones too. */
void add_fences(struct builder *b)
{
	AUTO_FREE bool *has_controllers = xcalloc(b->s->n_cgroups + 1, sizeof *has_controllers);
	add_controllers(b, "");
	for (size_t i = 1; i < b->s->n_cgroups; i++) {
		const struct cgroup *g = &b->s->cgroups[i], *parent = &b->s->cgroups[g->parent];
		bool is_beside = is_on_the_way(b, parent->path) &&
			(!is_on_the_way(b, g->path) || is_beside_others(b, g->path));
		if (!is_beside || is_in_fenced_vm(b, parent->path))
			continue;
		if (is_unit(base_name(g->path)) || has_tasks(b, g->path)) {
			if (!has_controllers[g->parent])
				add_controllers(b, parent->path);
			has_controllers[g->parent] = true;
			fence_group(b, g);
		}
	}
}

static const struct cpuset *memory_nodes_of(struct builder *b)
{
	struct cpuset all = CPUSET_EMPTY;
	for (size_t i = 0; i < b->s->n_nodes; i++)
		if (b->s->nodes[i].has_memory || b->s->nodes[i].is_memory_unknown)
			cpuset_add(&all, b->s->nodes[i].node);
	return builder_keep(b, &all);
}

static void want_nodes(struct builder *b, const struct placement *p, struct setting *s)
{
	s->is_sole = true;
	s->all = memory_nodes_of(b);
	builder_want_cpus(b, s, p, &p->memory_nodes);
}

/* systemd's own property, where the group is its, and the cgroup's file, as a fence has them. */
void add_vm_memory(struct builder *b, const struct placement *p)
{
	static const char why[] = "the VM's memory beside its CPUs";
	AUTO_FREE char *group = unit_group_of(p->cgroup, b->s->has_systemd);
	int g = group ? snapshot_cgroup(b->s, group) : -1;
	struct setting *s;
	if (g <= 0 || cpuset_is_empty(&p->memory_nodes))
		return;
	const struct cgroup *own = &b->s->cgroups[g];
	const char *name = base_name(own->path);
	add_controller(b, p, "", "lets groups have nodes of their own");
	if (own->parent > 0)
		for_each_ancestor(b, p, b->s->cgroups[own->parent].path, add_controller,
			"lets groups have nodes of their own");
	if (b->s->has_systemd) {
		s = builder_add(b, "unit.memory_nodes", name, why);
		s->id = own->path;
		want_nodes(b, p, s);
	}
	s = builder_add(b, "cgroup.mems", own->path, why);
	s->id = inode_text(b, own);
	s->is_in_use = has_tasks(b, own->path);
	if (b->s->has_systemd)
		s->by_other = builder_name(
			b, "unit.memory_nodes", arena_strdup(b->arena, name), own->path);
	want_nodes(b, p, s);
}

/* What a group passes down exclusively: the claims of all isolated VMs inside. */
static void add_exclusive(
	struct builder *b, const struct placement *p, const char *group, const char *why)
{
	struct setting *s = builder_find(b, "cgroup.exclusive", group);
	if (!s) {
		s = builder_add(b, "cgroup.exclusive", group, why);
		identify(b, s, group);
	}
	builder_want_cpus(b, s, p, &p->claim_cpus);
}

/* The VM's scope or service, handed to us by systemd, with a threaded child for the vCPUs. */
void add_vm_group(struct builder *b, const struct placement *p)
{
	const char *unit = base_name(p->cgroup);
	AUTO_FREE char *child = xasprintf("%s/" VCPUS_GROUP, p->cgroup);
	struct setting *s;
	if (b->s->has_systemd &&
		(str_has_suffix(unit, ".scope") || str_has_suffix(unit, ".service"))) {
		s = builder_add(b, "unit.delegate", unit,
			"systemd leaves what is made below the VM's unit alone");
		s->id = arena_strdup(b->arena, p->cgroup);
		builder_want(b, s, p, value_word("yes"));
	}
	add_controller(b, p, "", "lets groups have CPUs of their own");
	for_each_ancestor(
		b, p, p->cgroup, add_controller, "the partition's way down from the root");
	s = builder_add(b, "cgroup.dir", child, "a group for the vCPU threads");
	builder_want(b, s, p, value_word("present"));
	s = builder_add(b, "cgroup.type", child, "threads of one process in groups of their own");
	builder_want(b, s, p, value_word("threaded"));
	for_each_ancestor(b, p, p->cgroup, add_exclusive, "CPUs handed down to the partition");
	add_exclusive(b, p, child, "the CPUs of the partition");
}

static void add_manager_group(
	struct builder *b, const struct placement *p, const struct vm *vm, const struct cgroup *g)
{
	struct cpuset places = CPUSET_EMPTY;
	bool has_place = false;
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		if (!t->cgroup || !streq(t->cgroup, g->path) ||
			thread_goes_into_partition(b, p, vm, t))
			continue;
		const struct cpuset *place = thread_place(b, p, t);
		places = cpuset_or(&places, place);
		has_place |= !is_housekeeping(b, place);
	}
	if (!has_place && !b->wanted.n)
		return;
	struct setting *s = builder_add(b, "cgroup.cpus", g->path,
		"the VM's manager gave its threads CPUs that are not their place");
	s->id = inode_text(b, g);
	s->is_in_use = has_tasks(b, g->path);
	s->is_sole = has_place;
	if (has_place)
		builder_want_cpus(b, s, p, &places);
	else
		builder_take_out(b, s);
}

/* libvirt makes groups for a VM's threads, with the CPUs of its own pins: these must hold the
 * places of the threads that stay there, and not what becomes a partition beside them. */
void add_manager_groups(struct builder *b, const struct placement *p, const struct vm *vm)
{
	for (size_t i = 1; i < b->s->n_cgroups; i++) {
		const struct cgroup *g = &b->s->cgroups[i];
		bool is_below = group_is_of(g->path, p) && !streq(g->path, p->cgroup);
		if (is_below && g->cpus && *g->cpus && !streq(base_name(g->path), VCPUS_GROUP))
			add_manager_group(b, p, vm, g);
	}
}

void add_partition(struct builder *b, const struct placement *p)
{
	AUTO_FREE char *child = xasprintf("%s/" VCPUS_GROUP, p->cgroup);
	bool has_spare = !cpuset_is_empty(&p->spare_cpus);
	struct setting *s = builder_add(b, "cgroup.partition", child,
		has_spare ? "closed to everybody else; inside the scheduler balances over the "
			    "spare CPUs"
			  : "out of the scheduler's load balancing, and closed to everybody else");
	builder_want(b, s, p, value_word(has_spare ? "root" : "isolated"));
}
