/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own word for VMs and vCPUs, whatever programs call themselves and their threads:
 * debugfs, which root alone may read (virt/kvm/kvm_main.c: kvm_create_vm_debugfs(),
 * kvm_create_vcpu_debugfs()).
 *
 *	/sys/kernel/debug/kvm/3085-12/		a VM: who made it, and the number of its descriptor
 *	/sys/kernel/debug/kvm/3085-12/vcpu0/pid	"3089": the thread that ran it last; 0: none yet
 *
 * N of vcpuN is the vCPU's id to KVM, on x86 its APIC id: what counts is the order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "vm/provider.h"

#define KVM "sys/kernel/debug/kvm"

/* "vcpu12" → 12; -1 for other names. */
static int vcpu_id(const char *name)
{
	const char *digits = str_after(name, "vcpu");
	int id;
	return digits && str_to_int(digits, &id) == 0 && id >= 0 ? id : -1;
}

static void read_vcpu(struct vm_search *f, const char *vm, const char *name, int pid)
{
	AUTO_FREE char *text = NULL;
	struct kvm_vcpu v = { .pid = pid, .id = vcpu_id(name) };
	if (v.id < 0 || host_read(f->h, &text, NULL, KVM "/%s/%s/pid", vm, name) < 0 ||
		str_to_int(text, &v.tid) < 0)
		return;
	*array_push(&f->kvm) = v;
}

/* The process of the thread that made the VM. */
static int maker_of(struct vm_search *f, const char *vm)
{
	int tid = 0, fd, end = 0;
	const struct task *t = NULL;
	if (sscanf(vm, "%d-%d%n", &tid, &fd, &end) == 2 && !vm[end])
		t = snapshot_task(f->s, tid);
	return t && !task_is_kthread(t) ? t->pid : 0;
}

static int by_pid_and_id(const void *a, const void *b)
{
	const struct kvm_vcpu *x = a, *y = b;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

void vm_kvm_read(struct vm_search *f)
{
	AUTO_NAMES struct host_names vms = { 0 };
	if (host_list(f->h, &vms, KVM) < 0)
		return;
	for (size_t i = 0; i < vms.n; i++) {
		AUTO_NAMES struct host_names names = { 0 };
		int pid = maker_of(f, vms.v[i]);
		if (!pid || host_list(f->h, &names, KVM "/%s", vms.v[i]) < 0)
			continue;
		for (size_t k = 0; k < names.n; k++)
			read_vcpu(f, vms.v[i], names.v[k], pid);
	}
	if (f->kvm.n)
		qsort(f->kvm.v, f->kvm.n, sizeof *f->kvm.v, by_pid_and_id);
}

const struct kvm_vcpu *vm_kvm_of(const struct vm_search *f, int pid, size_t *ret_n)
{
	size_t low = lower_bound(k, f->kvm.v, f->kvm.n, k->pid < pid), n = 0;
	while (low + n < f->kvm.n && f->kvm.v[low + n].pid == pid)
		n++;
	*ret_n = n;
	return f->kvm.v + low;
}
