/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU as such, whoever started it: found by its processes, asked through QMP. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "vm/lookup.h"
#include "vm/provider.h"
#include "vm/qemu-config.h"

/* The kernel lets a user have megabytes; a QEMU of a thousand disks has 100 KiB. */
enum { CMDLINE_MAX = 128 * 1024 };

/* The command line when the process is QEMU, else NULL. */
static char *read_cmdline(struct vm_search *f, int pid, size_t *ret_len)
{
	AUTO_FREE char *cmdline = NULL, *exe = NULL;
	if (host_read(f->h, &cmdline, ret_len, "proc/%d/cmdline", pid) < 0 || !*ret_len)
		return NULL; /* gone, a zombie, or a kernel thread */
	bool is_qemu = qemu_args_is_qemu(cmdline, *ret_len, NULL) ||
		/* Only root may read the link of others. */
		(host_readlink(f->h, &exe, "proc/%d/exe", pid) == 0 &&
			qemu_args_is_qemu(cmdline, *ret_len, exe));
	if (is_qemu && *ret_len > CMDLINE_MAX)
		vm_search_note(f,
			"process %d is left out: its command line has %zu KiB, more than any VM's",
			pid, *ret_len / 1024);
	return is_qemu && *ret_len <= CMDLINE_MAX ? TAKE(cmdline) : NULL;
}

static void add_draft(struct vm_search *f, const struct task *task)
{
	size_t len;
	AUTO_FREE char *cmdline = read_cmdline(f, task->tid, &len);
	if (!cmdline)
		return;
	struct vm_draft *d = array_push(&f->drafts);
	d->owner = &vm_provider_qemu;
	d->task = task;
	d->cmdline = arena_strndup(f->arena, cmdline, len);
	d->cmdline_len = len;
	qemu_args_parse(f->arena, d->cmdline, len, &d->args);
	d->config = arena_alloc(f->arena, sizeof *d->config);
	d->config->source = "command line";
	qemu_config_add(f->arena, d->cmdline, len, &d->args, d->config);
	array_for_each (note, &d->args.notes)
		vm_note(f, d, "%s", *note);
	int cgroup = vm_domain_cgroup(f->s, task);
	d->vm = (struct vm){
		.pid = task->tid,
		.start = task->start,
		.name = d->args.name,
		.uuid = d->args.uuid,
		.cgroup = cgroup < 0 ? NULL : arena_strdup(f->arena, f->s->cgroups[cgroup].path),
	};
}

static int by_cmdline(const void *a, const void *b)
{
	const struct vm_draft *x = *(struct vm_draft *const *)a, *y = *(struct vm_draft *const *)b;
	if (x->cmdline_len != y->cmdline_len)
		return x->cmdline_len < y->cmdline_len ? -1 : 1;
	return memcmp(x->cmdline, y->cmdline, x->cmdline_len);
}

/*
 * A second process with the command line of a VM that is no VM: the child that QEMU forked to
 * run a helper, before its exec; or the parent that waits until -daemonize is through, which can
 * take minutes while huge pages are cleared. last_start: of the youngest with this command line.
 */
static bool is_shadow(struct vm_search *f, const struct vm_draft *d, uint64_t last_start)
{
	size_t n;
	vm_tasks_of(f, d->vm.pid, &n);
	if (n > 2) /* at most the main thread and call_rcu */
		return false;
	const struct vm_draft *parent = vm_draft_of(f, d->task->ppid);
	bool is_child = parent && by_cmdline(&parent, &d) == 0;
	return is_child || (d->args.is_daemonized && last_start > d->vm.start);
}

static void drop_shadows(struct vm_search *f)
{
	size_t n = f->drafts.n;
	AUTO_FREE struct vm_draft **v = xcalloc(n + 1, sizeof *v);
	AUTO_FREE bool *is_dropped = xcalloc(n + 1, sizeof *is_dropped);
	for (size_t i = 0; i < n; i++)
		v[i] = &f->drafts.v[i];
	qsort(v, n, sizeof *v, by_cmdline);
	for (size_t i = 0, end; i < n; i = end) {
		uint64_t last_start = 0;
		for (end = i; end < n && by_cmdline(&v[i], &v[end]) == 0; end++)
			if (v[end]->vm.start > last_start)
				last_start = v[end]->vm.start;
		for (size_t k = i; k < end && end - i > 1; k++)
			is_dropped[v[k] - f->drafts.v] = is_shadow(f, v[k], last_start);
	}
	for (size_t i = 0; i < n; i++)
		f->drafts.v[i].is_dropped = is_dropped[i];
}

static int find(struct vm_search *f, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < f->s->n_tasks; i++) {
		const struct task *t = &f->s->tasks[i];
		if (t->tid == t->pid && !task_is_kthread(t))
			add_draft(f, t);
	}
	drop_shadows(f);
	return 0;
}

/* A relative path counts from where QEMU was started, if it has not moved since. */
static char *socket_path(struct vm_search *f, const struct vm_draft *d, const char *path)
{
	AUTO_FREE char *cwd = NULL;
	if (*path == '/' || host_readlink(f->h, &cwd, "proc/%d/cwd", d->vm.pid) < 0)
		return xstrdup(path);
	return xasprintf("%s/%s", streq(cwd, "/") ? "" : cwd, path);
}

static int ask_socket(struct vm_search *f, struct vm_draft *d, const char *socket,
	struct qmp_budget *budget, struct qmp_facts *ret)
{
	AUTO_FREE char *path = socket_path(f, d, socket), *text = NULL;
	struct err e = { 0 };
	int r = host_ask(f->h, "qmp", path, qmp_ask, budget, &text);
	if (r == 0)
		r = qmp_parse(text, f->arena, ret, &e);
	/* -ENOENT: there is no machine to ask, only its files. */
	if (r == 0 || r == -ENOENT)
		return r;
	const char *why = *e.text ? e.text : qmp_outcome(r);
	vm_note(f, d, "QMP socket %s: %s; thread names are used", path, why);
	if (r == -ETIME || r == -ETIMEDOUT || r == -EBUSY)
		d->vm.why_unasked = arena_printf(f->arena, "its monitor %s: %s", path, why);
	return r;
}

/* The common purse that the VM's monitor is asked from. */
static uint64_t *purse_of(struct vm_search *f, const struct vm *vm)
{
	return vm_is_of(vm, NULL) ? &f->qmp_ns : &f->others_qmp_ns;
}

int vm_ask_qmp(struct vm_search *f, struct vm_draft *d, uint64_t greeting_ns, struct qmp_facts *ret)
{
	if (!d->is_about)
		return -ENOENT;
	uint64_t *purse = purse_of(f, &d->vm);
	struct vm_user *user = purse == &f->qmp_ns ? NULL : vm_user_of(f, d->vm.uid);
	struct qmp_budget budget = {
		.vm_ns = user && user->qmp_ns < QMP_VM_NS ? user->qmp_ns : QMP_VM_NS,
		.all_ns = *purse,
		.greeting_ns = greeting_ns,
		.pid = d->vm.pid,
		.uid = d->vm.uid,
	};
	uint64_t before = budget.all_ns;
	int r = -ENOENT;
	array_for_each (m, &d->args.monitors)
		if (m->path && (r = ask_socket(f, d, m->path, &budget, ret)) == 0)
			break;
	*purse = budget.all_ns;
	if (user)
		user->qmp_ns -= user->qmp_ns < before - *purse ? user->qmp_ns : before - *purse;
	bool has_path = false;
	array_for_each (m, &d->args.monitors)
		has_path |= m->path != NULL;
	if (!has_path)
		array_for_each (m, &d->args.monitors)
			vm_note(f, d, "a QMP monitor cannot be asked: %s", m->why_not);
	return r;
}

static int ask(struct vm_search *f, struct vm_draft *d, struct qmp_facts *ret)
{
	return vm_ask_qmp(f, d, 0, ret);
}

const struct vm_provider vm_provider_qemu = {
	.name = "qemu",
	.find = find,
	.ask = ask,
};
