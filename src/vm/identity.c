/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who runs a VM, and ids that are nobody else's. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "kernel/task-status.h"
#include "vm/provider.h"

/* "user.slice/user-1000.slice/session-7.scope" → 1000: what a dump without status files tells.
 * logind puts users there; one may become root there, but nobody else. */
static int uid_of_cgroup(const char *path)
{
	int uid;
	return path && sscanf(path, "user.slice/user-%d.slice", &uid) == 1 ? uid : -1;
}

/* A host_ask_fn: the name of the user whose number is the key; -ESRCH: it has none. */
static int ask_user(void *context, const char *key, char **ret_text)
{
	(void)context;
	char text[4096];
	struct passwd entry, *found = NULL;
	int uid;
	if (str_to_int(key, &uid) < 0)
		return -EINVAL;
	int r = getpwuid_r((uid_t)uid, &entry, text, sizeof text, &found);
	if (r || !found)
		return -ESRCH;
	*ret_text = xstrdup(found->pw_name);
	return 0;
}

/* A tree's users: "alice:x:1000:1000:Alice:/home/alice:/bin/bash" */
static const char *user_of_file(struct vm_search *f, int uid)
{
	AUTO_FREE char *text = NULL;
	if (host_read(f->h, &text, NULL, "etc/passwd") < 0)
		return NULL;
	for (char *next = text, *line; (line = str_next_line(&next));) {
		const char *name = strsep(&line, ":"), *password = strsep(&line, ":");
		const char *number = strsep(&line, ":");
		int its;
		if (*name && password && number && str_to_int(number, &its) == 0 && its == uid)
			return arena_strdup(f->arena, name);
	}
	return NULL;
}

static const char *user_name(struct vm_search *f, int uid)
{
	AUTO_FREE char *name = NULL, *key = xasprintf("%d", uid);
	if (uid == 0)
		return "root";
	int r = host_ask(f->h, "user", key, ask_user, NULL, &name);
	const char *known = r == 0 ? arena_strdup(f->arena, name)
		: r == -ENOENT     ? user_of_file(f, uid)
				   : NULL;
	return known ? known : arena_strdup(f->arena, key);
}

void vm_identify(struct vm_search *f, struct vm *vm)
{
	AUTO_FREE char *status = NULL;
	vm->uid = uid_of_cgroup(vm->cgroup);
	if (host_read(f->h, &status, NULL, "proc/%d/status", vm->pid) == 0) {
		struct task_status st;
		task_status_parse(status, &st);
		vm->uid = st.uid < 0 ? vm->uid : (int)st.uid;
		vm->is_in_container = st.n_pids > 1;
	}
	if (vm->uid < 0)
		return;
	struct vm_user *known = vm_user_of(f, vm->uid);
	vm->user = known ? known->name : user_name(f, vm->uid);
	if (!known)
		*array_push(&f->users) = (struct vm_user){ vm->uid, vm->user, QMP_USER_NS };
}

struct vm_user *vm_user_of(struct vm_search *f, int uid)
{
	array_for_each (u, &f->users)
		if (u->uid == uid)
			return u;
	return NULL;
}

bool vm_scope(const struct vm *vm, const char **ret_scope, size_t *ret_n)
{
	const char *part = vm->cgroup ? vm->cgroup : "";
	if (str_after(part, "user.slice/"))
		return false;
	for (size_t n; (n = strcspn(part, "/")); part += n + 1) {
		*ret_scope = part;
		*ret_n = n;
		if (n > 6 && !strncmp(part + n - 6, ".scope", 6))
			return true;
		if (n <= 6 || strncmp(part + n - 6, ".slice", 6) != 0 || !part[n])
			return false;
	}
	return false;
}

/* ---- ids ---- */

/* What a VM is called. */
struct calling {
	const char *word;
	struct vm_draft *d;
	bool is_id;
};

struct callings {
	ARRAY(struct calling) v;
};

static int by_word(const void *a, const void *b)
{
	const struct calling *x = a, *y = b;
	int r = strcmp(x->word, y->word);
	return r ? r : (x->d > y->d) - (x->d < y->d);
}

static void add_calling(struct callings *all, const char *word, struct vm_draft *d, bool is_id)
{
	if (word)
		*array_push(&all->v) = (struct calling){ word, d, is_id };
}

static void list_callings(struct vm_search *f, struct callings *ret)
{
	array_for_each (d, &f->drafts) {
		if (d->is_dropped)
			continue;
		add_calling(ret, d->vm.id, d, true);
		add_calling(ret, d->vm.name, d, false);
		add_calling(ret, d->vm.uuid, d, false);
	}
	if (ret->v.n)
		qsort(ret->v.v, ret->v.n, sizeof *ret->v.v, by_word);
}

static bool is_taken(const struct callings *all, const char *word)
{
	size_t i = lower_bound(c, all->v.v, all->v.n, strcmp(c->word, word) < 0);
	return i < all->v.n && streq(all->v.v[i].word, word);
}

/* The pid, unless somebody is called so. */
static void take_pid(struct vm_search *f, const struct callings *all, struct vm_draft *d, size_t n)
{
	AUTO_FREE char *id = xasprintf("%d", d->vm.pid);
	vm_note(f, d, "%zu VMs are called '%s': this one goes by its pid", n, d->vm.id);
	while (is_taken(all, id)) {
		AUTO_FREE char *taken = TAKE(id);
		id = xasprintf("pid:%s", taken);
	}
	d->vm.id = arena_strdup(f->arena, id);
}

/* One word, and all that are called so. */
static void settle_word(
	struct vm_search *f, const struct callings *all, const struct calling *group, size_t n)
{
	size_t n_vms = 0, n_managed = 0;
	for (size_t i = 0; i < n; i++) {
		n_vms += !i || group[i].d != group[i - 1].d;
		n_managed += group[i].is_id && group[i].d->vm.is_managed;
	}
	for (size_t i = 0; i < n && n_vms > 1; i++)
		if (group[i].is_id && (!group[i].d->vm.is_managed || n_managed > 1))
			take_pid(f, all, group[i].d, n_vms);
}

void vm_ids_unique(struct vm_search *f)
{
	struct callings all = { 0 };
	list_callings(f, &all);
	for (size_t i = 0, end; i < all.v.n; i = end) {
		for (end = i + 1; end < all.v.n && streq(all.v.v[i].word, all.v.v[end].word);)
			end++;
		settle_word(f, &all, all.v.v + i, end - i);
	}
	free(all.v.v);
}
