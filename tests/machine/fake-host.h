/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts and VMs out of thin air, for tests of what is a pure function of them. */
#pragma once

#include <string.h>

#include "base/alloc.h"
#include "model/snapshot.h"
#include "plan/plan.h"
#include "shape.h"
#include "vm/vm.h"

#define UNUSED __attribute__((unused))

struct fake_host {
	struct snapshot s;
	struct vms vms;
	size_t max_vms; /* 0: 64 */
};

static struct cpuset cpus(const char *list)
{
	struct cpuset set = CPUSET_EMPTY;
	if (cpuset_parse_list(list, &set) < 0)
		abort();
	return set;
}

/* A set as text; lives as long as the host. */
UNUSED static const char *list_of(struct fake_host *h, const struct cpuset *set)
{
	AUTO_FREE char *text = cpuset_format_list(set);
	return arena_strdup(&h->s.arena, text);
}

/* Siblings are n and n + 12, n and n + 16. */
static const struct shape two_sockets = { 2, 1, 1, 6, 2, true };
static const struct shape two_l3s = { 1, 1, 2, 8, 2, true };

/* A host with cgroup v2 on a recent kernel. */
UNUSED static struct fake_host *fake_host(struct shape shape)
{
	struct fake_host *h = xcalloc(1, sizeof *h);
	struct snapshot *s = &h->s;
	struct shape_layout l;
	shape_lay_out(&l, &shape);
	s->n_cores = (size_t)l.n_cores;
	s->n_l3s = shape.l3s ? (size_t)l.n_l3s : 0;
	s->n_nodes = (size_t)l.n_nodes;
	s->n_sockets = (size_t)shape.sockets;
	s->cpus = arena_alloc(&s->arena, l.cpus.n * sizeof *s->cpus);
	s->cores = arena_alloc(&s->arena, s->n_cores * sizeof *s->cores);
	s->l3s = arena_alloc(&s->arena, s->n_l3s * sizeof *s->l3s);
	/* one more, see fake_memory_node() */
	s->nodes = arena_alloc(&s->arena, (s->n_nodes + 1) * sizeof *s->nodes);
	s->sockets = arena_alloc(&s->arena, s->n_sockets * sizeof *s->sockets);
	s->online_cpus = l.online;
	s->present_cpus = l.present;
	array_for_each (c, &l.cpus) {
		s->cpus[s->n_cpus++] = (struct cpu){ c->nr, c->core, c->l3, c->node, c->socket,
			CPU_UNIFORM, true, false };
		s->cores[c->core] = (struct core){ .cpus = l.of_core[c->core],
			.l3 = c->l3,
			.node = c->node,
			.socket = c->socket };
		if (c->l3 >= 0)
			s->l3s[c->l3] =
				(struct l3_domain){ .cpus = l.of_l3[c->l3], .node = c->node };
	}
	for (int i = 0; i < l.n_nodes; i++)
		s->nodes[i] = (struct node){ .node = i, .cpus = l.of_node[i], .has_memory = true };
	for (int i = 0; i < shape.sockets; i++)
		s->sockets[i].cpus = l.of_socket[i];
	shape_done(&l);
	s->cgroups = arena_alloc(&s->arena, 64 * sizeof *s->cgroups); /* the root, and room */
	s->cgroups[s->n_cgroups++] = (struct cgroup){ .path = "", .parent = -1, .inode = 1 };
	s->has_cpuset = s->has_remote_partitions = true;
	return h;
}

UNUSED static void fake_offline(struct fake_host *h, int number)
{
	struct snapshot *s = &h->s;
	cpuset_remove(&s->online_cpus, number);
	for (size_t i = 0; i < s->n_cores; i++)
		cpuset_remove(&s->cores[i].cpus, number);
	for (size_t i = 0; i < s->n_l3s; i++)
		cpuset_remove(&s->l3s[i].cpus, number);
	for (size_t i = 0; i < s->n_nodes; i++)
		cpuset_remove(&s->nodes[i].cpus, number);
	for (size_t i = 0; i < s->n_cpus; i++)
		if (s->cpus[i].cpu == number)
			s->cpus[i] =
				(struct cpu){ number, -1, -1, -1, -1, CPU_UNIFORM, false, false };
}

/* Adds a node without CPUs. */
UNUSED static void fake_memory_node(struct fake_host *h)
{
	h->s.nodes[h->s.n_nodes] = (struct node){ .node = (int)h->s.n_nodes, .has_memory = true };
	h->s.n_nodes++;
}

UNUSED static void fake_kind(struct fake_host *h, const char *list, enum cpu_kind kind)
{
	struct cpuset set = cpus(list);
	for (size_t i = 0; i < h->s.n_cpus; i++)
		if (cpuset_has(&set, h->s.cpus[i].cpu))
			h->s.cpus[i].kind = kind;
}

UNUSED static void fake_boot_isolated(struct fake_host *h, const char *list)
{
	h->s.boot_isolated_cpus = h->s.isolated_cpus = cpus(list);
}

/* A VM in its own scope, with at most 64 vCPUs and 8 I/O threads; max_vms of them at most. */
UNUSED static struct vm *fake_vm(
	struct fake_host *h, const char *id, int n_vcpus, int guest_threads, int n_iothreads)
{
	struct arena *a = &h->vms.arena;
	size_t max_vms = h->max_vms ? h->max_vms : 64;
	if (!h->vms.vms)
		h->vms.vms = arena_alloc(a, max_vms * sizeof *h->vms.vms);
	if (h->vms.n_vms == max_vms)
		abort();
	struct vm *vm = &h->vms.vms[h->vms.n_vms++];
	int pid = 1000 * (int)h->vms.n_vms;
	*vm = (struct vm){ .id = arena_strdup(a, id), .manager = "qemu", .pid = pid, .start = 7 };
	vm->cgroup = arena_printf(a, "qemu.slice/%s.scope", id);
	vm->n_vcpus = n_vcpus;
	vm->guest_threads = guest_threads;
	vm->threads = arena_alloc(a, 80 * sizeof *vm->threads);
	for (int i = 0; i < n_vcpus; i++)
		vm->threads[vm->n_threads++] = (struct vm_thread){ .tid = pid + 1 + i,
			.start = (uint64_t)pid,
			.role = ROLE_VCPU,
			.index = i,
			.guest_socket = 0,
			.guest_core = i / guest_threads,
			.guest_thread = i % guest_threads };
	vm->threads[vm->n_threads++] = (struct vm_thread){ .tid = pid,
		.role = ROLE_EMULATOR,
		.index = -1,
		.guest_socket = -1,
		.guest_core = -1,
		.guest_thread = -1 };
	for (int i = 0; i < n_iothreads; i++)
		vm->threads[vm->n_threads++] = (struct vm_thread){ .tid = pid + 100 + i,
			.role = ROLE_IOTHREAD,
			.index = -1,
			.id = arena_printf(a, "io%d", i) };
	return vm;
}

UNUSED static void fake_free(struct fake_host *h)
{
	arena_done(&h->s.arena);
	arena_done(&h->vms.arena);
	free(h);
}

UNUSED static struct policy *fake_policy(const char *text)
{
	struct policy *p = policy_new();
	struct err e = { 0 };
	if (policy_add_text(p, "p", text, &e) < 0 || policy_check(p, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
	return p;
}

/* Places all VMs, or the first n of them. */
UNUSED static int fake_place(struct fake_host *h, const char *policy_text, size_t n_wanted,
	const struct placements *in_force, struct placements **ret, struct err *e)
{
	AUTO_POLICY struct policy *policy = fake_policy(policy_text);
	size_t wanted[64], n = n_wanted < h->vms.n_vms ? n_wanted : h->vms.n_vms;
	for (size_t i = 0; i < n; i++)
		wanted[i] = i;
	return place_vms(&h->s, &h->vms, policy, wanted, n, in_force ? in_force->v : NULL,
		in_force ? in_force->n : 0, ret, e);
}
