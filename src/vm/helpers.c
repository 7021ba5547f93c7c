/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/helpers.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "vm/ids.h"
#include "vm/provider.h"

bool vm_is_helper_program(const char *argv0)
{
	static const char *const names[] = { "virtiofsd", "swtpm", "passt", "pasta", "passt.avx2",
		"slirp4netns", "slirp-helper", "gvproxy", "qemu-storage-daemon", "qemu-pr-helper" };
	static const char *const prefixes[] = { "vhost-user-", "vhost-device-", "virtiofsd-" };
	const char *slash = strrchr(argv0, '/'), *name = slash ? slash + 1 : argv0;
	for (size_t i = 0; i < N_ELEMENTS(names); i++)
		if (streq(name, names[i]))
			return true;
	for (size_t i = 0; i < N_ELEMENTS(prefixes); i++)
		if (str_after(name, prefixes[i]))
			return true;
	return false;
}

/* A path of the characters that paths have, whose last part says that it is a socket. */
static bool is_socket(const char *path, size_t n)
{
	static const char tame[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "._/+-@";
	const char *slash = memrchr(path, '/', n);
	size_t n_last = slash ? n - (size_t)(slash - path) : 0;
	return *path == '/' && strspn(path, tame) >= n && memmem(slash, n_last, "sock", 4);
}

char *vm_helper_tie(const char *arg)
{
	for (const char *p = arg; *p; p += strcspn(p, "=,:") + (p[strcspn(p, "=,:")] != 0)) {
		size_t n = strcspn(p, "=,:");
		if (is_socket(p, n))
			return xstrndup(p, n);
	}
	return NULL;
}

/* Which VM each socket and each group is of; two of one group share what is in it. */
struct ties {
	struct ids sockets;
	struct vm_draft **by_group;
	size_t *n_in_group;
};

/* The scope that a group is in, or the group itself: libvirt has QEMU in a group below. */
static int scope_of(const struct snapshot *s, int group)
{
	for (int i = group; i >= 0; i = s->cgroups[i].parent)
		if (str_has_suffix(s->cgroups[i].path, ".scope"))
			return i;
	return group;
}

static void tie_all(struct vm_search *f, struct ties *t)
{
	t->by_group = xcalloc(f->s->n_cgroups + 1, sizeof(struct vm_draft *));
	t->n_in_group = xcalloc(f->s->n_cgroups + 1, sizeof *t->n_in_group);
	for (size_t i = 0; i < f->drafts.n; i++) {
		struct vm_draft *d = &f->drafts.v[i];
		if (d->is_dropped)
			continue;
		array_for_each (path, &d->config->peers)
			ids_add(&t->sockets, *path, i);
		int group = scope_of(f->s, vm_domain_cgroup(f->s, d->task));
		if (group <= 0)
			continue;
		t->by_group[group] = d;
		t->n_in_group[group]++;
	}
}

static struct vm_draft *served_by(
	struct vm_search *f, struct ties *t, const struct task *task, const char *line, size_t n)
{
	const char *p = line, *end = line + n, *arg;
	while ((arg = qemu_args_next(&p, end))) {
		AUTO_FREE char *tie = vm_helper_tie(arg);
		size_t i = ids_find(&t->sockets, tie);
		if (i != IDS_NONE)
			return &f->drafts.v[i];
	}
	int group = scope_of(f->s, vm_domain_cgroup(f->s, task));
	if (group > 0 && t->n_in_group[group] == 1)
		return t->by_group[group];
	return vm_draft_of(f, task->ppid);
}

/* All threads of the process, as the VM's. */
static void add_helper(struct vm_search *f, struct vm_draft *d, const struct task *task)
{
	size_t n;
	const struct task **tasks = vm_tasks_of(f, task->pid, &n);
	const char *name = task->comm;
	for (size_t i = 0; i < n; i++)
		vm_add_helper_thread(f, d, tasks[i], name);
}

void vm_helpers(struct vm_search *f)
{
	enum { LINE_MAX = 64 * 1024 };
	struct ties t = { 0 };
	tie_all(f, &t);
	for (size_t i = 0; i < f->s->n_tasks && f->drafts.n; i++) {
		const struct task *task = &f->s->tasks[i];
		AUTO_FREE char *line = NULL;
		size_t n = 0;
		/* The name is cut, and its program's unless it was changed: a first look at it
		 * saves reading the command lines of all processes. */
		bool is_likely = vm_is_helper_program(task->comm) ||
			str_after(task->comm, "qemu-storage-da");
		if (task->tid != task->pid || task_is_kthread(task) || !is_likely ||
			host_read(f->h, &line, &n, "proc/%d/cmdline", task->pid) < 0 || !n ||
			n > LINE_MAX || !vm_is_helper_program(line))
			continue;
		struct vm_draft *d = served_by(f, &t, task, line, n);
		if (d && !d->is_dropped)
			add_helper(f, d, task);
	}
	ids_done(&t.sockets);
	free(t.by_group);
	free(t.n_in_group);
}
