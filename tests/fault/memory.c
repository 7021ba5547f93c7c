/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply --migrate-memory: the pages of a VM that runs go to the node of its CPUs, by its unit and
 * only where that was asked for; what undo gives back and what stays is as the plan said. Judged by
 * plain reads of a host whose kernel moves pages as the real one does. */
#include <stdio.h>
#include <string.h>

#include "../machine/life.h"
#include "../machine/machine.h"
#include "../unit/tap.h"
#include "base/alloc.h"
#include "base/str.h"

#define SCOPE  "sys/fs/cgroup/qemu.slice/100.scope"
#define STAT   SCOPE "/memory.numa_stat"
#define MEMS   SCOPE "/cpuset.mems"
#define DROPIN "run/systemd/transient/100.scope.d/50-AllowedMemoryNodes.conf"
/* Node 0 is the host's: the VM's CPUs are on node 1, its memory is not. */
#define ON_1   " --housekeeping 0-5,12-17 --vm db01 --isolation isolated --memory strict"
#define MOVING ON_1 " --migrate-memory"

static const char maps[] = "proc/3085/numa_maps";

static void put_memory(const struct machine *m)
{
	machine_write(m, STAT, "anon N0=2147483648 N1=1048576\nfile N0=4096 N1=0\n");
	machine_write(m, maps, "7f00 default anon=12 dirty=12 N0=9 N1=3 kernelpagesize_kB=4\n");
}

static bool is_on(const struct machine *m, int node)
{
	AUTO_FREE char *other = xasprintf(" N%d=", !node), *own = xasprintf(" N%d=", node);
	const char *text = machine_read(m, "%s", maps);
	return strstr(text, own) && !strstr(text, other);
}

static bool says(struct machine *m, int code, const char *args, const char *text)
{
	int is = machine_run(m, NULL, args);
	AUTO_FREE char *line = xstrdup(m->output);
	for (char *at = line; *at; at++) /* as it would stand on one line */
		*at = *at == '\n' ? ' ' : *at;
	size_t n = 0;
	for (const char *at = line; *at; at++)
		if (*at != ' ' || (n && line[n - 1] != ' '))
			line[n++] = *at;
	line[n] = 0;
	bool is_right = is == code && strstr(line, text);
	if (!is_right)
		printf("# exit code %d, no '%s' in\n# %s\n", is, text, line);
	return is_right;
}

/* What pages there are is no setting, and is given back where it does not matter. */
static bool is_as_before(const struct machine *m, const struct image *before)
{
	put_memory(m);
	const char *why = image_differs(m, before, false);
	if (why)
		printf("# %s\n", why);
	return !why;
}

static void moves(enum root_kind kind)
{
	const char *name = root_names[kind];
	struct machine *m = machine_new(kind);
	put_memory(m);
	struct image *before = image_take(m);
	ok(says(m, 0, "plan" ON_1, "--migrate-memory") && !strstr(m->output, "cgroup.mems"),
		"%s: without being asked, nothing is to be moved", name);
	same_int(machine_run(m, NULL, "apply" ON_1), 0, "%s: applied so", name);
	ok(!is_on(m, 1) && !machine_has(m, DROPIN), "... and nothing is");
	ok(says(m, 0, "apply --dry-run" MOVING, "its memory is held on node 1"),
		"%s: a dry run tells of it", name);
	ok(!is_on(m, 1), "... and moves nothing");
	same_int(machine_run(m, NULL, "apply" MOVING), 0, "%s: asked for", name);
	ok(is_on(m, 1), "... it is on the node of its CPUs: %s", machine_read(m, "%s", maps));
	same_str(machine_read(m, MEMS), "1", "... and is held there");
	ok(machine_has(m, DROPIN) == (kind != ROOT_PLAIN), "... by its unit, where it has one");
	same_int(machine_run(m, NULL, "status"), 0, "... as status says");
	same_int(machine_run(m, NULL, "apply" ON_1), 0, "%s: applied again, not asked for", name);
	same_str(machine_read(m, MEMS), "1", "... it is held on");
	same_int(machine_run(m, NULL, "undo --all"), 0, "%s: undone", name);
	ok(is_on(m, 1), "... pages stay");
	ok(is_as_before(m, before), "... and every setting is back");
	image_free(before);
	machine_free(m);
}

/* Another VM that comes and goes leaves it where it is; systemd's reload, too. */
static void stays_held(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	put_memory(m);
	same_int(machine_run(m, NULL, "apply" MOVING), 0, "db01 is moved");
	same_int(machine_run(m, NULL, "apply --vm db02 --isolation isolated"), 0, "then db02");
	daemon_reload(m);
	same_int(machine_run(m, NULL, "undo db02"), 0, "... which goes");
	same_str(machine_read(m, MEMS), "1", "db01 is held on");
	ok(machine_has(m, DROPIN), "... by its unit");
	machine_write(m, MEMS, "0\n");
	ok(says(m, 1, "status", "cgroup.mems"), "somebody gives it another node: status says it");
	same_int(machine_run(m, NULL, "apply" ON_1), 0, "... and apply");
	same_str(machine_read(m, MEMS), "1", "... holds it again");
	machine_free(m);
}

/* Where others keep the controller on, kernels before 7.0 keep the list, and the plan says so. */
static void residue(enum root_kind kind)
{
	bool keeps = kind != ROOT_7;
	const char *name = root_names[kind];
	struct machine *m = machine_new(kind);
	put_memory(m);
	struct cpuset all = cpuset_of(0);
	for (int cpu = 1; cpu < 24; cpu++)
		cpuset_add(&all, cpu);
	foreign_unit_cpus(m, "100.scope", &all);
	same_int(machine_run(m, NULL, "--json plan" MOVING), 0, "%s: a plan", name);
	ok((strstr(m->output,
		    "\"knob\":\"cgroup.mems\",\"key\":"
		    "\"qemu.slice/100.scope\",\"value\":\"0-1\"") != NULL) == keeps,
		"... says whether its list will stay");
	same_int(machine_run(m, NULL, "plan" MOVING " --isolation fenced"), 0, "%s: fenced", name);
	bool are_apart = strstr(m->output, "stay after undo: cgroup.mems '0-1' of") &&
		strstr(m->output, "stay after undo: cgroup.cpus '0-23' of");
	ok(are_apart == keeps, "... text says of each list what it will be");
	same_int(machine_run(m, NULL, "apply" MOVING), 0, "%s: applied", name);
	same_int(machine_run(m, NULL, "undo --all"), keeps ? 4 : 0, "%s: undone", name);
	same_str(machine_read(m, MEMS), keeps ? "0-1" : "", "... and so it is");
	ok(!machine_has(m, DROPIN), "... but for its unit, which forgets it");
	machine_free(m);
}

/* ---- what is refused, with the reason ---- */

static void put_in_scope(const struct machine *m, int pid)
{
	AUTO_FREE char *process = xasprintf("proc/%d/cgroup", pid),
		       *thread = xasprintf("proc/%d/task/%d/cgroup", pid, pid),
		       *all = xasprintf("%d\n%s\n", pid, machine_read(m, SCOPE "/cgroup.threads"));
	machine_write(m, process, "0::/qemu.slice/100.scope\n");
	machine_write(m, thread, "0::/qemu.slice/100.scope\n");
	machine_write(m, SCOPE "/cgroup.threads", all);
}

static void by_shell(const struct machine *m)
{
	put_in_scope(m, 500);
}

static void by_hand(const struct machine *m)
{
	machine_name_group(m, "qemu.slice/100.scope", "qemu.slice/hand");
}

static void full(const struct machine *m)
{
	machine_write(m, "sys/devices/system/node/node1/meminfo",
		"Node 1 MemTotal:       65849216 kB\nNode 1 MemFree:        1048576 kB\n");
}

static void in_huge_pages(const struct machine *m)
{
	AUTO_FREE char *status =
		xasprintf("%s\nHugetlbPages:\t 2048 kB\n", machine_read(m, "proc/3085/status"));
	machine_write(m, "proc/3085/status", status);
}

static const struct refused_row {
	const char *name;
	void (*change)(const struct machine *m);
	const char *more, *says;
} refused[] = {
	{ "a scope that is not its own", by_shell, "",
		"100.scope is not its own: bash (500) is in it too" },
	{ "no unit", by_hand, "", "its group qemu.slice/hand is in no scope or service" },
	{ "no room", full, "", "are not on node 1, where its CPUs are, and 1024 MiB are left" },
	{ "huge pages", in_huge_pages, "", "it is in huge pages" },
	{ "no CPUs of its own", NULL, " --cores shared", "it has no CPUs of its own" },
	{ "no group may be changed", NULL, " --isolation pinned",
		"the cpuset controller is not given to its group" },
};

static void refuses(void)
{
	for (size_t i = 0; i < N_ELEMENTS(refused); i++) {
		const struct refused_row *row = &refused[i];
		struct machine *m = machine_new(ROOT_6_12);
		put_memory(m);
		if (row->change)
			row->change(m);
		AUTO_FREE char *args = xasprintf("apply" MOVING "%s", row->more);
		struct image *before = image_take(m);
		ok(says(m, 1, args, row->says), "%s: refused, and said why", row->name);
		const char *why = image_differs(m, before, false);
		ok(!why, "... nothing is changed");
		if (why)
			printf("# %s\n", why);
		AUTO_FREE char *without = xasprintf("plan" ON_1 "%s", row->more);
		same_int(machine_run(m, NULL, without), 0, "... it is no reason without it");
		image_free(before);
		machine_free(m);
	}
}

int main(void)
{
	moves(ROOT_6_12);
	moves(ROOT_7);
	moves(ROOT_PLAIN);
	stays_held();
	residue(ROOT_6_12);
	residue(ROOT_7);
	refuses();
	return tap_done();
}
