/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs a VM is offered, and the commands that give it these. */
#include "check/internal.h"

/* ---- which ---- */

/* Adds what the group has of 'from' until there are n: one thread of each whole core, then their
 * others, then what is left of cores that somebody else has a part of. */
static void take(const struct snapshot *s, const struct cpuset *group, const struct cpuset *from,
	int n, struct cpuset *ret)
{
	struct cpuset rest = cpuset_and(group, from);
	for (int pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < s->n_cores; i++) {
			const struct cpuset *core = &s->cores[i].cpus;
			if (pass < 2 && !cpuset_is_subset(core, &rest))
				continue;
			cpuset_for_each (cpu, core) {
				if (cpuset_has(&rest, cpu) && cpuset_count(ret) < n)
					cpuset_add(ret, cpu);
				if (pass == 0)
					break;
			}
		}
}

static struct cpuset choose_among(const struct snapshot *s, const struct cpuset *from, int n)
{
	struct cpuset r = CPUSET_EMPTY;
	for (size_t i = 0; i < s->n_l3s; i++) {
		r = CPUSET_EMPTY;
		take(s, &s->l3s[i].cpus, from, n, &r);
		if (cpuset_count(&r) == n)
			return r;
	}
	for (size_t i = 0; i < s->n_nodes; i++) {
		r = CPUSET_EMPTY;
		take(s, &s->nodes[i].cpus, from, n, &r);
		if (cpuset_count(&r) == n)
			return r;
	}
	r = CPUSET_EMPTY;
	take(s, from, from, n, &r);
	return cpuset_count(&r) == n ? r : CPUSET_EMPTY;
}

/* CPUs like those that it has; where these are of several kinds, like the fast ones. */
static struct cpuset like_its(const struct snapshot *s, const struct check_vm *v)
{
	const struct cpu *first = snapshot_cpu(s, cpuset_first(&v->vcpu_cpus));
	enum cpu_kind kind = first ? first->kind : CPU_UNIFORM;
	struct cpuset like = CPUSET_EMPTY;
	for (size_t i = 0; i < s->n_cpus; i++)
		if (cpuset_has(&v->vcpu_cpus, s->cpus[i].cpu) && s->cpus[i].kind == CPU_PERFORMANCE)
			kind = CPU_PERFORMANCE;
	for (size_t i = 0; i < s->n_cpus; i++)
		if (!first || s->cpus[i].kind == kind)
			cpuset_add(&like, s->cpus[i].cpu);
	return like;
}

static struct cpuset l3s_of(const struct snapshot *s, const struct cpuset *cpus)
{
	struct cpuset all = CPUSET_EMPTY;
	for (size_t i = 0; i < s->n_l3s; i++)
		if (cpuset_intersects(&s->l3s[i].cpus, cpus))
			cpuset_add_all(&all, &s->l3s[i].cpus);
	return all;
}

static struct cpuset all_of_nodes(const struct snapshot *s, const struct cpuset *nodes)
{
	struct cpuset all = CPUSET_EMPTY;
	for (size_t i = 0; i < s->n_nodes; i++)
		if (cpuset_has(nodes, s->nodes[i].node))
			cpuset_add_all(&all, &s->nodes[i].cpus);
	return all;
}

/* Without those that the VM's group does not let it have (libvirt sets its groups itself), and
 * those that another VM is offered. */
static struct cpuset open_to(
	const struct checking *c, const struct check_vm *v, const struct cpuset *from)
{
	struct cpuset like = like_its(c->s, v), open = cpuset_and(from, &like);
	if (!is_libvirt(v))
		open = within_group(c->s, &open, v->vm->cgroup);
	array_for_each (o, &c->offers)
		if (o->to != v)
			cpuset_remove_all(&open, &o->cpus);
	return open;
}

struct cpuset choose_cpus(
	const struct checking *c, const struct check_vm *v, const struct cpuset *from, int n)
{
	struct cpuset all = open_to(c, v, from), first = cpuset_of(0);
	if (!cpuset_has(&v->vcpu_cpus, 0)) /* cpu0-for-vm would be next */
		cpuset_remove(&all, 0);
	first = whole_cores(c->s, &first);
	struct cpuset others = cpuset_minus(&all, &first);
	const struct cpuset near[] = { l3s_of(c->s, &v->vcpu_cpus), all_of_nodes(c->s, &v->nodes) };
	struct cpuset r = CPUSET_EMPTY;
	for (size_t i = 0; i < N_ELEMENTS(near) && cpuset_is_empty(&r); i++) {
		struct cpuset there = cpuset_and(&others, &near[i]);
		r = choose_among(c->s, &there, n);
	}
	r = cpuset_is_empty(&r) ? choose_among(c->s, &others, n) : r;
	return cpuset_is_empty(&r) ? choose_among(c->s, &all, n) : r;
}

void offered(struct checking *c, const struct check_vm *v, const struct cpuset *cpus)
{
	if (!cpuset_is_empty(cpus))
		*array_push(&c->offers) = (struct offer){ v, *cpus };
}

const struct cpuset *offer_of(const struct checking *c, const struct check_vm *v)
{
	const struct cpuset *last = NULL;
	array_for_each (o, &c->offers)
		last = o->to == v ? &o->cpus : last;
	return last;
}

struct cpuset offer_cpus(struct checking *c, const struct check_vm *v, const struct cpuset *from)
{
	array_for_each (o, &c->offers)
		if (o->to == v && cpuset_is_subset(&o->cpus, from))
			return o->cpus;
	struct cpuset cpus = choose_cpus(c, v, from, v->n_vcpus);
	offered(c, v, &cpus);
	return cpus;
}

/* ---- the commands ---- */

/* Each vCPU on one CPU of the set, in order. */
static void pin_vcpus(
	struct checking *c, struct finding *f, const struct check_vm *v, const struct cpuset *cpus)
{
	int cpu = cpuset_first(cpus);
	for (size_t i = 0; i < v->vm->n_threads && cpu >= 0; i++) {
		const struct vm_thread *t = &v->vm->threads[i];
		if (t->role != ROLE_VCPU)
			continue;
		if (is_libvirt(v))
			do_this(c, f, "virsh vcpupin %s %d %d --live --config", name_of(c, v),
				t->index, cpu);
		else
			do_this(c, f, "taskset -pc %d %d", cpu, t->tid);
		cpu = cpuset_next(cpus, cpu + 1);
	}
}

void give_cpus(
	struct checking *c, struct finding *f, const struct check_vm *v, const struct cpuset *cpus)
{
	bool has_affinity = v->vm->config && v->vm->config->affinity;
	if (has_affinity && !cpuset_is_empty(cpus))
		do_this(c, f, "qm set %s --affinity %s", v->vm->id, list_of(c, cpus));
	pin_vcpus(c, f, v, cpus);
}

/* libvirt holds each I/O thread in a group of its own, and all other threads but vCPUs in one. */
static void virsh_pin(struct checking *c, struct finding *f, const struct check_vm *v,
	const struct vm_thread *t, const struct cpuset *cpus)
{
	int id;
	const char *number = t->id ? str_after(t->id, "iothread") : NULL;
	bool is_iothread = t->role == ROLE_IOTHREAD && number && str_to_int(number, &id) == 0;
	const char *command = is_iothread ? say(c, "virsh iothreadpin %s %d %s --live --config",
						    name_of(c, v), id, list_of(c, cpus))
					  : say(c, "virsh emulatorpin %s %s --live --config",
						    name_of(c, v), list_of(c, cpus));
	array_for_each (old, &f->commands)
		if (streq(*old, command))
			return;
	do_this(c, f, "%s", command);
}

void pin_threads(struct checking *c, struct finding *f, const struct check_vm *v,
	const struct vm_thread *const *threads, size_t n, const struct cpuset *cpus)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	for (size_t i = 0; i < n; i++) {
		struct cpuset to = within_group(c->s, cpus, threads[i]->cgroup);
		if (is_libvirt(v))
			virsh_pin(c, f, v, threads[i], cpus);
		else if (threads[i]->role != ROLE_EMULATOR && cpuset_equal(&to, cpus))
			strbuf_printf(&b, " %d", threads[i]->tid);
		else if (!cpuset_is_empty(&to))
			do_this(c, f, "taskset -pc %s %d", list_of(c, &to), threads[i]->tid);
	}
	if (b.n)
		do_this(c, f, "for t in%s; do taskset -pc %s $t; done", b.s, list_of(c, cpus));
}
