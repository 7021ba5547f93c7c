/* SPDX-License-Identifier: GPL-2.0-or-later */
/* I4: killed around every change of apply, of undo, and of the recovery from that, the machine is
 * as it was in the end, and until then status says so and touches nothing. I2: the journal alone
 * brings it back, so that whatever was done stood in it before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

struct scene {
	enum root_kind kind;
	const char *apply;
	int step, depth_step; /* every how many-th change */
};

/* The first at every change, and on both sides of it. */
static const struct scene scenes[] = {
	{ ROOT_6_12, "apply --vm db01 --isolation isolated", 1, 9 },
	{ ROOT_6_12, "apply --vm db01 --isolation isolated --vm db02 --isolation isolated", 4, 24 },
	{ ROOT_7, "apply --vm db01 --isolation isolated", 4, 24 },
	{ ROOT_6_1, "apply --vm db01 --isolation fenced", 4, 24 },
	{ ROOT_PLAIN, "apply --vm db01 --isolation isolated", 4, 24 },
	{ ROOT_6_12, "apply --vm db01 --isolation pinned", 2, 8 },
	{ ROOT_6_12,
		"apply --housekeeping 0-5,12-17 --vm db01 --memory strict --migrate-memory "
		"--isolation isolated",
		4, 24 },
};

static bool same(struct machine *m, const struct image *i, bool with_state, const char *what)
{
	const char *why = image_differs(m, i, with_state);
	if (why)
		printf("# %s\n%s", what, why);
	return !why;
}

static bool is_code(struct machine *m, int code, int wanted, const char *what)
{
	if (code != wanted)
		printf("# %s: exit code %d instead of %d\n# %s\n", what, code, wanted, m->output);
	return code == wanted;
}

/* Something is unfinished: status says it, and changes nothing. */
static bool status_is_right(struct machine *m)
{
	struct image *before = image_take(m);
	int code = machine_run(m, NULL, "status --json");
	bool is_right = is_code(m, code, 1, "status");
	if (is_right && !strstr(m->output, "\"unfinished\"")) {
		printf("# status does not say \"unfinished\": %s\n", m->output);
		is_right = false;
	}
	is_right &= same(m, before, true, "changed by status");
	image_free(before);
	return is_right;
}

static bool recovers(struct machine *m)
{
	const char *why;
	bool is_right = is_code(m, machine_run(m, NULL, "undo --all"), 0, "undo");
	if (!machine_is_pristine(m, &why)) {
		printf("# not as it was:\n%s\n", why);
		is_right = false;
	}
	return is_right;
}

typedef void then_fn(struct machine *m, const struct scene *s, const char *name, int k);

/* One kill, and back. */
static void kill_at(struct machine *m, const char *args, const char *side, int k, const char *name,
	then_fn *then, const struct scene *s)
{
	char fault[40];
	snprintf(fault, sizeof fault, "%s:%d", side, k);
	AUTO_FREE char *title = xasprintf("I2, I4: %s, %s", name, fault);
	if (!is_code(m, machine_run(m, fault, args), KILLED, title)) {
		ok(false, "%s", title);
		return;
	}
	struct image *killed = then ? image_take(m) : NULL;
	bool has_journal = machine_has(m, "run/wideberth/journal");
	bool is_right = status_is_right(m);
	ok(has_journal && is_right & recovers(m), "%s", title);
	if (!killed)
		return;
	image_put(m, killed);
	then(m, s, title, k);
	image_free(killed);
}

/* From the state that is there: killed at every step-th change of the command. Between a change
 * and the next nothing happens but reading: "before" adds to "after" only where step is 1. */
static void kill_each(struct machine *m, const char *args, int first, int n, int step,
	const char *name, then_fn *then, const struct scene *s)
{
	struct image *start = image_take(m);
	for (int k = first; k <= n; k += step) {
		bool is_deep = then && k % s->depth_step == 0;
		if (step == 1 || k == first) {
			image_put(m, start);
			kill_at(m, args, "kill-before", k, name, NULL, s);
		}
		image_put(m, start);
		kill_at(m, args, "kill-after", k, name, is_deep ? then : NULL, s);
	}
	image_put(m, start);
	image_free(start);
}

/* The recovery itself is killed, at other places each time. */
static void kill_recovery(struct machine *m, const struct scene *s, const char *name, int k)
{
	enum { STEP = 5 };
	struct image *start = image_take(m);
	int n = machine_count(m, "undo --all");
	AUTO_FREE char *title = xasprintf("%s, then its recovery", name);
	image_put(m, start);
	kill_each(m, "undo --all", 1 + k / s->depth_step % STEP, n, STEP, title, NULL, s);
	image_free(start);
}

static void play(const struct scene *s)
{
	struct machine *m = machine_new(s->kind);
	AUTO_FREE char *name = xasprintf("%s: %s", root_names[s->kind], s->apply);
	AUTO_FREE char *undo = xasprintf("%s, undo", name);
	int n = machine_count(m, s->apply);
	same_int(machine_run(m, NULL, "status"), 0, "%s: applied, %d changes", name, n);
	ok(n > 3, "%s: has changes to be killed at", name);
	struct image *applied = image_take(m);
	int n_undo = machine_count(m, "undo --all");
	machine_reset(m);
	kill_each(m, s->apply, 1, n, s->step, name, kill_recovery, s);
	image_put(m, applied);
	kill_each(m, "undo --all", 1, n_undo, s->step, undo, kill_recovery, s);
	image_free(applied);
	machine_free(m);
}

/* An apply after a kill needs no undo in between. */
static void apply_recovers(void)
{
	const struct scene *s = &scenes[2];
	struct machine *m = machine_new(s->kind);
	int n = machine_count(m, s->apply);
	struct image *applied = image_take(m);
	for (int k = 1; k <= n; k += 6) {
		char fault[40];
		snprintf(fault, sizeof fault, "kill-after:%d", k);
		machine_reset(m);
		machine_run(m, fault, s->apply);
		int code = machine_run(m, NULL, s->apply);
		bool is_done = is_code(m, code, 0, "apply");
		is_done &= same(m, applied, false, "not as applied");
		ok(is_done, "apply after an apply that was killed at %d", k);
	}
	image_free(applied);
	machine_free(m);
}

/* The vCPU of db02 has one of these CPUs. */
static bool is_on(const struct machine *m, int tid, const struct cpuset *cpus)
{
	static const char key[] = "Cpus_allowed_list:\t";
	const char *at = strstr(machine_read(m, "proc/%d/task/%d/status", DB02, tid), key);
	AUTO_FREE char *list =
		at ? xstrndup(at + strlen(key), strcspn(at + strlen(key), "\n")) : NULL;
	struct cpuset is;
	return list && cpuset_parse_list(list, &is) == 0 && cpuset_count(&is) == 1 &&
		cpuset_is_subset(&is, cpus);
}

struct moving {
	const char *name, *commands[3], *repack;
};

static const struct moving movings[] = {
#define WIDE " --isolation isolated --housekeeping 0,6-9,12,18-21"
	/* db01 fits on the first socket once db02, which is in force there, is on the second. */
	{ "a move",
		{ "apply --vm db01" WIDE, "apply --vm db02 --movable memory" WIDE, "undo db01" },
		"apply --vm db01 --spare 6 --repack" WIDE },
#define NARROW " --isolation isolated --housekeeping 0-3,6-7,12-15,18-19"
	/* db01, which is in force, fits on the second socket once db02 has left it, which fits on
	 * the first only when db01 has. */
	{ "a swap", { "apply --vm db01" NARROW, "apply --vm db02 --movable memory" NARROW },
		"apply --vm db01 --spare 4 --repack" NARROW },
};

static void move(const struct moving *x)
{
	struct machine *m = machine_new(ROOT_6_12);
	struct cpuset before, after, now;
	for (size_t i = 0; i < N_ELEMENTS(x->commands) && x->commands[i]; i++)
		machine_run(m, NULL, x->commands[i]);
	static const char file[] = "sys/fs/cgroup/qemu.slice/101.scope/vcpus/cpuset.cpus.exclusive";
	bool is_read = cpuset_parse_list(machine_read(m, file), &before) == 0;
	struct image *in_force = image_take(m);
	int n = machine_count(m, x->repack);
	is_read = is_read && cpuset_parse_list(machine_read(m, file), &after) == 0;
	ok(is_read && !cpuset_is_empty(&after) && !cpuset_intersects(&before, &after),
		"%s: a VM in force is moved", x->name);
	image_put(m, in_force);
	kill_each(m, x->repack, 1, n, 3, x->name, NULL, &scenes[1]);
	for (int k = 2; k <= n; k += 6) {
		char fault[40];
		snprintf(fault, sizeof fault, "kill-after:%d", k);
		machine_run(m, fault, x->repack);
		int code = machine_run(m, NULL, "undo db01");
		bool is_back = code == 0 || code == 3; /* 3: nothing of it is in force */
		is_back = is_back && cpuset_parse_list(machine_read(m, file), &now) == 0 &&
			cpuset_equal(&now, &before);
		ok(is_back && is_on(m, 4088, &now) && is_on(m, 4089, &now),
			"%s, killed at %d: who moved is back where it was", x->name, k);
		image_put(m, in_force);
	}
	image_free(in_force);
	machine_free(m);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < N_ELEMENTS(scenes); i++)
		if (argc < 2 || atoi(argv[1]) == (int)i)
			play(&scenes[i]);
	apply_recovers();
	for (size_t i = 0; i < N_ELEMENTS(movings); i++)
		move(&movings[i]);
	return tap_done();
}
