/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/life.h"

#include "base/str.h"
#include "host/host.h"
#include "vm/vm.h"

static void add(struct life *l, const char *event)
{
	*array_push(&l->events) = event;
}

static bool is_placed(const struct placement *p, const struct vm_thread *t)
{
	for (size_t i = 0; i < p->n_vcpus; i++)
		if (p->vcpus[i].tid == t->tid && p->vcpus[i].start == t->start)
			return true;
	return false;
}

static bool has_vcpu(const struct vm *vm, const struct thread_place *v)
{
	for (size_t i = 0; i < vm->n_threads; i++)
		if (vm->threads[i].tid == v->tid && vm->threads[i].start == v->start)
			return true;
	return false;
}

/* True when a setting of this kind (or NULL) is applied to what has the key. */
static bool has_entry(const struct ledger *l, const char *knob, const char *key)
{
	array_for_each (e, &l->entries) {
		bool is_knob =
			knob ? streq(e->knob->name, knob) : e->knob->dies_with == LIFE_THREAD;
		if (is_knob && (!key || streq(e->key, key)))
			return true;
	}
	return false;
}

static bool has_thread(const struct ledger *l, int tid)
{
	AUTO_FREE char *key = xasprintf("%d", tid);
	return has_entry(l, NULL, key);
}

/* An I/O thread is looked after where QEMU's main loop is, unless that alone has a place. */
static void add_threads(const struct ledger *l, const struct placement *p, const struct vm *vm,
	struct arena *a, struct life *ret)
{
	bool is_looked_after = has_thread(l, p->pid) &&
		(cpuset_is_empty(&p->emulator_cpus) || !cpuset_is_empty(&p->iothread_cpus));
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		if (t->role == ROLE_VCPU && !is_placed(p, t))
			add(ret,
				arena_printf(a, "vCPU %d was added (thread %d)", t->index, t->tid));
		if (t->role == ROLE_IOTHREAD && is_looked_after && !has_thread(l, t->tid))
			add(ret,
				arena_printf(a, "I/O thread %s was added (thread %d)",
					t->id ? t->id : t->comm, t->tid));
	}
}

static void add_lost_vcpus(
	const struct placement *p, const struct vm *vm, struct arena *a, struct life *ret)
{
	for (size_t i = 0; i < p->n_vcpus; i++)
		if (p->vcpus[i].vcpu >= 0 && !has_vcpu(vm, &p->vcpus[i]))
			add(ret,
				arena_printf(a, "vCPU %d was taken away (thread %d)",
					p->vcpus[i].vcpu, p->vcpus[i].tid));
}

static void add_lost_cpus(
	const struct placement *p, const struct cpuset *online, struct arena *a, struct life *ret)
{
	struct cpuset lost = cpuset_or(&p->claim_cpus, &p->vcpu_cpus);
	lost = cpuset_minus(&lost, online);
	if (cpuset_is_empty(&lost))
		return;
	AUTO_FREE char *cpus = cpuset_format_cpus(&lost);
	add(ret, arena_printf(a, "%s of its own went offline", cpus));
}

/* The group of the placement is known by the inode of its settings. */
static void add_group(struct host *h, const struct ledger *l, const struct placement *p,
	struct arena *a, struct life *ret)
{
	uint64_t now, then;
	if (!p->cgroup || host_inode(h, &now, "sys/fs/cgroup/%s", p->cgroup) < 0)
		return;
	array_for_each (e, &l->entries) {
		if (e->knob->dies_with != LIFE_GROUP || !e->id || !streq(e->key, p->cgroup) ||
			str_to_u64(e->id, &then) < 0 || now == then)
			continue;
		add(ret, arena_printf(a, "its group %s was made anew", p->cgroup));
		return;
	}
}

/* Interrupts that a device has under numbers which nothing was applied to. */
static void add_irqs(const struct ledger *l, const struct vm *vm, struct arena *a, struct life *ret)
{
	static const char knob[] = "irq.affinity";
	for (size_t i = 0; i < vm->n_devices && has_entry(l, knob, NULL); i++) {
		const struct vm_device *d = &vm->devices[i];
		for (size_t k = 0; k < d->n_irqs; k++) {
			AUTO_FREE char *key = xasprintf("%d", d->irqs[k].irq);
			if (has_entry(l, knob, key))
				continue;
			add(ret,
				arena_printf(a,
					"its device %s has interrupts under new numbers: %s",
					d->address ? d->address : "", key));
			break;
		}
	}
}

void life_read(struct host *h, const struct ledger *l, const struct placement *p,
	const struct vm *vm, const struct cpuset *online, struct arena *a, struct life *ret)
{
	add_lost_cpus(p, online, a, ret);
	add_threads(l, p, vm, a, ret);
	add_lost_vcpus(p, vm, a, ret);
	add_group(h, l, p, a, ret);
	add_irqs(l, vm, a, ret);
}
