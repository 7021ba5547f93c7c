/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts and VMs out of thin air, for tests of what is a pure function of them. */
#pragma once

#include <string.h>

#include "base/alloc.h"
#include "model/snapshot.h"
#include "plan/plan.h"
#include "vm/vm.h"

#define UNUSED __attribute__((unused))

struct fake_host {
	struct snapshot s;
	struct vms vms;
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

struct shape {
	int sockets, nodes, l3s, cores; /* of the next larger part; l3s 0: no L3 */
	int threads;
	bool is_interleaved; /* siblings are numbered n and n + cores, not n and n + 1 */
};

static void add_cpu(struct snapshot *s, int number, int core, int l3, int node, int socket)
{
	s->cpus[s->n_cpus++] =
		(struct cpu){ number, core, l3, node, socket, CPU_UNIFORM, true, false };
	cpuset_add(&s->present_cpus, number);
	cpuset_add(&s->online_cpus, number);
	cpuset_add(&s->cores[core].cpus, number);
	cpuset_add(&s->nodes[node].cpus, number);
	cpuset_add(&s->sockets[socket].cpus, number);
	if (l3 >= 0)
		cpuset_add(&s->l3s[l3].cpus, number);
}

/* A host with cgroup v2 on a recent kernel. */
UNUSED static struct fake_host *fake_host(struct shape shape)
{
	struct fake_host *h = xcalloc(1, sizeof *h);
	struct snapshot *s = &h->s;
	int l3s = shape.l3s ? shape.l3s : 1;
	size_t n_nodes = (size_t)(shape.sockets * shape.nodes), n_l3s = n_nodes * (size_t)l3s;
	size_t n_cores = n_l3s * (size_t)shape.cores;
	s->cpus = arena_alloc(&s->arena, n_cores * (size_t)shape.threads * sizeof *s->cpus);
	s->cores = arena_alloc(&s->arena, n_cores * sizeof *s->cores);
	s->l3s = arena_alloc(&s->arena, n_l3s * sizeof *s->l3s);
	/* one more, see fake_memory_node() */
	s->nodes = arena_alloc(&s->arena, (n_nodes + 1) * sizeof *s->nodes);
	s->sockets = arena_alloc(&s->arena, (size_t)shape.sockets * sizeof *s->sockets);
	s->n_cores = n_cores;
	s->n_l3s = shape.l3s ? n_l3s : 0;
	s->n_nodes = n_nodes;
	s->n_sockets = (size_t)shape.sockets;
	for (int t = 0; t < shape.threads; t++)
		for (int c = 0; c < (int)n_cores; c++) {
			int number =
				shape.is_interleaved ? t * (int)n_cores + c : c * shape.threads + t;
			int l3 = c / shape.cores, node = l3 / l3s, socket = node / shape.nodes;
			s->nodes[node].node = node;
			s->cores[c].l3 = shape.l3s ? l3 : -1;
			s->cores[c].node = node;
			s->cores[c].socket = socket;
			if (shape.l3s)
				s->l3s[l3].node = node;
			add_cpu(s, number, c, s->cores[c].l3, node, socket);
		}
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

/* A VM in its own scope, with at most 64 vCPUs and 8 I/O threads. */
UNUSED static struct vm *fake_vm(
	struct fake_host *h, const char *id, int n_vcpus, int guest_threads, int n_iothreads)
{
	enum { MAX_VMS = 64 };
	struct arena *a = &h->vms.arena;
	if (!h->vms.vms)
		h->vms.vms = arena_alloc(a, MAX_VMS * sizeof *h->vms.vms);
	if (h->vms.n_vms == MAX_VMS)
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
