/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "who.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cpuset.h"
#include "base/str.h"
#include "../machine/machine.h"

enum { NO_SETAFFINITY = 0x04000000 };

struct thread {
	int pid, tid;
	unsigned int flags;
	unsigned long long start;
	char comm[40];
	struct cpuset cpus;
};

struct look {
	const struct machine *m;
	ARRAY(struct thread) threads;
	struct strbuf *said;
};

/* "3085 (CPU 0/KVM) S 1 …": the name ends at the last parenthesis, field 9 are flags, field 22 the
 * start. */
static bool read_stat(const char *text, struct thread *t)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close)
		return false;
	snprintf(t->comm, sizeof t->comm, "%.*s", (int)(close - open - 1), open + 1);
	AUTO_FREE char *rest = xstrdup(close + 2);
	char *next = rest;
	for (int field = 3; field <= 22; field++) {
		const char *word = str_next_word(&next);
		if (!word)
			return false;
		if (field == 9)
			t->flags = (unsigned int)strtoul(word, NULL, 10);
		if (field == 22)
			t->start = strtoull(word, NULL, 10);
	}
	return true;
}

static struct cpuset list_of(const char *text)
{
	struct cpuset set;
	AUTO_FREE char *line = xstrndup(text, strcspn(text, "\n"));
	return cpuset_parse_list(line, &set) < 0 ? CPUSET_EMPTY : set;
}

static void look_at_process(struct look *l, int pid)
{
	AUTO_FREE char *path = xasprintf("%s/proc/%d/task", l->m->dir, pid);
	AUTO_DIR DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		struct thread t = { .pid = pid, .tid = atoi(e->d_name) };
		if (!t.tid ||
			!read_stat(machine_read(l->m, "proc/%d/task/%d/stat", pid, t.tid), &t))
			continue;
		const char *status = machine_read(l->m, "proc/%d/task/%d/status", pid, t.tid);
		const char *at = strstr(status, "Cpus_allowed_list:\t");
		if (at)
			t.cpus = list_of(at + strlen("Cpus_allowed_list:\t"));
		*array_push(&l->threads) = t;
	}
}

static void look(struct look *l)
{
	AUTO_FREE char *path = xasprintf("%s/proc", l->m->dir);
	AUTO_DIR DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		if (atoi(e->d_name))
			look_at_process(l, atoi(e->d_name));
}

static const struct thread *thread_of(const struct look *l, int tid)
{
	array_for_each (t, &l->threads)
		if (t->tid == tid)
			return t;
	return NULL;
}

static int int_of(const json_t *o, const char *key)
{
	return (int)json_integer_value(json_object_get(o, key));
}

static struct cpuset cpus_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text ? list_of(text) : CPUSET_EMPTY;
}

static mode_t file_mode(const char *path)
{
	struct stat st;
	return stat(path, &st) < 0 ? 0 : st.st_mode;
}

static bool is_serving(const struct thread *t, int pid)
{
	AUTO_FREE char *pit = xasprintf("kvm-pit/%d", pid), *vhost = xasprintf("vhost-%d", pid);
	return t->pid == pid || streq(t->comm, pit) || streq(t->comm, vhost);
}

static void judge_claim(struct look *l, const char *vm, int pid, const struct cpuset *claim)
{
	array_for_each (t, &l->threads) {
		if (!is_serving(t, pid) && !(t->flags & NO_SETAFFINITY) &&
			cpuset_intersects(&t->cpus, claim))
			strbuf_printf(
				l->said, "%s: thread %d (%s) may run there\n", vm, t->tid, t->comm);
	}
	AUTO_FREE char *path = xasprintf("%s/proc/irq", l->m->dir);
	AUTO_DIR DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		AUTO_FREE char *file = xasprintf("%s/%s/smp_affinity_list", path, e->d_name);
		struct cpuset cpus =
			list_of(machine_read(l->m, "proc/irq/%s/smp_affinity_list", e->d_name));
		/* without write permission: the kernel's own */
		if (e->d_name[0] != '.' && file_mode(file) & 0222 &&
			cpuset_intersects(&cpus, claim))
			strbuf_printf(l->said, "%s: interrupt %s goes there\n", vm, e->d_name);
	}
}

static void judge_vcpus(struct look *l, const char *vm, const json_t *vcpus)
{
	const json_t *o;
	size_t i;
	json_array_foreach (vcpus, i, o) {
		const struct thread *t = thread_of(l, int_of(o, "tid"));
		struct cpuset said = cpus_of(o, "cpus");
		if (!t || !cpuset_equal(&t->cpus, &said))
			strbuf_printf(l->said, "%s: vCPU %d is not where it is said to be\n", vm,
				int_of(o, "vcpu"));
	}
}

static void judge_vm(struct look *l, const json_t *o)
{
	const char *vm = json_string_value(json_object_get(o, "vm"));
	const char *level = json_string_value(json_object_get(o, "level"));
	const struct thread *t = thread_of(l, int_of(o, "pid"));
	struct cpuset claim = cpus_of(o, "claim");
	if (!t || t->start != (unsigned long long)json_integer_value(json_object_get(o, "start"))) {
		strbuf_printf(l->said, "%s: ended\n", vm);
		return;
	}
	judge_vcpus(l, vm, json_object_get(o, "vcpus"));
	if (level && (streq(level, "fenced") || streq(level, "isolated")))
		judge_claim(l, vm, t->pid, &claim);
}

char *who_contradicts(const struct machine *m, const json_t *status)
{
	AUTO_STRBUF struct strbuf said = { 0 };
	struct look l = { .m = m, .said = &said };
	const json_t *o;
	size_t i;
	look(&l);
	json_array_foreach (json_object_get(status, "applied"), i, o)
		judge_vm(&l, o);
	free(l.threads.v);
	return TAKE(said.s);
}
