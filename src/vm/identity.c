/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who runs a VM, and ids that are nobody else's. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "vm/provider.h"

/* The text behind a key of /proc/PID/status (Documentation/filesystems/proc.rst, table 1-2), or
 * NULL: "Uid:\t1000\t1000\t1000\t1000", "NSpid:\t9000\t12". */
static const char *status_value(const char *status, const char *key)
{
	AUTO_FREE char *line = xasprintf("\n%s:", key);
	const char *at = strstr(status, line);
	return at ? at + strlen(line) : NULL;
}

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
		const char *uid = status_value(status, "Uid"),
			   *pids = status_value(status, "NSpid");
		int inner;
		(void)(uid && sscanf(uid, "%d", &vm->uid));
		vm->is_in_container = pids && sscanf(pids, "%*d%*[ \t]%d", &inner) == 1;
	}
	array_for_each (u, &f->users)
		if (u->uid == vm->uid)
			vm->user = u->name;
	if (vm->uid < 0 || vm->user)
		return;
	vm->user = user_name(f, vm->uid);
	*array_push(&f->users) = (struct vm_user){ vm->uid, vm->user };
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
	struct vm *vm;
	bool is_id;
};

struct callings {
	ARRAY(struct calling) v;
};

static int by_word(const void *a, const void *b)
{
	const struct calling *x = a, *y = b;
	int r = strcmp(x->word, y->word);
	return r ? r : (x->vm > y->vm) - (x->vm < y->vm);
}

static void add_calling(struct callings *all, const char *word, struct vm *vm, bool is_id)
{
	if (word)
		*array_push(&all->v) = (struct calling){ word, vm, is_id };
}

static void list_callings(const struct vms *v, struct callings *ret)
{
	for (size_t i = 0; i < v->n_vms; i++) {
		struct vm *vm = &v->vms[i];
		add_calling(ret, vm->id, vm, true);
		add_calling(ret, vm->name, vm, false);
		add_calling(ret, vm->uuid, vm, false);
	}
	if (ret->v.n)
		qsort(ret->v.v, ret->v.n, sizeof *ret->v.v, by_word);
}

static bool is_taken(const struct callings *all, const char *word)
{
	size_t low = 0, high = all->v.n;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int r = strcmp(all->v.v[mid].word, word);
		if (r == 0)
			return true;
		if (r < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static void add_note(struct arena *a, struct vm *vm, const char *text)
{
	const char **notes = arena_alloc(a, (vm->n_notes + 1) * sizeof *notes);
	for (size_t i = 0; i < vm->n_notes; i++)
		notes[i] = vm->notes[i];
	notes[vm->n_notes++] = text;
	vm->notes = notes;
}

/* The pid, unless somebody is called so. */
static void take_pid(struct vms *v, const struct callings *all, struct vm *vm, size_t n)
{
	AUTO_FREE char *id = xasprintf("%d", vm->pid);
	add_note(&v->arena, vm,
		arena_printf(
			&v->arena, "%zu VMs are called '%s': this one goes by its pid", n, vm->id));
	while (is_taken(all, id)) {
		AUTO_FREE char *taken = TAKE(id);
		id = xasprintf("pid:%s", taken);
	}
	vm->id = arena_strdup(&v->arena, id);
}

/* One word, and all that are called so. */
static void settle_word(
	struct vms *v, const struct callings *all, const struct calling *group, size_t n)
{
	size_t n_vms = 0, n_managed = 0;
	for (size_t i = 0; i < n; i++) {
		n_vms += !i || group[i].vm != group[i - 1].vm;
		n_managed += group[i].is_id && group[i].vm->is_managed;
	}
	for (size_t i = 0; i < n && n_vms > 1; i++)
		if (group[i].is_id && (!group[i].vm->is_managed || n_managed > 1))
			take_pid(v, all, group[i].vm, n_vms);
}

void vm_ids_unique(struct vms *v)
{
	struct callings all = { 0 };
	list_callings(v, &all);
	for (size_t i = 0, end; i < all.v.n; i = end) {
		for (end = i + 1; end < all.v.n && streq(all.v.v[i].word, all.v.v[end].word);)
			end++;
		settle_word(v, &all, all.v.v + i, end - i);
	}
	free(all.v.v);
}
