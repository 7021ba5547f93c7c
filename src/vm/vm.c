/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/vm.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "kernel/mounts.h"
#include "kernel/task-sched.h"
#include "kernel/task-stat.h"
#include "vm/lookup.h"
#include "vm/provider.h"

/* The first finds the processes, the others claim theirs. */
uint64_t vm_memory_mib(const struct vm *vm)
{
	const struct vm_config *c = vm->line && vm->line->memory_mib ? vm->line : vm->config;
	return c ? c->memory_mib : 0;
}

static const struct vm_provider *const providers[] = {
	&vm_provider_qemu,
	&vm_provider_proxmox,
	&vm_provider_libvirt,
};

static int by_pid(const void *a, const void *b)
{
	const struct task *x = *(const struct task *const *)a, *y = *(const struct task *const *)b;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

static void sort_tasks(struct vm_search *f)
{
	size_t n = f->s->n_tasks;
	f->by_pid = xmalloc(n * sizeof *f->by_pid);
	for (size_t i = 0; i < n; i++)
		f->by_pid[i] = &f->s->tasks[i];
	qsort(f->by_pid, n, sizeof *f->by_pid, by_pid);
}

void vm_search_done(struct vm_search *f)
{
	array_for_each (d, &f->drafts) {
		qemu_args_done(&d->args);
		free(d->notes.v);
		free(d->threads.v);
		free(d->helpers.v);
	}
	free(f->drafts.v);
	free(f->by_pid);
	free(f->kvm.v);
	free(f->users.v);
	free(f->notes.v);
}

static bool is_still_there(struct host *h, const struct vm *vm)
{
	AUTO_FREE char *stat = NULL;
	int r = host_read(h, &stat, NULL, "proc/%d/task/%d/stat", vm->pid, vm->pid);
	if (r < 0)
		return r != -ENOENT && r != -ESRCH;
	struct task_stat now;
	return task_stat_parse(stat, &now) == 0 && now.start == vm->start;
}

static void ask_threads(struct vm_search *f, struct vm_draft *d)
{
	struct qmp_facts facts = { 0 };
	bool has_facts = d->owner->ask && d->owner->ask(f, d, &facts) == 0;
	vm_threads(f, d, has_facts ? &facts : NULL);
	qmp_facts_done(&facts);
	d->is_dropped = !is_still_there(f->h, &d->vm);
}

/* Managers' and root's VMs first: what others' monitors take, those have had. */
static void ask_all(struct vm_search *f, vm_about_fn *is_about, const void *context)
{
	for (int turn = 0; turn < 2; turn++)
		array_for_each (d, &f->drafts)
			if (!d->is_dropped && turn == !vm_is_of(&d->vm, NULL)) {
				d->is_about = !is_about || is_about(context, &d->vm);
				ask_threads(f, d);
			}
}

static int by_role(const void *a, const void *b)
{
	const struct vm_thread *x = a, *y = b;
	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

void vm_of_draft(struct vm_search *f, struct vm_draft *d, struct vm *vm)
{
	*vm = d->vm;
	qsort(d->threads.v, d->threads.n, sizeof *d->threads.v, by_role);
	vm->threads = arena_dup(f->arena, d->threads.v, d->threads.n, sizeof *d->threads.v);
	vm->n_threads = d->threads.n;
	vm->helpers = arena_dup(f->arena, d->helpers.v, d->helpers.n, sizeof *d->helpers.v);
	vm->n_helpers = d->helpers.n;
	vm->config = d->config;
	vm->line = d->line;
	vm->notes = arena_dup(f->arena, d->notes.v, d->notes.n, sizeof *d->notes.v);
	vm->n_notes = d->notes.n;
}

/* Numbers by value and before names; the pid decides between equals. */
static int by_id(const void *a, const void *b)
{
	const struct vm *x = a, *y = b;
	uint64_t n, k;
	bool is_n = str_to_u64(x->id, &n) == 0, is_k = str_to_u64(y->id, &k) == 0;
	if (is_n != is_k)
		return is_n ? -1 : 1;
	if (is_n && n != k)
		return n < k ? -1 : 1;
	int r = strcmp(x->id, y->id);
	return r ? r : (x->pid > y->pid) - (x->pid < y->pid);
}

static void sort_vms(struct vms *v)
{
	if (v->n_vms)
		qsort(v->vms, v->n_vms, sizeof *v->vms, by_id);
}

/* Documentation/admin-guide/cgroup-v2.rst, "cpuset.mems": "0-1", or nothing. Its own group's, or
 * the nearest above: libvirt makes groups below the scope. */
static void find_memory_nodes(struct vm_search *f, struct vm *vm)
{
	int g = vm->cgroup ? snapshot_cgroup(f->s, vm->cgroup) : -1;
	while (g > 0 && !(f->s->cgroups[g].mems && *f->s->cgroups[g].mems))
		g = f->s->cgroups[g].parent;
	if (g > 0)
		vm->memory_nodes = arena_strdup(f->arena, f->s->cgroups[g].mems);
}

static void identify_all(struct vm_search *f)
{
	array_for_each (d, &f->drafts) {
		struct vm *vm = &d->vm;
		if (d->is_dropped)
			continue;
		vm->manager = d->owner->name;
		vm->config = d->config;
		vm_pages(f, d);
		find_memory_nodes(f, vm);
		if (!vm->id)
			vm->id = vm->name ? vm->name : arena_printf(f->arena, "%d", vm->pid);
	}
	vm_ids_unique(f);
}

/* Documentation/filesystems/proc.rst, chapter 4: with hidepid other users' processes are not in the
 * list, init neither; in /proc/mounts "proc /proc proc rw,nosuid,hidepid=invisible 0 0". */
static void note_hidden(struct vm_search *f)
{
	AUTO_FREE char *text = NULL;
	CLEANUP(arena_done) struct arena a = { 0 };
	struct mounts mounts;
	if (snapshot_task(f->s, 1) || host_read(f->h, &text, NULL, "proc/self/mounts") < 0)
		return;
	(void)!mounts_parse(&a, text, &mounts);
	for (size_t i = 0; i < mounts.n; i++) {
		const struct mount *m = &mounts.v[i];
		if (!streq(m->dir, "/proc") || !streq(m->type, "proc") ||
			!mount_option(m, "hidepid"))
			continue;
		f->unseen = "other users' processes are hidden (/proc is mounted with "
			    "hidepid): there may be VMs that only root sees";
		vm_search_note(f, "%s", f->unseen);
		return;
	}
}

int vms_find(struct host *h, const struct snapshot *s, struct vms **ret, struct err *e)
{
	return vms_find_about(h, s, NULL, NULL, ret, e);
}

int vms_find_about(struct host *h, const struct snapshot *s, vm_about_fn *is_about,
	const void *context, struct vms **ret, struct err *e)
{
	AUTO_VMS struct vms *v = xcalloc(1, sizeof *v);
	CLEANUP(vm_search_done)
	struct vm_search f = {
		.h = h,
		.s = s,
		.arena = &v->arena,
		.qmp_ns = QMP_ALL_NS,
		.others_qmp_ns = QMP_OTHERS_NS,
	};
	sort_tasks(&f);
	vm_kvm_read(&f);
	for (size_t i = 0; i < N_ELEMENTS(providers); i++) {
		int r = providers[i]->find(&f, e);
		if (r < 0)
			return err_ctx(e, "find VMs of %s", providers[i]->name);
	}
	note_hidden(&f);
	identify_all(&f);
	ask_all(&f, is_about, context);
	vm_kernel_threads(&f);
	vm_helpers(&f);
	vm_devices(&f);
	v->vms = arena_alloc(&v->arena, (f.drafts.n + 1) * sizeof *v->vms);
	array_for_each (d, &f.drafts)
		if (!d->is_dropped)
			vm_of_draft(&f, d, &v->vms[v->n_vms++]);
	sort_vms(v);
	v->notes = arena_dup(&v->arena, f.notes.v, f.notes.n, sizeof *f.notes.v);
	v->n_notes = f.notes.n;
	v->unseen = f.unseen;
	*ret = TAKE(v);
	return 0;
}

void vms_free(struct vms *v)
{
	arena_done(&v->arena);
	free(v);
}

static void read_times(struct host *h, int pid, struct vm_thread *t)
{
	AUTO_FREE char *text = NULL;
	struct schedstat times;
	if (host_read(h, &text, NULL, "proc/%d/task/%d/schedstat", pid, t->tid) < 0 ||
		schedstat_parse(text, &times) < 0)
		return;
	t->has_times = true;
	t->run_ns = times.run_ns;
	t->wait_ns = times.wait_ns;
}

void vm_read_times(struct host *h, struct vm *vm)
{
	for (size_t i = 0; i < vm->n_threads; i++) {
		struct vm_thread *t = &vm->threads[i];
		/* A kernel thread is a process of its own. */
		read_times(h, t->is_kthread ? t->tid : vm->pid, t);
	}
	for (size_t i = 0; i < vm->n_helpers; i++)
		read_times(h, vm->helpers[i].pid, &vm->helpers[i]);
}

char *vm_label(const char *id, const char *name)
{
	return name && !streq(id, name) ? xasprintf("%s (%s)", id, name) : xstrdup(id);
}

const char *thread_role_name(enum thread_role role)
{
	static const char *const names[N_ROLES] = {
		[ROLE_VCPU] = "vcpu",
		[ROLE_EMULATOR] = "emulator",
		[ROLE_IOTHREAD] = "iothread",
		[ROLE_VHOST] = "vhost",
		[ROLE_WORKER] = "worker",
		[ROLE_KVM] = "kvm",
		[ROLE_HELPER] = "helper",
	};
	return names[role];
}
