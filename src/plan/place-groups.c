/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's vCPUs in groups (see place.h), by part. */
#include "base/alloc.h"
#include "plan/place.h"
#include "vm/vm.h"

/* Only then do guest siblings exist, and are known. */
static bool has_guest_siblings(const struct request *req)
{
	if (req->vm->guest_threads < 2 || req->wish.cores == CORES_ONE_THREAD)
		return false;
	for (size_t i = 0; i < req->n_vcpus; i++)
		if (req->vcpus[i]->guest_core < 0)
			return false;
	return true;
}

static bool is_same_guest_core(const struct vm_thread *a, const struct vm_thread *b)
{
	return a->guest_socket == b->guest_socket && a->guest_core == b->guest_core;
}

struct by_core {
	const struct request *req;
	bool is_smt;
};

static int part_of(const struct request *req, int i)
{
	return req->n_parts ? req->part_of[i] : 0;
}

static int by_part_and_core(const void *a, const void *b, void *context)
{
	const struct by_core *by = context;
	int i = *(const int *)a, k = *(const int *)b, d = part_of(by->req, i) - part_of(by->req, k);
	const struct vm_thread *x = by->req->vcpus[i], *y = by->req->vcpus[k];
	if (!d && by->is_smt) {
		d = x->guest_socket - y->guest_socket;
		d = d ? d : x->guest_core - y->guest_core;
		d = d ? d : x->guest_thread - y->guest_thread;
	}
	return d ? d : x->index - y->index;
}

/* Of a part, large groups first: they are the ones that need cores with many threads. */
static int by_part_and_size(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return x->first < y->first ? -1 : 1;
}

/* Whether the i-th in the order is the first of its group. */
static bool begins_group(const struct request *req, size_t i, size_t n_known, bool is_smt)
{
	const int *at = &req->order[i];
	/* No core of the spare CPUs is a vCPU's. */
	if (i == 0 || (req->n_spare && i == req->n_cpus - req->n_spare))
		return true;
	if (i >= n_known)
		return is_smt && i == n_known;
	return part_of(req, at[-1]) != part_of(req, at[0]) ||
		(is_smt && !is_same_guest_core(req->vcpus[at[-1]], req->vcpus[at[0]]));
}

void place_group_vcpus(struct planner *p, struct request *req)
{
	size_t n_wanted = req->n_cpus - req->n_spare;
	size_t n_known = n_wanted < req->n_vcpus ? n_wanted : req->n_vcpus;
	struct by_core by = { req, has_guest_siblings(req) };
	n_known = req->is_guess ? 0 : n_known;
	req->order = arena_alloc(&p->scratch, (req->n_cpus + 1) * sizeof *req->order);
	req->groups = arena_alloc(&p->scratch, (req->n_cpus + 1) * sizeof *req->groups);
	req->n_groups = 0;
	for (size_t i = 0; i < req->n_cpus; i++)
		req->order[i] = i < n_known ? (int)i : -1;
	if (by.is_smt || req->n_parts)
		qsort_r(req->order, n_known, sizeof *req->order, by_part_and_core, &by);
	for (size_t i = 0; i < req->n_cpus; i++) {
		size_t last = req->n_parts ? req->n_parts - 1 : 0;
		if (begins_group(req, i, n_known, by.is_smt))
			req->groups[req->n_groups++] = (struct group){ .first = i,
				.part = i < n_known ? (size_t)part_of(req, req->order[i]) : last };
		req->groups[req->n_groups - 1].n++;
	}
	if (req->n_groups)
		qsort(req->groups, req->n_groups, sizeof *req->groups, by_part_and_size);
}

void place_split(struct planner *p, struct request *req, size_t n_parts)
{
	if (req->n_parts || n_parts) {
		req->n_parts = n_parts;
		place_group_vcpus(p, req);
	}
}
