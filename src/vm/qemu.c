/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU as such, whoever started it: found by its processes, asked through QMP. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "vm/lookup.h"
#include "vm/provider.h"
#include "vm/qemu-config.h"
#include "vm/readconfig.h"

/* The kernel lets a user have megabytes; a QEMU of a thousand disks has 100 KiB. */
enum { CMDLINE_MAX = 128 * 1024 };

/* QEMU by its name; or a process of which the kernel says that it runs a VM; or one that names its
 * threads as QEMU does, and has QEMU's options. */
static bool is_vm(struct vm_search *f, const struct task *t, const char *cmdline, size_t len)
{
	AUTO_FREE char *exe = NULL;
	size_t n;
	if (qemu_args_is_qemu(cmdline, len, NULL) || (vm_kvm_of(f, t->pid, &n), n))
		return true;
	/* Only root may read the link of others. */
	if (host_readlink(f->h, &exe, "proc/%d/exe", t->pid) == 0 &&
		qemu_args_is_qemu(cmdline, len, exe))
		return true;
	const struct task **tasks = vm_tasks_of(f, t->pid, &n);
	for (size_t i = 0; i < n; i++)
		if (vm_vcpu_of_name(tasks[i]->comm) >= 0)
			return qemu_args_has_options(cmdline, len);
	return false;
}

/* The command line when the process runs a VM, else NULL. */
static char *read_cmdline(struct vm_search *f, const struct task *t, size_t *ret_len)
{
	AUTO_FREE char *cmdline = NULL;
	if (host_read(f->h, &cmdline, ret_len, "proc/%d/cmdline", t->pid) < 0 || !*ret_len)
		return NULL; /* gone, a zombie, or a kernel thread */
	if (!is_vm(f, t, cmdline, *ret_len))
		return NULL;
	if (*ret_len > CMDLINE_MAX)
		vm_search_note(f,
			"process %d is left out: its command line has %zu KiB, more than any VM's",
			t->pid, *ret_len / 1024);
	return *ret_len <= CMDLINE_MAX ? TAKE(cmdline) : NULL;
}

/* A relative path counts from where QEMU was started, if it has not moved since. */
static char *path_of(struct vm_search *f, int pid, const char *path)
{
	AUTO_FREE char *cwd = NULL;
	if (*path == '/' || host_readlink(f->h, &cwd, "proc/%d/cwd", pid) < 0)
		return xstrdup(path);
	return xasprintf("%s/%s", streq(cwd, "/") ? "" : cwd, path);
}

/* Puts the options of a -readconfig file into the text. False where they stay unknown. */
static bool add_file(struct vm_search *f, struct vm_draft *d, const char *file, struct strbuf *b)
{
	AUTO_FREE char *path = path_of(f, d->vm.pid, file), *text = NULL;
	AUTO_FREE char *key = xasprintf("%d %zu", d->vm.pid, d->n_files++);
	const struct host_foreign limits = { CMDLINE_MAX, d->vm.uid };
	int r = host_read_foreign(
		f->h, "qemu-config", key, path + strspn(path, "/"), &limits, &text);
	size_t n_odd = r == 0 ? readconfig_add(b, text) : 0;
	if (n_odd)
		vm_note(f, d, "-readconfig %.80s: %zu lines are not understood", path, n_odd);
	if (r == 0)
		return true;
	/* Proxmox VE's own have bridges and nothing else. */
	if (str_after(path, "/usr/share/qemu-server/"))
		return true;
	vm_note(f, d, "-readconfig %.80s cannot be read (%s): what it says is unknown", path,
		strerrordesc_np(-r));
	return false;
}

/* All options: the command line, with those of files where they are named. */
static bool expand_options(struct vm_search *f, struct vm_draft *d)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	const char *p = d->cmdline, *end = p + d->cmdline_len;
	bool is_whole = true;
	for (const char *arg; (arg = qemu_args_next(&p, end));) {
		const char *name = qemu_args_option(arg);
		if (b.n && name && streq(name, "readconfig") && (arg = qemu_args_next(&p, end)))
			is_whole &= add_file(f, d, arg, &b);
		else if (arg)
			strbuf_add(&b, arg, strlen(arg) + 1);
	}
	d->options = arena_strndup(f->arena, b.s, b.n);
	d->n_options = b.n;
	return is_whole;
}

/* Reads what the command line says; of a program that is no QEMU nothing. */
static void read_options(struct vm_search *f, struct vm_draft *d)
{
	bool is_qemu = qemu_args_is_qemu(d->cmdline, d->cmdline_len, NULL) ||
		qemu_args_has_options(d->cmdline, d->cmdline_len);
	bool is_whole = is_qemu && expand_options(f, d);
	qemu_args_parse(f->arena, is_qemu ? d->options : "", is_qemu ? d->n_options : 0, &d->args);
	if (!is_whole)
		qemu_args_set_partial(&d->args);
	d->config = arena_alloc(f->arena, sizeof *d->config);
	d->config->source = "command line";
	d->line = d->config;
	qemu_config_add(f->arena, is_qemu ? d->options : "", is_qemu ? d->n_options : 0, &d->args,
		d->config);
	array_for_each (note, &d->args.notes)
		vm_note(f, d, "%s", *note);
}

static void add_draft(struct vm_search *f, const struct task *task)
{
	size_t len;
	AUTO_FREE char *cmdline = read_cmdline(f, task, &len);
	if (!cmdline)
		return;
	struct vm_draft *d = array_push(&f->drafts);
	int cgroup = vm_domain_cgroup(f->s, task);
	d->owner = &vm_provider_qemu;
	d->task = task;
	d->cmdline = arena_strndup(f->arena, cmdline, len);
	d->cmdline_len = len;
	d->vm = (struct vm){
		.pid = task->tid,
		.start = task->start,
		.cgroup = cgroup < 0 ? NULL : arena_strdup(f->arena, f->s->cgroups[cgroup].path),
	};
	vm_identify(f, &d->vm);
	read_options(f, d);
	d->vm.name = d->args.name;
	d->vm.uuid = d->args.uuid;
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

static int ask_socket(struct vm_search *f, struct vm_draft *d, const char *socket,
	struct qmp_budget *budget, struct qmp_facts *ret)
{
	AUTO_FREE char *path = path_of(f, d->vm.pid, socket), *text = NULL;
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
