/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "host/host.h"
#include "kernel/numa-maps.h"
#include "kernel/task-status.h"
#include "vm/config.h"
#include "vm/vm.h"

/* By node, then by page size. */
static void set_nodes(struct arena *a, struct vm_memory *m, const struct numa_memory *memory)
{
	struct memory_node *node = NULL;
	for (size_t i = 0; i < memory->n; i++) {
		const struct numa_pages *p = &memory->v[i];
		if (!node || node->node != p->node) {
			node = list_push(a, &m->nodes);
			*node = (struct memory_node){ .node = p->node };
		}
		node->kib += p->kib;
		if (p->page_kib)
			*list_push(a, &node->pages) = (struct memory_pages){ p->page_kib, p->kib };
	}
}

static void read_maps(struct host *h, struct arena *a, const struct vm *vm, struct vm_memory *m)
{
	AUTO_FREE char *text = NULL;
	struct numa_memory memory;
	if (host_read(h, &text, NULL, "proc/%d/numa_maps", vm->pid) < 0)
		return;
	numa_maps_parse(a, text, &memory);
	set_nodes(a, m, &memory);
	m->policy = memory.policy;
	m->source = "numa_maps";
}

static void read_cgroup(struct host *h, struct arena *a, const struct vm *vm, struct vm_memory *m)
{
	static const char mount[] = "sys/fs/cgroup"; /* the memory controller is nowhere else */
	AUTO_FREE char *text = NULL;
	struct numa_memory memory;
	if (host_read(h, &text, NULL, "%s/%s/memory.numa_stat", mount, vm->cgroup) < 0)
		return;
	numa_stat_parse(a, text, &memory);
	set_nodes(a, m, &memory);
	m->source = "cgroup";
}

static bool has_own_cgroup(const struct vms *v, const struct vm *vm)
{
	if (!vm->cgroup || !*vm->cgroup)
		return false;
	for (size_t i = 0; i < v->n_vms; i++) {
		const struct vm *other = &v->vms[i];
		const char *below =
			other != vm && other->cgroup ? str_after(other->cgroup, vm->cgroup) : NULL;
		if (below && (!*below || *below == '/'))
			return false;
	}
	return true;
}

static void read_status(struct host *h, struct arena *a, const struct vm *vm, struct vm_memory *m)
{
	AUTO_FREE char *text = NULL;
	struct task_status s;
	if (host_read(h, &text, NULL, "proc/%d/status", vm->pid) < 0)
		return;
	task_status_parse(text, &s);
	m->locked_kib = s.locked_kib;
	m->hugetlb_kib = s.hugetlb_kib;
	if (s.has_mems)
		m->mems_allowed = arena_dup(a, &s.mems_allowed, 1, sizeof s.mems_allowed);
}

void vm_memory_read(
	struct host *h, struct vms *v, const struct vm *vm, bool is_exact, struct vm_memory *ret)
{
	*ret = (struct vm_memory){ .locked_kib = -1, .hugetlb_kib = -1 };
	read_status(h, &v->arena, vm, ret);
	if (is_exact)
		read_maps(h, &v->arena, vm, ret);
	else if (ret->hugetlb_kib <= 0 && has_own_cgroup(v, vm))
		read_cgroup(h, &v->arena, vm, ret);
}
