/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU as such, whoever started it: found by its processes, asked through QMP. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "vm/provider.h"
#include "vm/qemu-config.h"

/* The command line when the process is QEMU, else NULL. */
static char *read_cmdline(struct vm_search *f, int pid, size_t *ret_len)
{
	AUTO_FREE char *cmdline = NULL, *exe = NULL;
	if (host_read(f->h, &cmdline, ret_len, "proc/%d/cmdline", pid) < 0 || !*ret_len)
		return NULL; /* gone, a zombie, or a kernel thread */
	if (qemu_args_is_qemu(cmdline, *ret_len, NULL))
		return TAKE(cmdline);
	/* Only root may read the link of others. */
	if (host_readlink(f->h, &exe, "proc/%d/exe", pid) == 0 &&
		qemu_args_is_qemu(cmdline, *ret_len, exe))
		return TAKE(cmdline);
	return NULL;
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

/*
 * A second process with the command line of a VM that is no VM: the child that QEMU forked to
 * run a helper, before its exec; or the parent that waits until -daemonize is through, which can
 * take minutes while huge pages are cleared.
 */
static bool is_shadow(const struct vm_search *f, const struct vm_draft *d)
{
	size_t n;
	vm_tasks_of(f, d->vm.pid, &n);
	if (n > 2) /* at most the main thread and call_rcu */
		return false;
	array_for_each (other, &f->drafts) {
		if (other == d || other->cmdline_len != d->cmdline_len ||
			memcmp(other->cmdline, d->cmdline, d->cmdline_len) != 0)
			continue;
		bool is_child = d->task->ppid == other->vm.pid;
		bool is_waiting = d->args.is_daemonized && other->vm.start > d->vm.start;
		if (is_child || is_waiting)
			return true;
	}
	return false;
}

static int find(struct vm_search *f, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < f->s->n_tasks; i++) {
		const struct task *t = &f->s->tasks[i];
		if (t->tid == t->pid && !task_is_kthread(t))
			add_draft(f, t);
	}
	array_for_each (d, &f->drafts)
		d->is_dropped = is_shadow(f, d);
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
	if (r < 0 && r != -ENOENT)
		vm_note(f, d, "QMP socket %s: %s; thread names are used", path,
			*e.text ? e.text : qmp_outcome(r));
	return r;
}

int vm_ask_qmp(struct vm_search *f, struct vm_draft *d, uint64_t greeting_ns, struct qmp_facts *ret)
{
	struct qmp_budget budget = {
		.vm_ns = QMP_VM_NS,
		.all_ns = f->qmp_ns,
		.greeting_ns = greeting_ns,
	};
	int r = -ENOENT;
	array_for_each (m, &d->args.monitors)
		if (m->path && (r = ask_socket(f, d, m->path, &budget, ret)) == 0)
			break;
	f->qmp_ns = budget.all_ns;
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
