/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else was seen on a VM's CPUs, and whose thread that is. */
#include <string.h>

#include "base/str.h"
#include "measure/internal.h"
#include "model/snapshot.h"

static const struct vm_thread *thread_of(const struct vm *vm, int tid)
{
	for (size_t i = 0; i < vm->n_threads; i++)
		if (vm->threads[i].tid == tid)
			return &vm->threads[i];
	return NULL;
}

/* The VM that the thread belongs to; kernel threads that serve a VM are among its threads but not
 * in its process. */
static const struct vm *vm_of(const struct vms *vms, const struct seen_thread *s)
{
	for (size_t i = 0; i < vms->n_vms; i++)
		if (vms->vms[i].pid == s->pid || thread_of(&vms->vms[i], s->tid))
			return &vms->vms[i];
	return NULL;
}

static const char *own_class(const struct vm *vm, int tid)
{
	static const char *const classes[N_ROLES] = {
		[ROLE_VCPU] = "own-vcpu",
		[ROLE_EMULATOR] = "own-emulator",
		[ROLE_IOTHREAD] = "own-iothread",
		[ROLE_VHOST] = "own-vhost",
		[ROLE_WORKER] = "own-worker",
		[ROLE_KVM] = "own-kvm",
		[ROLE_HELPER] = "own-helper",
	};
	const struct vm_thread *t = thread_of(vm, tid);
	return t ? classes[t->role] : "own-worker";
}

/* "kworker/u16:2-events_unbound" (runs it, or ran it last: '+' or '-') → "events_unbound" */
static const char *function_of(const char *comm)
{
	const char *colon = strchr(comm, ':');
	const char *sign = colon ? strpbrk(colon, "+-") : NULL;
	return sign && sign[1] ? sign + 1 : NULL;
}

static void classify(const struct accounting *acc, const struct vm *vm, const struct seen_thread *s,
	struct foreign *f)
{
	const struct vm *owner = vm_of(acc->vms, s);
	const char *name = NULL;
	if (owner == vm) {
		f->class = own_class(vm, s->tid);
	} else if (owner) {
		f->class = "vm";
		name = owner->id;
	} else if (!(s->flags & PF_KTHREAD_FLAG)) {
		f->class = "process"; /* its cgroup is filled in where the host is at hand */
	} else if (str_after(s->comm, "kworker/")) {
		f->class = "kworker";
		name = function_of(s->comm);
	} else {
		f->class = "kthread";
	}
	f->owner = arena_strdup(&acc->m->arena, name);
}

static int most_run_first(const void *a, const void *b)
{
	const struct foreign *x = a, *y = b;
	if (x->run_ns != y->run_ns)
		return x->run_ns > y->run_ns ? -1 : 1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

void account_foreign(const struct accounting *acc, const struct vm *vm, struct measured_vm *v)
{
	ARRAY(struct foreign) all = { 0 };
	array_for_each (s, &acc->witness->threads) {
		if (!s->cpus || !cpuset_intersects(s->cpus, &v->cpus))
			continue;
		const struct vm_thread *own = thread_of(vm, s->tid);
		if (own && own->role == ROLE_VCPU)
			continue;
		struct foreign *f = array_push(&all);
		f->pid = s->pid;
		f->tid = s->tid;
		f->comm = arena_strdup(&acc->m->arena, s->comm);
		f->seen_cpus = cpuset_and(s->cpus, &v->cpus);
		f->run_ns = seen_run_ns(s);
		f->n_looks = s->n_ran;
		classify(acc, vm, s, f);
	}
	if (all.n)
		qsort(all.v, all.n, sizeof *all.v, most_run_first);
	v->foreign = arena_dup(&acc->m->arena, all.v, all.n, sizeof *all.v);
	v->n_foreign = all.n;
	free(all.v);
}
