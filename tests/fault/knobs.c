/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings that several VMs want, that others know of too, or that nobody can read now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "../machine/life.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

static void run_ok(struct machine *m, const char *args)
{
	int code = machine_run(m, NULL, args);
	ok(code == 0, "%s: %s", root_names[m->kind], args);
	if (code)
		printf("# exit code %d: %s\n", code, m->output);
}

static void is_as_it_was(struct machine *m, const char *what)
{
	const char *why;
	ok(machine_is_pristine(m, &why), "%s: as it was", what);
	if (why)
		printf("# %s\n", why);
}

/* ---- one sysctl, two VMs, in every order ---- */

static const char interval[] = "proc/sys/vm/stat_interval";

static void on(struct machine *m, char vm)
{
	run_ok(m,
		vm == 'A' ? "apply --vm db01 --stat-interval 10"
			  : "apply --vm db02 --stat-interval 120");
}

static void off(struct machine *m, char vm)
{
	run_ok(m, vm == 'A' ? "undo db01" : "undo db02");
}

/* Each VM wants at least its own; the baseline is 1, or more than either wants. */
static void two_want_one(void)
{
	static const char *const orders[] = { "AB", "BA" };
	struct machine *m = machine_new(ROOT_6_12);
	for (size_t first = 0; first < 2; first++)
		for (size_t then = 0; then < 2; then++) {
			const char *apply = orders[first], *undo = orders[then];
			on(m, apply[0]);
			same_str(machine_read(m, interval), apply[0] == 'A' ? "10" : "120",
				"%c alone", apply[0]);
			on(m, apply[1]);
			same_str(machine_read(m, interval), "120", "both: the longer one");
			off(m, undo[0]);
			same_str(machine_read(m, interval), undo[0] == 'A' ? "120" : "10",
				"without %c", undo[0]);
			same_int(machine_run(m, NULL, "status"), 0, "... and no drift");
			off(m, undo[1]);
			same_str(machine_read(m, interval), "1", "without both: as it was");
		}
	is_as_it_was(m, "a sysctl that two VMs want");
	machine_write(m, interval, "300\n");
	on(m, 'A');
	same_str(machine_read(m, interval), "300", "longer already");
	off(m, 'A');
	same_str(machine_read(m, interval), "300", "... and not ours to put back");
	machine_free(m);
}

/* ---- done once ---- */

static const char compact[] = "sys/devices/system/node/node0/compact";

/* The file keeps what was written last: emptied, it shows whether it is written again. */
static void is_compacted(struct machine *m, const char *args, bool is_written)
{
	machine_write(m, compact, "");
	run_ok(m, args);
	same_str(machine_read(m, compact), is_written ? "1" : "", "%s: compacted: %d", args,
		is_written);
}

/* Once for a life of a VM, whatever else is applied, and nothing to undo. */
static void compacted_once(void)
{
	static const char both[] = "apply --vm db01 --compact yes --vm db02 --compact yes";
	struct machine *m = machine_new(ROOT_6_12);
	machine_write(m, compact, "");
	image_free(m->pristine);
	m->pristine = image_take(m);
	is_compacted(m, "apply --vm db01", false);
	is_compacted(m, "plan --vm db01 --compact yes", false);
	is_compacted(m, "--json apply --vm db01 --compact yes", true);
	ok(strstr(m->output, "memory.compact"), "it is told");
	is_compacted(m, "apply --vm db01 --compact yes", false);
	is_compacted(m, "status", false);
	is_compacted(m, both, true);
	is_compacted(m, "undo db01", false);
	is_compacted(m, "apply --vm db01 --compact yes", true);
	is_compacted(m, "--json undo --all", false);
	ok(!strstr(m->output, "memory.compact"), "no word of it: nothing is undone");
	is_as_it_was(m, "a node that was compacted");
	machine_free(m);
}

/* ---- what cannot be read ---- */

/* Takes systemd away, and gives it back. */
static void move_systemd(struct machine *m, bool is_away)
{
	AUTO_FREE char *here = xasprintf("%s/run/systemd/system", m->dir);
	AUTO_FREE char *away = xasprintf("%s/run/systemd/away", m->dir);
	if (rename(is_away ? here : away, is_away ? away : here) < 0)
		exit(99);
}

/* Its properties are owed while it cannot be asked: they are no "gone". */
static void systemd_is_away(enum root_kind kind)
{
	struct machine *m = machine_new(kind);
	run_ok(m, "apply --vm db01 --isolation fenced");
	move_systemd(m, true);
	same_int(machine_run(m, NULL, "undo --all"), 4, "systemd cannot be asked: exit 4");
	ok(strstr(m->output, "not restored: unit.allowed_cpus of system.slice"), "... says what");
	ok(machine_has(m, "run/wideberth/ledger"), "... and does not forget it");
	same_int(machine_run(m, NULL, "status"), 1, "... nor does status");
	move_systemd(m, false);
	run_ok(m, "undo --all");
	is_as_it_was(m, "systemd was away");
	machine_free(m);
}

/* An optional setting that cannot be read is said, and stops nothing. */
static void unreadable_setting(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	const char *why;
	machine_write(m, interval, "a lot\n");
	image_free(m->pristine);
	m->pristine = image_take(m);
	run_ok(m, "apply --vm db01 --stat-interval 10");
	ok(strstr(m->output, "stays: vm.stat_interval host: Invalid argument"), "it is said");
	ok(vm_is_whole(m, VM_DB01, "isolated", NULL, &why), "the rest is done");
	run_ok(m, "undo --all");
	is_as_it_was(m, "a setting that cannot be read");
	machine_free(m);
}

/* ---- what others know of too ---- */

/* A group that has the name of a unit, elsewhere: systemd's unit is another. */
static void name_of_a_unit(void)
{
	static const char unit[] = "systemd-journald.service";
	struct machine *m = machine_new(ROOT_7);
	machine_name_group(m, "batch", unit);
	image_free(m->pristine);
	m->pristine = image_take(m);
	run_ok(m, "apply --vm db01 --isolation fenced");
	ok(!machine_has(m, "run/systemd/system.control/systemd-journald.service.d"),
		"the unit of that name keeps its CPUs");
	same_str(machine_read(m, "sys/fs/cgroup/%s/cpuset.cpus", unit), "0,3-12,15-23",
		"the group gets its fence");
	run_ok(m, "undo --all");
	is_as_it_was(m, "a group with a unit's name");
	machine_free(m);
}

/* What undo leaves is what plan said that it would, no more and no less: lists of groups that had
 * none while the controller was on. */
static void what_stays(void)
{
	struct machine *m = machine_new(ROOT_7);
	machine_write(m, ".kernel", "");
	machine_write(m, "proc/sys/kernel/osrelease", "6.12.0-test\n");
	image_free(m->pristine);
	m->pristine = image_take(m);
	run_ok(m, "plan --vm db01 --isolation fenced");
	const char *note = strstr(m->output, "will stay after undo: cgroup.cpus '0-23' of ");
	ok(note != NULL, "plan says what will stay");
	AUTO_FREE char *said = xstrdup(note ? note : "");
	run_ok(m, "apply --vm db01 --isolation fenced");
	same_int(machine_run(m, NULL, "--json undo --all"), 4, "undo leaves something");
	static const char *const groups[] = { "init.scope", "system.slice", "user.slice", "batch",
		"qemu.slice/101.scope", "qemu.slice" };
	for (size_t i = 0; i < N_ELEMENTS(groups); i++) {
		bool has_list = *machine_read(m, "sys/fs/cgroup/%s/cpuset.cpus", groups[i]);
		bool had_list = streq(groups[i], "user.slice");
		AUTO_FREE char *word = xasprintf("%s", groups[i]);
		bool is_said = strstr(said, word) && !streq(groups[i], "qemu.slice");
		ok((has_list && !had_list) == is_said, "%s: stays as said: %d", groups[i], is_said);
	}
	machine_free(m);
	m = machine_new(ROOT_7);
	run_ok(m, "--json plan --vm db01 --isolation fenced");
	ok(strstr(m->output, "\"stays\": []"), "7.0: nothing stays");
	run_ok(m, "--json plan --vm db01");
	ok(strstr(m->output, "\"stays\": []"), "isolated: nothing stays");
	machine_free(m);
}

/* A unit that ends before undo leaves a drop-in, which would limit it when it comes again. */
static void unit_that_ended(void)
{
	static const char dropin[] = "run/systemd/system.control/late.slice.d/50-AllowedCPUs.conf";
	struct machine *m = machine_new(ROOT_7);
	machine_name_group(m, "batch", "late.slice");
	run_ok(m, "apply --vm db01 --isolation fenced");
	ok(machine_has(m, dropin), "systemd is told of a slice");
	AUTO_FREE char *command = xasprintf("rm -r '%s/sys/fs/cgroup/late.slice'", m->dir);
	ok(system(command) == 0, "... which ends");
	run_ok(m, "undo --all");
	ok(!machine_has(m, dropin), "nothing of ours is left of it");
	machine_free(m);
}

/* Somebody wrote the list of a slice, and systemd does not know: the property that it is given is
 * no wider. */
static void list_without_property(void)
{
	struct machine *m = machine_new(ROOT_7);
	machine_write(m, "sys/fs/cgroup/system.slice/cpuset.cpus", "0-5\n");
	machine_write(m, "sys/fs/cgroup/system.slice/cpuset.cpus.effective", "0-5\n");
	run_ok(m, "apply --vm db01 --isolation fenced");
	same_str(machine_read(m, "sys/fs/cgroup/system.slice/cpuset.cpus"), "0,3-5",
		"no wider than it was");
	run_ok(m, "apply --vm db02 --isolation fenced");
	run_ok(m, "undo db01");
	const char *list = machine_read(m, "sys/fs/cgroup/system.slice/cpuset.cpus");
	ok(str_after(list, "0-2,4-5") || str_after(list, "0-5"), "nor with another VM: %s", list);
	machine_run(m, NULL, "undo --all"); /* the masks of its tasks never fitted its list */
	same_str(machine_read(m, "sys/fs/cgroup/system.slice/cpuset.cpus"), "0-5", "as it was");
	machine_free(m);
}

/* isolated is the partition: no list of a group outside of the VM changes, whether the controller
 * was on or off before. */
static void no_fence_beside(enum root_kind kind)
{
	static const char *const groups[] = { "init.scope", "system.slice", "user.slice", "batch",
		"qemu.slice", "qemu.slice/101.scope" };
	struct machine *m = machine_new(kind);
	char was[N_ELEMENTS(groups)][40];
	for (size_t i = 0; i < N_ELEMENTS(groups); i++)
		snprintf(was[i], sizeof was[i], "%s",
			machine_read(m, "sys/fs/cgroup/%s/cpuset.cpus", groups[i]));
	run_ok(m, "apply --vm db01");
	for (size_t i = 0; i < N_ELEMENTS(groups); i++)
		same_str(machine_read(m, "sys/fs/cgroup/%s/cpuset.cpus", groups[i]), was[i],
			"%s: the list of %s", root_names[kind], groups[i]);
	ok(!machine_has(m, "run/systemd/system.control/system.slice.d") &&
			!machine_has(m, "run/systemd/transient/101.scope.d"),
		"%s: systemd is told nothing of them", root_names[kind]);
	run_ok(m, "undo --all");
	is_as_it_was(m, root_names[kind]);
	machine_free(m);
}

/* Somebody has given the VM's scope CPUs while a fence of ours is up: it is placed within them, or
 * refused by the name of the group; nothing fails half way. */
static void list_of_the_vm(void)
{
	static const char scope[] = "sys/fs/cgroup/qemu.slice/100.scope";
	static const struct {
		const char *list, *text;
		int code;
	} cases[] = {
		{ "6-11,18-23", "\"claim\":\"7-8,19-20\"", 0 },
		{ "2", "group /qemu.slice/100.scope allows it CPUs", 1 },
	};
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct machine *m = machine_new(ROOT_6_1);
		AUTO_FREE char *line = xasprintf("%s\n", cases[i].list);
		AUTO_FREE char *list = xasprintf("%s/cpuset.cpus", scope);
		AUTO_FREE char *effective = xasprintf("%s/cpuset.cpus.effective", scope);
		run_ok(m, "apply --vm db02 --isolation fenced");
		machine_write(m, list, line);
		machine_write(m, effective, line);
		int code = machine_run(m, NULL, "--json apply --vm db01 --isolation fenced");
		ok(code == cases[i].code && strstr(m->output, cases[i].text), "6.1: within %s: %d",
			cases[i].list, code);
		same_int(machine_run(m, NULL, "undo --all"), 0, "... and undone");
		machine_free(m);
	}
}

/* What goes with its owner is no drift; what is the host's own is. */
static void setting_is_gone(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	run_ok(m, "apply --vm db01 --stat-interval 10");
	AUTO_FREE char *command = xasprintf("rm '%s/%s'", m->dir, interval);
	ok(system(command) == 0, "a file of the kernel is gone");
	same_int(machine_run(m, NULL, "status"), 1, "... and missed");
	ok(strstr(m->output, "vm.stat_interval"), "... by its name");
	machine_free(m);
}

/* Somebody makes a partition meanwhile: switching the controller off would end it. */
static void partition_below(void)
{
	struct machine *m = machine_new(ROOT_PLAIN);
	run_ok(m, "apply --vm db01");
	foreign_partition(m, "5");
	same_int(machine_run(m, NULL, "undo --all"), 4, "a partition of somebody's");
	ok(strstr(m->output, "a group below it uses"), "... is said");
	same_str(machine_read(m, "sys/fs/cgroup/theirs/cpuset.cpus.partition"), "isolated",
		"... and left as it is");
	machine_free(m);
}

/* Somebody's partition has one of the CPUs of a mask that a thread gets back: what is left of it is
 * all that there is, the rest comes back by itself, and nothing is owed. */
static void partition_beside(void)
{
	struct machine *m = machine_new(ROOT_PLAIN);
	run_ok(m, "apply --vm db01");
	foreign_partition(m, "3");
	machine_run(m, NULL, "undo --all");
	ok(strstr(machine_read(m, "proc/3085/task/3091/status"), "Cpus_allowed_list:\t2\n"),
		"a vCPU that was pinned to 2-3 has what is left of it");
	ok(!strstr(m->output, "thread.affinity of 3091"), "... and that is as it was");
	machine_free(m);
}

int main(void)
{
	two_want_one();
	compacted_once();
	systemd_is_away(ROOT_6_12);
	systemd_is_away(ROOT_7);
	unreadable_setting();
	name_of_a_unit();
	unit_that_ended();
	setting_is_gone();
	partition_below();
	partition_beside();
	what_stays();
	list_of_the_vm();
	list_without_property();
	no_fence_beside(ROOT_6_12);
	no_fence_beside(ROOT_PLAIN);
	return tap_done();
}
