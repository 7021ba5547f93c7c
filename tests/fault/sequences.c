/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random sequences of what happens to a host: VMs start, stop, restart, get a vCPU; wideberth is
 * run, and killed at a random change; others change what is theirs and ours; systemd reloads. All
 * but wideberth also happens to a second host. In the end, with everything undone, the two are
 * alike: each value is what it was or what somebody else made it, no CPU is lost. After each step
 * status agrees with who.h.
 *
 * fault-sequences FIRST COUNT: the seeds; the same seed is the same sequence. A failure prints it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/str.h"
#include "../machine/life.h"
#include "../machine/machine.h"
#include "../machine/random.h"
#include "../unit/tap.h"
#include "who.h"

enum { N_GUESTS = 3, N_STEPS = 10 };

/* A file that somebody else wrote to, and what. */
struct touch {
	char *path;
	struct cpuset cpus;
};

struct world {
	struct machine *m, *other; /* other: wideberth is never run there */
	struct guest guests[N_GUESTS];
	uint64_t random, now;
	int next_pid;
	ARRAY(struct touch) touched;
	struct strbuf log;
	bool is_wrong;
};

static unsigned int pick(struct world *w, unsigned int n)
{
	return (unsigned int)((random_next(&w->random) >> 11) % n);
}

PRINTF_LIKE(2, 3) static void note(struct world *w, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	strbuf_printf(&w->log, "# %s\n", text);
}

PRINTF_LIKE(2, 3) static void wrong(struct world *w, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	strbuf_printf(&w->log, "# WRONG: %s\n", text);
	w->is_wrong = true;
}

/* One that runs, or does not; NULL. */
static struct guest *pick_guest(struct world *w, bool is_running)
{
	struct guest *v[N_GUESTS];
	unsigned int n = 0;
	for (size_t i = 0; i < N_GUESTS; i++)
		if ((w->guests[i].pid != 0) == is_running)
			v[n++] = &w->guests[i];
	return n ? v[pick(w, n)] : NULL;
}

/* ---- what happens to both hosts ---- */

static void start(struct world *w, struct guest *g)
{
	int pid = w->next_pid;
	w->next_pid += 1000;
	w->now += 100;
	struct guest same = *g;
	guest_start(w->m, &same, pid, w->now);
	guest_start(w->other, g, pid, w->now);
	note(w, "start %s as %d", g->name, pid);
}

static void stop(struct world *w, struct guest *g)
{
	struct guest same = *g;
	note(w, "stop %s (%d)", g->name, g->pid);
	guest_stop(w->m, &same);
	guest_stop(w->other, g);
	g->n_vcpus = 2;
}

static void add_vcpu(struct world *w, struct guest *g)
{
	struct guest same = *g;
	note(w, "hot-plug vCPU %d of %s", g->n_vcpus, g->name);
	guest_add_vcpu(w->m, &same);
	guest_add_vcpu(w->other, g);
}

PRINTF_LIKE(3, 4)
static void touch(struct world *w, const struct cpuset *cpus, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	*array_push(&w->touched) = (struct touch){ xvasprintf(fmt, ap), *cpus };
	va_end(ap);
}

static struct cpuset pick_cpus(struct world *w)
{
	struct cpuset cpus = CPUSET_EMPTY;
	for (unsigned int n = 1 + pick(w, 6); n; n--)
		cpuset_add(&cpus, (int)pick(w, 24));
	return cpus;
}

static void meddle(struct world *w)
{
	static const int irqs[] = { 9, 24, 26, 27, 28 }, tids[] = { 61, 420, 500, 700 };
	struct cpuset cpus = pick_cpus(w);
	AUTO_FREE char *list = cpuset_format_list(&cpus);
	if (pick(w, 2)) {
		int irq = irqs[pick(w, N_ELEMENTS(irqs))];
		note(w, "somebody moves interrupt %d to %s", irq, list);
		foreign_irq(w->m, irq, &cpus);
		foreign_irq(w->other, irq, &cpus);
		touch(w, &cpus, "proc/irq/%d/smp_affinity_list", irq);
		touch(w, &cpus, "proc/irq/%d/effective_affinity_list", irq);
		return;
	}
	int tid = tids[pick(w, N_ELEMENTS(tids))];
	note(w, "somebody pins thread %d to %s", tid, list);
	foreign_affinity(w->m, tid, &cpus);
	foreign_affinity(w->other, tid, &cpus);
	touch(w, &cpus, "proc/%d/status", tid);
	touch(w, &cpus, "proc/%d/task/%d/status", tid, tid);
	touch(w, &cpus, "proc/%d/task/%d/asked", tid, tid);
}

/* ---- wideberth ---- */

static char *apply_args(struct world *w)
{
	static const char *const levels[] = { "isolated", "fenced", "pinned" };
	static const char *const wishes[] = { "", "", " --cores shared --place any",
		" --cores one-thread", " --emulator own --iothreads own", " --cores thread" };
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "apply");
	bool is_any = false;
	for (size_t i = 0; i < N_GUESTS; i++) {
		const struct guest *g = &w->guests[i];
		bool is_last = i == N_GUESTS - 1 && !is_any;
		if (!g->pid || !(pick(w, 2) || is_last))
			continue;
		is_any = true;
		strbuf_printf(&b, " --vm %s --isolation %s%s", g->name, levels[pick(w, 3)],
			wishes[pick(w, N_ELEMENTS(wishes))]);
	}
	return is_any ? TAKE(b.s) : NULL;
}

static char *undo_args(struct world *w)
{
	unsigned int which = pick(w, N_GUESTS + 1);
	return which == N_GUESTS ? xstrdup("undo --all")
				 : xasprintf("undo %s", w->guests[which].name);
}

static void run(struct world *w, const char *fault, const char *args)
{
	int code = machine_run(w->m, fault, args);
	note(w, "%s%s%s -> %d", args, fault ? ", " : "", fault ? fault : "", code);
	/* 1: a VM was refused, or somebody changed it since. 2: it cannot be meant so. 3: nothing
	 * is applied for that VM. */
	if (code <= 2 || (fault && code == KILLED) || (code == 3 && str_after(args, "undo db")))
		return;
	wrong(w, "exit %d: %s", code, w->m->output);
}

static void wideberth(struct world *w, bool is_killed)
{
	char fault[32];
	AUTO_FREE char *args = pick(w, 3) ? apply_args(w) : undo_args(w);
	snprintf(fault, sizeof fault, "kill-%s:%u", pick(w, 2) ? "after" : "before",
		1 + pick(w, 40));
	if (args)
		run(w, is_killed ? fault : NULL, args);
}

/* What status says is so; it is content only when all is well; and it changes nothing. */
static void look(struct world *w)
{
	json_error_t error;
	int code = machine_run(w->m, NULL, "--json status");
	bool is_unfinished = machine_has(w->m, "run/wideberth/journal");
	json_t *status = json_loads(w->m->output, 0, &error);
	if (!status || code > 1) {
		wrong(w, "status: exit %d: %s", code, w->m->output);
		return;
	}
	AUTO_FREE char *why = is_unfinished
		? xstrdup("the journal of something unfinished is there")
		: who_contradicts(w->m, status);
	if (why && code == 0)
		wrong(w, "status is content, but: %s", why);
	if (machine_has(w->m, ".leaked"))
		wrong(w, "the kernel lost CPUs %s", machine_read(w->m, ".leaked"));
	if (is_unfinished && !json_object_get(status, "unfinished"))
		wrong(w, "status does not say that something is unfinished");
	json_decref(status);
}

/* ---- the end ---- */

static char *text_of(const struct machine *m, const char *path)
{
	return machine_has(m, path) ? xstrdup(machine_read(m, "%s", path)) : NULL;
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

/* While CPUs are claimed a thread is given what is left of what somebody wants for it; the kernel
 * keeps the whole of it in mind, but nobody can read that. So a part of it does. And what somebody
 * wanted before apply is what undo gives back, whatever he wanted meanwhile. */
static bool is_part_of_theirs(const struct world *w, const char *path, const char *text)
{
	static const char key[] = "Cpus_allowed_list:\t";
	const char *at = text ? strstr(text, key) : NULL;
	struct cpuset is;
	if (!text || str_has_suffix(path, "/asked"))
		return str_has_suffix(path, "/asked");
	at = at ? at + strlen(key) : text;
	AUTO_FREE char *list = xstrndup(at, strcspn(at, "\n"));
	if (cpuset_parse_list(list, &is) < 0)
		return false;
	array_for_each (t, &w->touched)
		if (streq(t->path, path) && cpuset_is_subset(&is, &t->cpus))
			return true;
	return false;
}

/* A file that others wrote to has their value, or what it was in the beginning, where that was
 * already ours to give back. */
static void settle(struct world *w, const struct machine *pristine)
{
	array_for_each (t, &w->touched) {
		AUTO_FREE char *is = text_of(w->m, t->path), *was = text_of(pristine, t->path);
		AUTO_FREE char *theirs = text_of(w->other, t->path);
		if (!is_same(is, theirs) && !is_same(is, was) && !is_part_of_theirs(w, t->path, is))
			wrong(w, "%s: '%s', neither '%s' nor '%s'", t->path, is ? is : "",
				theirs ? theirs : "", was ? was : "");
		AUTO_FREE char *command = theirs ? xasprintf("cp '%s/%s' '%s/%s'", w->other->dir,
							   t->path, w->m->dir, t->path)
						 : xasprintf("rm -f '%s/%s'", w->m->dir, t->path);
		if (system(command) != 0)
			wrong(w, "%s", command);
	}
}

static void finish(struct world *w, const struct machine *pristine)
{
	run(w, NULL, "undo --all");
	settle(w, pristine);
	struct image *other = image_take(w->other);
	const char *differs = image_differs(w->m, other, false);
	if (differs)
		wrong(w, "not as on the host without wideberth:\n%s", differs);
	image_free(other);
}

/* ---- sequences ---- */

/* Known, and not mended yet: a vCPU that is added while something is unfinished has the mask that
 * QEMU's main thread had for the moment, and keeps it. */
static bool is_begun(const struct world *w)
{
	return machine_has(w->m, "run/wideberth/journal");
}

static void step(struct world *w)
{
	unsigned int what = pick(w, 20);
	struct guest *g = NULL;
	if (what < 7)
		wideberth(w, false);
	else if (what < 10)
		wideberth(w, true);
	else if (what < 12 && (g = pick_guest(w, false)))
		start(w, g);
	else if (what < 14 && (g = pick_guest(w, true)))
		stop(w, g);
	else if (what < 16 && (g = pick_guest(w, true))) {
		stop(w, g);
		start(w, g);
	} else if (what < 17 && (g = pick_guest(w, true)) && g->n_vcpus < 5 && !is_begun(w))
		add_vcpu(w, g);
	else if (what < 19)
		meddle(w);
	else {
		note(w, "daemon-reload");
		daemon_reload(w->m);
		daemon_reload(w->other);
	}
}

static void play(struct world *w, const struct machine *pristine, unsigned int seed)
{
	static const struct guest guests[N_GUESTS] = {
		{ "db01", "100.scope", DB01, 4, 0 },
		{ "db02", "101.scope", DB02, 2, 0 },
		{ "db03", "102.scope", 0, 2, 0 },
	};
	memcpy(w->guests, guests, sizeof guests);
	w->random = seed * 0x9e3779b97f4a7c15ULL + 1;
	w->next_pid = 10000;
	w->now = 600000;
	w->log = (struct strbuf){ 0 };
	w->is_wrong = false;
	w->touched.n = 0;
	machine_reset(w->m);
	machine_reset(w->other);
	for (int i = 0; i < N_STEPS && !w->is_wrong; i++) {
		step(w);
		look(w);
	}
	if (!w->is_wrong)
		finish(w, pristine);
	ok(!w->is_wrong, "%s, seed %u", root_names[w->m->kind], seed);
	if (w->is_wrong)
		printf("%s", w->log.s);
	strbuf_done(&w->log);
	array_for_each (t, &w->touched)
		free(t->path);
}

int main(int argc, char **argv)
{
	unsigned int first = argc > 1 ? (unsigned int)atoi(argv[1]) : 1;
	unsigned int count = argc > 2 ? (unsigned int)atoi(argv[2]) : 200;
	for (int kind = 0; kind < N_ROOTS; kind++) {
		struct world w = { .m = machine_new((enum root_kind)kind),
			.other = machine_new((enum root_kind)kind) };
		struct machine *pristine = machine_new((enum root_kind)kind);
		for (unsigned int seed = first; seed < first + count; seed++)
			if (seed % N_ROOTS == (unsigned int)kind)
				play(&w, pristine, seed);
		free(w.touched.v);
		machine_free(w.m);
		machine_free(w.other);
		machine_free(pristine);
	}
	return tap_done();
}
