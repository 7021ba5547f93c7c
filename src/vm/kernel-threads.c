/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel threads that serve one VM each. */
#include <stdlib.h>

#include "base/str.h"
#include "vm/provider.h"

/* "kvm-pit/3085", "vhost-3085" (a thread of QEMU itself since 6.4) and, since 5.17 shows the
 * whole name, "kvm-nx-lpage-recovery-3085": the number, or 0. */
static int pid_of_name(const char *comm)
{
	static const char *const prefixes[] = { "kvm-pit/", "vhost-", "kvm-nx-lpage-recovery-" };
	int pid;
	for (size_t i = 0; i < N_ELEMENTS(prefixes); i++) {
		const char *number = str_after(comm, prefixes[i]);
		if (number && str_to_int(number, &pid) == 0)
			return pid;
	}
	return 0;
}

/* The only VM of each group, by the group's index. */
struct lone {
	struct vm_draft *d;
	size_t n;
};

static struct lone *lone_vms(struct vm_search *f)
{
	struct lone *lone = xcalloc(f->s->n_cgroups + 1, sizeof *lone);
	array_for_each (d, &f->drafts) {
		int cgroup = d->is_dropped ? -1 : vm_domain_cgroup(f->s, d->task);
		if (cgroup < 0)
			continue;
		lone[cgroup].d = d;
		lone[cgroup].n++;
	}
	return lone;
}

/* A "kvm-nx-lpage-re" whose name was cut: the kernel put it into the cgroup of its VM. */
static struct vm_draft *draft_by_cgroup(
	struct vm_search *f, const struct lone *lone, const struct task *t)
{
	int cgroup = vm_domain_cgroup(f->s, t);
	if (!str_after(t->comm, "kvm-nx-lpage-re") || cgroup < 0)
		return NULL;
	return lone[cgroup].n == 1 ? lone[cgroup].d : NULL;
}

void vm_kernel_threads(struct vm_search *f)
{
	AUTO_FREE struct lone *lone = lone_vms(f);
	for (size_t i = 0; i < f->s->n_tasks; i++) {
		const struct task *task = &f->s->tasks[i];
		if (!task_is_kthread(task))
			continue;
		int pid = pid_of_name(task->comm);
		struct vm_draft *d = pid ? vm_draft_of(f, pid) : draft_by_cgroup(f, lone, task);
		if (!d)
			continue;
		struct vm_thread *t = vm_add_thread(f, d, task);
		t->role = str_after(task->comm, "vhost-") ? ROLE_VHOST : ROLE_KVM;
	}
}
