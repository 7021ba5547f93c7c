/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/str.h"

static void give_up(const char *what)
{
	perror(what);
	exit(99);
}

struct machine *machine_new(enum root_kind kind)
{
	const char *tmp = getenv("TMPDIR");
	struct machine *m = xcalloc(1, sizeof *m);
	m->dir = xasprintf("%s/wideberth-XXXXXX",
		tmp                                     ? tmp
			: access("/dev/shm", W_OK) == 0 ? "/dev/shm"
							: "/tmp");
	if (!mkdtemp(m->dir))
		give_up(m->dir);
	m->kind = kind;
	make_root(m->dir, kind);
	m->pristine = image_take(m);
	m->output = xstrdup("");
	return m;
}

void machine_free(struct machine *m)
{
	AUTO_FREE char *command = xasprintf("rm -rf '%s'", m->dir);
	if (system(command) != 0)
		give_up(m->dir);
	image_free(m->pristine);
	free(m->output);
	free(m->dir);
	free(m);
}

/* ---- running ---- */

static void run_child(const struct machine *m, const char *fault, const char *args, int out)
{
	AUTO_FREE char *words = xstrdup(args);
	const char *program = getenv("WIDEBERTH");
	char name[] = "wideberth", root[] = "--root";
	char *argv[32] = { name, root, m->dir }, *next = words;
	size_t n = 3;
	while (n < N_ELEMENTS(argv) - 1 && (argv[n] = str_next_word(&next)))
		n++;
	if (fault)
		setenv("WIDEBERTH_FAULT", fault, 1);
	if (dup2(out, 1) < 0 || dup2(out, 2) < 0 || !program)
		_exit(98);
	execv(program, argv);
	_exit(98);
}

static char *read_all(int fd)
{
	off_t n = lseek(fd, 0, SEEK_END);
	char *text = xcalloc((size_t)n + 1, 1);
	if (pread(fd, text, (size_t)n, 0) != n)
		give_up("read the output");
	return text;
}

int machine_run(struct machine *m, const char *fault, const char *args)
{
	AUTO_CLOSE int out = memfd_create("output", MFD_CLOEXEC);
	int status;
	fflush(stdout);
	pid_t pid = out < 0 ? -1 : fork();
	if (pid < 0)
		give_up("fork");
	if (pid == 0)
		run_child(m, fault, args, out);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			give_up("waitpid");
	free(m->output);
	m->output = read_all(out);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int machine_count(struct machine *m, const char *args)
{
	AUTO_FREE char *file = xasprintf("%s.count", m->dir);
	AUTO_FREE char *fault = xasprintf("count:%s", file);
	int n = 0;
	machine_run(m, fault, args);
	AUTO_FILE FILE *f = fopen(file, "re");
	if (!f || fscanf(f, "%d", &n) != 1)
		n = 0;
	unlink(file);
	return n;
}

/* ---- files ---- */

const char *machine_read(const struct machine *m, const char *fmt, ...)
{
	static char texts[16][8192];
	static size_t turn;
	char *text = texts[turn++ % N_ELEMENTS(texts)];
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *path = xvasprintf(fmt, ap);
	va_end(ap);
	AUTO_FREE char *full = xasprintf("%s/%s", m->dir, path);
	AUTO_CLOSE int fd = open(full, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof texts[0] - 1);
	text[n > 0 ? n : 0] = 0;
	text[strlen(text) - (n > 0 && text[n - 1] == '\n')] = 0;
	return text;
}

void machine_write(const struct machine *m, const char *path, const char *text)
{
	AUTO_FREE char *full = xasprintf("%s/%s", m->dir, path);
	AUTO_FILE FILE *f = fopen(full, "we");
	if (!f || fputs(text, f) < 0)
		give_up(full);
}

void machine_name_vm(const struct machine *m, int pid, const char *name)
{
	static const char key[] = "guest=";
	char text[4096];
	AUTO_FREE char *path = xasprintf("%s/proc/%d/cmdline", m->dir, pid);
	AUTO_FILE FILE *f = fopen(path, "r+e");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	text[n] = 0;
	char *at = memmem(text, n, key, strlen(key));
	if (!at)
		give_up(path);
	at += strlen(key);
	const char *rest = at + strcspn(at, ",");
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_add(&b, text, (size_t)(at - text));
	for (const char *p = name; *p; p++)
		strbuf_add(&b, *p == ',' ? ",," : p, *p == ',' ? 2 : 1);
	strbuf_add(&b, rest, (size_t)(text + n - rest));
	rewind(f);
	if (fwrite(b.s, 1, b.n, f) != b.n || ftruncate(fileno(f), (off_t)b.n) < 0)
		give_up(path);
}

/* What nftw() cannot hand on. */
static const char *old_line, *new_line;

static int rename_in(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	if (type != FTW_F || !streq(path + at->base, "cgroup"))
		return 0;
	char text[4096];
	AUTO_FILE FILE *f = fopen(path, "r+e");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	text[n] = 0;
	if (!streq(text, old_line))
		return 0;
	rewind(f);
	return fputs(new_line, f) < 0 || ftruncate(fileno(f), (off_t)strlen(new_line)) < 0;
}

void machine_name_group(const struct machine *m, const char *group, const char *name)
{
	AUTO_FREE char *from = xasprintf("%s/sys/fs/cgroup/%s", m->dir, group);
	AUTO_FREE char *to = xasprintf("%s/sys/fs/cgroup/%s", m->dir, name);
	AUTO_FREE char *before = xasprintf("0::/%s\n", group);
	AUTO_FREE char *after = xasprintf("0::/%s\n", name);
	AUTO_FREE char *proc = xasprintf("%s/proc", m->dir);
	old_line = before;
	new_line = after;
	if (rename(from, to) < 0 || nftw(proc, rename_in, 16, FTW_PHYS) != 0)
		give_up(to);
}

bool machine_has(const struct machine *m, const char *path)
{
	AUTO_FREE char *full = xasprintf("%s/%s", m->dir, path);
	return access(full, F_OK) == 0;
}

bool machine_is_pristine(const struct machine *m, const char **ret_why)
{
	static const char *const left[] = { "journal", "ledger", "journal.new", "ledger.new" };
	*ret_why = image_differs(m, m->pristine, false);
	for (size_t i = 0; i < N_ELEMENTS(left) && !*ret_why; i++) {
		AUTO_FREE char *path = xasprintf("run/wideberth/%s", left[i]);
		if (machine_has(m, path))
			*ret_why = left[i];
	}
	return !*ret_why;
}

void machine_reset(struct machine *m)
{
	image_put(m, m->pristine);
}

/* ---- what a VM was promised ---- */

static const struct {
	int first_vcpu, n_vcpus;
	const char *group;
	int others[7]; /* its other threads */
} facts[] = {
	[VM_DB01] = { DB01 + 5, 4, "qemu.slice/100.scope",
		{ DB01, DB01 + 1, DB01 + 2, DB01 + 3, DB01 + 9, DB01 + 10 } },
	[VM_DB02] = { DB02 + 3, 2, "qemu.slice/101.scope", { DB02, DB02 + 1, DB02 + 2, DB02 + 6 } },
};

/* Where a thread may run. */
static struct cpuset mask_of(const struct machine *m, int tid)
{
	int pid = tid >= DB02 ? DB02 : tid >= DB01 && tid < 3100 ? DB01 : tid;
	const char *status = machine_read(m, "proc/%d/task/%d/status", pid, tid);
	const char *at = strstr(status, "Cpus_allowed_list:");
	struct cpuset set = CPUSET_EMPTY;
	if (at) {
		at += strlen("Cpus_allowed_list:");
		AUTO_FREE char *list = xstrndup(at, strcspn(at, "\n"));
		if (cpuset_parse_list(list, &set) < 0)
			return CPUSET_EMPTY;
	}
	return set;
}

static struct cpuset list_in(const struct machine *m, const char *path)
{
	struct cpuset set;
	return cpuset_parse_list(machine_read(m, "%s", path), &set) < 0 ? CPUSET_EMPTY : set;
}

static bool are_vcpus_alone(const struct machine *m, enum test_vm vm, struct cpuset *ret_cpus)
{
	*ret_cpus = CPUSET_EMPTY;
	for (int i = 0; i < facts[vm].n_vcpus; i++) {
		struct cpuset mask = mask_of(m, facts[vm].first_vcpu + i);
		if (cpuset_count(&mask) != 1 || cpuset_intersects(&mask, ret_cpus))
			return false;
		*ret_cpus = cpuset_or(ret_cpus, &mask);
	}
	return true;
}

static bool is_partition_live(const struct machine *m, enum test_vm vm, const struct cpuset *cpus)
{
	AUTO_FREE char *dir = xasprintf("sys/fs/cgroup/%s/vcpus", facts[vm].group);
	AUTO_FREE char *effective = xasprintf("%s/cpuset.cpus.effective", dir);
	AUTO_FREE char *in = xasprintf("0::/%s/vcpus", facts[vm].group);
	struct cpuset root = list_in(m, "sys/fs/cgroup/cpuset.cpus.effective");
	struct cpuset own = list_in(m, effective);
	int pid = vm == VM_DB01 ? DB01 : DB02;
	for (int i = 0; i < facts[vm].n_vcpus; i++)
		if (!streq(machine_read(m, "proc/%d/task/%d/cgroup", pid, facts[vm].first_vcpu + i),
			    in))
			return false;
	return streq(machine_read(m, "%s/cpuset.cpus.partition", dir), "isolated") &&
		cpuset_is_subset(cpus, &own) && !cpuset_intersects(&own, &root);
}

static bool is_listed(const char *immovable, const char *knob, int key)
{
	char what[40];
	snprintf(what, sizeof what, "%s %d\"", knob, key);
	return immovable && strstr(immovable, what);
}

/* A movable interrupt on the CPUs, or -1. */
static int intruding_irq(const struct machine *m, const struct cpuset *cpus, const char *immovable)
{
	static const int irqs[] = { 9, 24, 26, 27, 28 };
	for (size_t i = 0; i < N_ELEMENTS(irqs); i++) {
		AUTO_FREE char *file = xasprintf("proc/irq/%d/smp_affinity_list", irqs[i]);
		struct cpuset set = list_in(m, file);
		if (cpuset_intersects(&set, cpus) && !is_listed(immovable, "irq.affinity", irqs[i]))
			return irqs[i];
	}
	return -1;
}

/* A thread on the CPUs that can be moved, or 0: kernel threads, threads of slices and in none,
 * QEMU's own others. */
static int intruding_thread(
	const struct machine *m, enum test_vm vm, const struct cpuset *cpus, const char *immovable)
{
	static const int everybody[] = { 1, 2, 11, 51, 53, 60, 61, 400, 410, 420, 500, 501, 700 };
	const int *lists[] = { everybody, facts[vm].others };
	size_t n[] = { N_ELEMENTS(everybody), N_ELEMENTS(facts[vm].others) };
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < n[k] && lists[k][i]; i++) {
			int tid = lists[k][i];
			struct cpuset mask = mask_of(m, tid);
			bool is_there = cpuset_intersects(&mask, cpus) || cpuset_is_empty(&mask);
			if (is_there && !is_listed(immovable, "thread.affinity", tid) &&
				!is_listed(immovable, "kthread.affinity", tid) &&
				!is_listed(immovable, "task.affinity", tid))
				return tid;
		}
	return 0;
}

bool vm_is_whole(const struct machine *m, enum test_vm vm, const char *level, const char *immovable,
	const char **ret_why)
{
	static char why[60];
	struct cpuset cpus;
	*why = 0;
	if (!are_vcpus_alone(m, vm, &cpus)) {
		snprintf(why, sizeof why, "its vCPUs have not a CPU each");
	} else if (streq(level, "isolated") && !is_partition_live(m, vm, &cpus)) {
		snprintf(why, sizeof why, "its partition is not live");
	} else if (!streq(level, "pinned")) {
		int irq = intruding_irq(m, &cpus, immovable);
		int tid = intruding_thread(m, vm, &cpus, immovable);
		if (irq >= 0)
			snprintf(why, sizeof why, "interrupt %d is there", irq);
		else if (tid)
			snprintf(why, sizeof why, "thread %d may run there", tid);
	}
	*ret_why = why;
	return !*why;
}
