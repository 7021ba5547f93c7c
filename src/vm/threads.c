/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each thread of a VM is for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "kernel/task-stat.h"
#include "vm/ids.h"
#include "vm/provider.h"

enum { COMM_MAX = 15 }; /* TASK_COMM_LEN - 1: longer names are cut, or not set at all */

const struct task **vm_tasks_of(const struct vm_search *f, int pid, size_t *ret_n)
{
	size_t low = lower_bound(t, f->by_pid, f->s->n_tasks, (*t)->pid < pid), n = 0;
	while (low + n < f->s->n_tasks && f->by_pid[low + n]->pid == pid)
		n++;
	*ret_n = n;
	return f->by_pid + low;
}

int vm_domain_cgroup(const struct snapshot *s, const struct task *t)
{
	int i = t->cgroup;
	while (i >= 0 && s->cgroups[i].type && streq(s->cgroups[i].type, "threaded"))
		i = s->cgroups[i].parent;
	return i;
}

int vm_vcpu_of_name(const char *comm)
{
	const char *p = str_after(comm, "CPU ");
	if (str_after(comm, "ALL CPUs/"))
		return 0;
	if (!p || strspn(p, "0123456789") > 7)
		return -1;
	char *end;
	long n = strtol(p, &end, 10);
	return end > p && *end == '/' ? (int)n : -1;
}

/* "IO disk0" is the I/O thread disk0. A name that was cut stands for the one id it begins. */
static const char *iothread_of_name(struct ids *iothreads, const char *comm)
{
	const char *name = str_after(comm, "IO ");
	if (!name || streq(name, "mon_iothread")) /* QEMU's own, for monitors */
		return NULL;
	const char *only = strlen(comm) < COMM_MAX ? NULL : ids_complete(iothreads, name);
	return only ? only : name;
}

/*
 * The names that matter; everything else is a worker: "worker" of the thread pool, "call_rcu",
 * "vnc_worker", "mig/dst/main", "iou-wrk-PID", "TC tc0", "gmain", and threads without a name of
 * their own, which have the program's.
 */
static void role_by_name(const struct vm_draft *d, struct ids *iothreads, struct vm_thread *t)
{
	t->role = ROLE_WORKER;
	t->index = vm_vcpu_of_name(t->comm);
	t->id = iothread_of_name(iothreads, t->comm);
	if (t->tid == d->vm.pid)
		t->role = ROLE_EMULATOR;
	else if (t->index >= 0)
		t->role = ROLE_VCPU;
	else if (t->id)
		t->role = ROLE_IOTHREAD;
	else if (str_after(t->comm, "vhost-"))
		t->role = ROLE_VHOST;
	else if (str_after(t->comm, "kvm-"))
		t->role = ROLE_KVM;
	if (t->role != ROLE_VCPU)
		t->index = -1;
	if (t->role != ROLE_IOTHREAD)
		t->id = NULL;
}

static const char *policy_name(int policy)
{
	static const char *const names[] = { "other", "fifo", "rr", "batch", NULL, "idle",
		"deadline", "ext" }; /* include/uapi/linux/sched.h */
	return policy >= 0 && policy < (int)N_ELEMENTS(names) ? names[policy] : NULL;
}

static void fill_thread(const struct vm_search *f, const struct task *task, struct vm_thread *t)
{
	*t = (struct vm_thread){
		.tid = task->tid,
		.pid = task->pid,
		.start = task->start,
		.is_kthread = task_is_kthread(task),
		.role = ROLE_KVM,
		.index = -1,
		.comm = task->comm,
		.allowed = task->allowed,
		.cpu = task->last_cpu,
		.cgroup = task->cgroup < 0 ? NULL : f->s->cgroups[task->cgroup].path,
		.policy = policy_name(task->policy),
		.priority = task->rt_priority,
		.nice = task->nice,
		.guest_socket = -1,
		.guest_core = -1,
		.guest_thread = -1,
	};
}

struct vm_thread *vm_add_thread(
	const struct vm_search *f, struct vm_draft *d, const struct task *task)
{
	struct vm_thread *t = array_push(&d->threads);
	fill_thread(f, task, t);
	return t;
}

void vm_add_helper_thread(
	struct vm_search *f, struct vm_draft *d, const struct task *task, const char *name)
{
	struct vm_thread *t = array_push(&d->helpers);
	fill_thread(f, task, t);
	t->role = ROLE_HELPER;
	t->id = name;
}

/* Those of the snapshot are in order; those that came late stand behind them. */
static struct vm_thread *find_thread(struct vm_draft *d, int tid)
{
	size_t low = lower_bound(t, d->threads.v, d->n_known, t->tid < tid);
	if (low == d->n_known || d->threads.v[low].tid != tid)
		for (low = d->n_known; low < d->threads.n && d->threads.v[low].tid != tid;)
			low++;
	return low < d->threads.n ? &d->threads.v[low] : NULL;
}

/* A thread that was started after the snapshot was taken: a vCPU or an I/O thread plugged in. */
static struct vm_thread *read_late_thread(struct vm_search *f, struct vm_draft *d, int tid)
{
	AUTO_FREE char *text = NULL;
	struct task_stat stat;
	struct cpuset allowed;
	if (host_read(f->h, &text, NULL, "proc/%d/task/%d/stat", d->vm.pid, tid) < 0 ||
		task_stat_parse(text, &stat) < 0 || host_get_affinity(f->h, tid, &allowed) < 0)
		return NULL;
	const struct task t = {
		.tid = tid,
		.pid = d->vm.pid,
		.start = stat.start,
		.flags = stat.flags,
		.last_cpu = stat.last_cpu,
		.comm = arena_strdup(f->arena, stat.comm),
		.allowed = arena_dup(f->arena, &allowed, 1, sizeof allowed),
		.cgroup = d->task->cgroup,
	};
	struct vm_thread *thread = vm_add_thread(f, d, &t);
	thread->role = ROLE_WORKER; /* until the caller says better */
	return thread;
}

static struct vm_thread *find_or_read_thread(struct vm_search *f, struct vm_draft *d, int tid)
{
	struct vm_thread *t = find_thread(d, tid);
	return t ? t : read_late_thread(f, d, tid);
}

/* Roles that only QMP can vouch for are taken back before its answer is applied. */
static void forget_names(struct vm_draft *d, const struct qmp_facts *facts)
{
	array_for_each (t, &d->threads) {
		bool is_doubtful =
			t->role == ROLE_VCPU || (t->role == ROLE_IOTHREAD && facts->has_iothreads);
		if (!is_doubtful)
			continue;
		t->role = ROLE_WORKER;
		t->index = -1;
		t->id = NULL;
	}
}

static bool is_ours(struct vm_draft *d, const struct qmp_facts *facts)
{
	array_for_each (c, &facts->cpus)
		if (find_thread(d, c->tid))
			return true;
	return false;
}

static void apply_facts(struct vm_search *f, struct vm_draft *d, const struct qmp_facts *facts)
{
	size_t n_unknown = 0, n_shared = 0;
	forget_names(d, facts);
	array_for_each (i, &facts->iothreads) {
		struct vm_thread *t = find_or_read_thread(f, d, i->tid);
		n_unknown += !t;
		if (!t)
			continue;
		t->role = ROLE_IOTHREAD;
		t->id = i->id;
	}
	array_for_each (c, &facts->cpus) {
		struct vm_thread *t = find_or_read_thread(f, d, c->tid);
		n_unknown += !t;
		n_shared += t && t->role == ROLE_VCPU;
		if (!t || t->role == ROLE_VCPU)
			continue;
		t->role = ROLE_VCPU;
		t->index = c->index;
		t->guest_socket = c->socket;
		t->guest_core = c->core;
		t->guest_thread = c->thread;
	}
	d->vm.n_vcpus = (int)facts->cpus.n;
	if (!d->vm.name)
		d->vm.name = facts->name;
	if (!d->vm.uuid)
		d->vm.uuid = facts->uuid;
	if (n_unknown)
		vm_note(f, d, "QMP names %zu threads that are not there", n_unknown);
	if (n_shared)
		vm_note(f, d, "all vCPUs share one thread (TCG, thread=single)");
}

static int by_number(const void *a, const void *b)
{
	const int *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Who told the facts. */
static const char *facts_source(const struct vm_draft *d)
{
	return streq(d->vm.manager, "libvirt") ? "libvirt's groups" : "QMP";
}

/* The kernel's vCPUs that a monitor's facts do not name. */
static size_t count_unnamed(const struct kvm_vcpu *v, size_t n, const struct qmp_facts *facts)
{
	AUTO_FREE int *tids = xcalloc(facts->cpus.n + 1, sizeof *tids);
	size_t n_unnamed = 0;
	for (size_t i = 0; i < facts->cpus.n; i++)
		tids[i] = facts->cpus.v[i].tid;
	qsort(tids, facts->cpus.n, sizeof *tids, by_number);
	for (size_t i = 0; i < n; i++)
		n_unnamed += v[i].tid &&
			!bsearch(&v[i].tid, tids, facts->cpus.n, sizeof *tids, by_number);
	return n_unnamed;
}

/* The kernel's word over names: threads that ran vCPUs are vCPUs, numbered as they are named or,
 * where they have no names, in order; where all have run, no others are. */
static void apply_kvm(struct vm_search *f, struct vm_draft *d, const struct kvm_vcpu *v, size_t n)
{
	size_t n_idle = 0, n_others = 0;
	for (size_t i = 0; i < n; i++)
		n_idle += !v[i].tid || !find_or_read_thread(f, d, v[i].tid);
	array_for_each (t, &d->threads)
		if (t->role == ROLE_VCPU)
			t->role = ROLE_WORKER; /* its index stays for now */
	for (size_t i = 0; i < n; i++) {
		struct vm_thread *t = v[i].tid ? find_thread(d, v[i].tid) : NULL;
		if (!t)
			continue;
		t->role = ROLE_VCPU;
		t->index = t->index < 0 ? (int)i : t->index;
		t->id = NULL;
	}
	array_for_each (t, &d->threads) {
		bool is_named = t->role == ROLE_WORKER && t->index >= 0;
		n_others += is_named && !n_idle;
		if (is_named && n_idle)
			t->role = ROLE_VCPU;
		else if (t->role != ROLE_VCPU)
			t->index = -1;
	}
	if (n_others)
		vm_note(f, d,
			"%zu of its threads are called vCPUs, and the kernel says they are not",
			n_others);
}

/* Whose way of starting QEMU it is, by its group and its files, or NULL: not to prove anything, but
 * who reads an advice should be able to take it. */
static const char *starter_of(const struct vm_draft *d)
{
	static const struct {
		const char *sign, *who;
	} signs[] = {
		{ "incus", "Incus" },
		{ "lxd", "LXD" },
		{ "/run/vc/", "Kata Containers" },
		{ "kata", "Kata Containers" },
		{ "kubepods", "Kubernetes" },
		{ "libpod", "Podman" },
		{ "docker", "Docker" },
	};
	if (streq(d->vm.manager, "proxmox"))
		return "Proxmox VE";
	if (streq(d->vm.manager, "libvirt"))
		return "libvirt";
	for (size_t i = 0; i < N_ELEMENTS(signs); i++)
		if ((d->vm.cgroup && strstr(d->vm.cgroup, signs[i].sign)) ||
			memmem(d->cmdline, d->cmdline_len, signs[i].sign, strlen(signs[i].sign)))
			return signs[i].who;
	return NULL;
}

static const char *how_to_tell(struct vm_search *f, const struct vm_draft *d)
{
	static const char kernel[] = "as root, with debugfs mounted (mount -t debugfs none "
				     "/sys/kernel/debug), the kernel tells which they are";
	const char *who = starter_of(d), *name = d->vm.name ? d->vm.name : "NAME";
	if (d->vm.why_unasked)
		return arena_printf(f->arena, "try again when its monitor answers, or %s", kernel);
	if (who)
		return arena_printf(f->arena, "%s starts it: %s", who, kernel);
	return arena_printf(f->arena,
		"start the VM with -name %s,debug-threads=on or with -qmp "
		"unix:/run/%s.qmp,server=on,wait=off; %s",
		name, name, kernel);
}

bool vm_thread_may_be_vcpu(const struct vm_thread *v, size_t n, const struct vm_thread *t)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].role == ROLE_EMULATOR)
			return t->role == ROLE_WORKER && !t->is_kthread && t->comm && v[i].comm &&
				streq(t->comm, v[i].comm);
	return false;
}

/* The vCPUs without QMP: counted by the kernel, or their names, else by -smp, and then nobody knows
 * which thread is which. */
static void count_vcpus(struct vm_search *f, struct vm_draft *d, size_t n_kvm)
{
	int n = 0;
	bool is_shared = false;
	array_for_each (t, &d->threads) {
		n += t->role == ROLE_VCPU;
		is_shared |= str_after(t->comm, "ALL CPUs/") != NULL;
	}
	d->vm.n_vcpus = n_kvm ? (int)n_kvm : n && !is_shared ? n : d->config->vcpus;
	if (is_shared && d->vm.n_vcpus > 1)
		vm_note(f, d, "all vCPUs share one thread (TCG, thread=single)");
	if (n)
		return;
	d->vm.is_starting = d->threads.n > 0 && !n_kvm;
	array_for_each (t, &d->threads)
		d->vm.is_starting &= !vm_thread_may_be_vcpu(d->threads.v, d->threads.n, t);
	if (d->vm.is_starting) {
		vm_note(f, d, "%s", VM_WITHOUT_VCPU);
		return;
	}
	d->vm.how_to_tell = how_to_tell(f, d);
	vm_note(f, d, "cannot tell which threads are vCPUs: %s", d->vm.how_to_tell);
}

static void note_hidden_iothreads(struct vm_search *f, struct vm_draft *d)
{
	size_t n = 0;
	array_for_each (t, &d->threads)
		n += t->role == ROLE_IOTHREAD;
	if (n < d->args.iothreads.n)
		vm_note(f, d,
			"%zu of its %zu I/O threads have no name of their own and pass for "
			"workers: only QMP can tell",
			d->args.iothreads.n - n, d->args.iothreads.n);
}

/* The guest's own topology where QMP did not say: CPU numbers count threads, then cores. */
static void place_in_guest(struct vm_draft *d)
{
	const struct qemu_smp *smp = &d->args.smp;
	int threads = smp->threads;
	d->vm.guest_threads = threads = threads ? threads : 1;
	array_for_each (t, &d->threads) {
		if (t->role != ROLE_VCPU)
			continue;
		bool is_unknown = t->guest_socket < 0 || t->guest_core < 0 || t->guest_thread < 0;
		if (is_unknown && smp->cpus) {
			t->guest_thread = t->index % smp->threads;
			t->guest_core = t->index / smp->threads % smp->cores;
			t->guest_socket = t->index / smp->threads / smp->cores;
		}
		if (t->guest_thread >= threads)
			threads = t->guest_thread + 1;
	}
	d->vm.guest_threads = threads;
}

/* What became of "kvm:tcg" stands in the names. */
static void settle_accel(const struct vm_search *f, struct vm_draft *d)
{
	size_t n_kvm;
	(void)vm_kvm_of(f, d->vm.pid, &n_kvm);
	d->vm.accel = n_kvm ? "kvm" : d->args.accel;
	array_for_each (t, &d->threads) {
		if (t->role != ROLE_VCPU)
			continue;
		if (str_has_suffix(t->comm, "/KVM"))
			d->vm.accel = "kvm";
		else if (str_has_suffix(t->comm, "/TCG"))
			d->vm.accel = "tcg";
	}
}

/* The facts, or NULL, with a note, where they are of another process, or against the kernel's. */
static const struct qmp_facts *believed(struct vm_search *f, struct vm_draft *d,
	const struct qmp_facts *facts, const struct kvm_vcpu *kvm, size_t n_kvm)
{
	size_t n_unnamed;
	if (facts && !is_ours(d, facts)) {
		vm_note(f, d,
			"QMP speaks of threads of another process (or PID namespace): "
			"thread names are used");
		return NULL;
	}
	if (facts && n_kvm && (n_unnamed = count_unnamed(kvm, n_kvm, facts))) {
		vm_note(f, d,
			"%zu threads ran vCPUs by the kernel's word, and not by %s: the kernel's "
			"is "
			"taken",
			n_unnamed, facts_source(d));
		return NULL;
	}
	return facts;
}

void vm_threads(struct vm_search *f, struct vm_draft *d, const struct qmp_facts *facts)
{
	size_t n, n_kvm;
	const struct task **tasks = vm_tasks_of(f, d->vm.pid, &n);
	struct ids iothreads = { 0 };
	for (size_t i = 0; i < d->args.iothreads.n; i++)
		ids_add(&iothreads, d->args.iothreads.v[i], i);
	for (size_t i = 0; i < n; i++)
		role_by_name(d, &iothreads, vm_add_thread(f, d, tasks[i]));
	ids_done(&iothreads);
	d->n_known = d->threads.n;
	const struct kvm_vcpu *kvm = vm_kvm_of(f, d->vm.pid, &n_kvm);
	facts = believed(f, d, facts, kvm, n_kvm);
	if (facts)
		apply_facts(f, d, facts);
	else if (n_kvm)
		apply_kvm(f, d, kvm, n_kvm);
	if (!facts)
		count_vcpus(f, d, n_kvm);
	vm_differ_live(f, d,
		facts           ? facts_source(d)
			: n_kvm ? "the kernel"
				: "its threads' names",
		facts);
	if (!facts || !facts->has_iothreads)
		note_hidden_iothreads(f, d);
	place_in_guest(d);
	settle_accel(f, d);
}
