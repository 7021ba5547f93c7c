/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others do meanwhile, and machines that do not want: third parties, objects that are others
 * by now, a state directory that cannot be written, two at once, another boot. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

static const char apply[] = "apply --vm db01 --isolation isolated";

static struct machine *applied(enum root_kind kind)
{
	struct machine *m = machine_new(kind);
	same_int(machine_run(m, NULL, apply), 0, "%s: applied", root_names[kind]);
	return m;
}

/* The machine is as it was but for one file, which has this text. */
static bool is_all_but(struct machine *m, const char *path, const char *text)
{
	AUTO_FREE char *was = NULL;
	struct image *now = image_take(m);
	const char *why;
	bool is_kept = streq(machine_read(m, "%s", path), text);
	machine_reset(m);
	was = xasprintf("%s\n", machine_read(m, "%s", path));
	image_put(m, now);
	machine_write(m, path, was);
	why = image_differs(m, m->pristine, false);
	if (!is_kept || why)
		printf("# %s\n%s", is_kept ? "kept" : "not kept", why ? why : "");
	image_free(now);
	return is_kept && !why;
}

/* ---- I8 ---- */

static void third_party(void)
{
	static const struct {
		const char *path, *text;
	} changes[] = {
		{ "proc/irq/9/smp_affinity_list", "1" },
		{ "proc/irq/24/smp_affinity_list", "2,7" },
		{ "proc/irq/default_smp_affinity", "00ff00" },
	};
	for (size_t i = 0; i < N_ELEMENTS(changes); i++) {
		struct machine *m = applied(ROOT_6_12);
		AUTO_FREE char *line = xasprintf("%s\n", changes[i].text);
		machine_write(m, changes[i].path, line);
		machine_run(m, NULL, "status");
		int code = machine_run(m, NULL, "undo --all");
		ok(code == 1 && strstr(m->output, "kept"), "I8: %s: kept, and said",
			changes[i].path);
		if (code != 1)
			printf("# exit code %d: %s\n", code, m->output);
		ok(is_all_but(m, changes[i].path, changes[i].text), "I8: %s: the rest is as it was",
			changes[i].path);
		machine_free(m);
	}
}

/* irqbalance moves interrupts among the CPUs that it was left: that is nobody's wish, and undo has
 * nothing to say. Without irqbalance it is somebody's. */
static void third_party_irqbalance(void)
{
	static const char path[] = "proc/irq/24/smp_affinity_list";
	for (int runs = 0; runs <= 1; runs++) {
		struct machine *m = machine_new(runs ? ROOT_6_12 : ROOT_PLAIN);
		machine_write(m, path, "1,5\n");
		same_int(machine_run(m, NULL, "apply --vm db01"), 0, "applied; irqbalance: %d",
			runs);
		same_str(machine_read(m, path), "5", "off CPU 1");
		machine_write(m, path, "7\n");
		same_int(machine_run(m, NULL, "status"), 0, "another CPU will do: no drift");
		same_int(machine_run(m, NULL, "apply --vm db01"), 0, "apply again");
		same_str(machine_read(m, path), "7",
			"I16: ... fights nobody who keeps off the CPUs by himself");
		same_int(machine_run(m, NULL, "undo --all"), !runs, "undo");
		ok((strstr(m->output, "kept") != NULL) == !runs, "... tells what it keeps");
		same_str(machine_read(m, path), runs ? "1,5" : "7", "... and keeps it");
		machine_free(m);
	}
}

/* A unit that has ended has no group, but what systemd was told of it counts the next time:
 * undo takes that away too. */
static void unit_that_ended(void)
{
	static const char dropin[] = "run/systemd/system.control/user.slice.d/50-AllowedCPUs.conf";
	struct machine *m = machine_new(ROOT_6_12);
	same_int(machine_run(m, NULL, "apply --vm db01 --isolation fenced"), 0, "applied");
	ok(machine_has(m, dropin), "a slice has a drop-in");
	machine_name_group(m, "user.slice", "other");
	machine_run(m, NULL, "undo --all");
	ok(!machine_has(m, dropin), "the slice has ended, and the drop-in goes too");
	machine_free(m);
}

/* One setting that cannot be read does not hide the others. */
static void unreadable(void)
{
	struct machine *m = applied(ROOT_6_12);
	AUTO_FREE char *path = xasprintf("%s/proc/irq/24/smp_affinity_list", m->dir);
	machine_write(m, "proc/irq/9/smp_affinity_list", "1\n");
	ok(unlink(path) == 0 && mkdir(path, 0755) == 0, "a directory where the list was");
	same_int(machine_run(m, NULL, "status"), 1, "status");
	ok(strstr(m->output, "unreadable: Is a directory"), "... says so");
	ok(strstr(m->output, "9   0,3-12,15-23  1 "), "... and what else drifted");
	machine_free(m);
}

/* Puts a mask into a thread's status file, as somebody with taskset would. */
static void set_mask(struct machine *m, int pid, int tid, const char *hex, const char *list)
{
	AUTO_FREE char *path = xasprintf("proc/%d/task/%d/status", pid, tid);
	AUTO_FREE char *status = xstrdup(machine_read(m, "%s", path));
	char *at = strstr(status, "Cpus_allowed:");
	if (!at)
		exit(99);
	AUTO_FREE char *text = xasprintf(
		"%.*sCpus_allowed:\t%s\nCpus_allowed_list:\t%s\nMems_allowed_list:\t0-1\n",
		(int)(at - status), status, hex, list);
	machine_write(m, path, text);
}

/* A vCPU that somebody has put elsewhere is drift, and stays there. */
static void third_party_thread(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	AUTO_FREE char *path = xasprintf("proc/%d/task/%d/status", DB01, DB01 + 5);
	same_int(machine_run(m, NULL, "apply --vm db01 --isolation pinned"), 0, "pinned");
	set_mask(m, DB01, DB01 + 5, "000200", "9");
	same_int(machine_run(m, NULL, "status"), 1, "a vCPU that was moved is drift");
	ok(strstr(m->output, "3090"), "... and is named");
	same_int(machine_run(m, NULL, "undo --all"), 1, "undo says what it keeps");
	ok(strstr(machine_read(m, "%s", path), "Cpus_allowed_list:\t9\n"), "... and keeps it");
	set_mask(m, DB01, DB01 + 5, "ffffff", "0-23");
	const char *why;
	ok(machine_is_pristine(m, &why), "the rest is as it was");
	machine_free(m);
}

/* ---- I9 ---- */

/* Another thread has the number by now: the mask that it has is its own. */
static void other_thread(void)
{
	struct machine *m = applied(ROOT_6_12);
	AUTO_FREE char *path = xasprintf("proc/%d/task/%d/stat", DB01, DB01 + 8);
	AUTO_FREE char *stat = xstrdup(machine_read(m, "%s", path));
	AUTO_FREE char *start = xasprintf(" %d ", 1000 + DB01 + 8);
	char *at = strstr(stat, start);
	if (at)
		at[1] = '9';
	AUTO_FREE char *line = xasprintf("%s\n", stat);
	machine_write(m, path, line);
	int code = machine_run(m, NULL, "--json undo --all");
	ok(at && strstr(m->output, "\"3093\""), "I9: a thread with another start time is listed");
	ok(code == 0 && strstr(m->output, "\"gone\": [\n"), "... as gone");
	machine_free(m);
}

static void other_interrupt(void)
{
	struct machine *m = applied(ROOT_6_12);
	AUTO_FREE char *from = xasprintf("%s/proc/irq/24/virtio0-config", m->dir);
	AUTO_FREE char *to = xasprintf("%s/proc/irq/24/eth9", m->dir);
	ok(rename(from, to) == 0, "I9: interrupt 24 is another device's");
	AUTO_FREE char *before = xstrdup(machine_read(m, "proc/irq/24/smp_affinity_list"));
	same_int(machine_run(m, NULL, "undo --all"), 0, "undo with another interrupt");
	same_str(machine_read(m, "proc/irq/24/smp_affinity_list"), before, "... leaves it alone");
	same_str(machine_read(m, "proc/irq/9/smp_affinity_list"), "0-23", "... and not the others");
	machine_free(m);
}

/* A slice was made anew: same path, another directory. */
static void other_group(void)
{
	struct machine *m = machine_new(ROOT_7);
	same_int(machine_run(m, NULL, "apply --vm db01 --isolation fenced"), 0, "fenced");
	AUTO_FREE char *command = xasprintf("cd '%s/sys/fs/cgroup/system.slice' && mkdir ../new && "
					    "mv * ../new/ && cd .. && rmdir system.slice && "
					    "mkdir keep && mv new system.slice && rmdir keep",
		m->dir);
	machine_write(m, "sys/fs/cgroup/system.slice/cpuset.cpus", "0-9\n");
	ok(system(command) == 0, "I9: system.slice is another group");
	/* systemd's property is the unit's, and goes; the group's list is the new group's */
	int code = machine_run(m, NULL, "--json undo --all");
	ok(code == 0 && strstr(m->output, "\"system.slice\""), "undo with another group: %d", code);
	machine_free(m);
}

/* The VM ended: its threads and its scope are gone. */
static void gone_vm(void)
{
	struct machine *m = applied(ROOT_6_12);
	const char *why;
	AUTO_FREE char *command = xasprintf("rm -rf '%s/proc/%d' '%s/proc/3100' "
					    "'%s/sys/fs/cgroup/qemu.slice/100.scope'",
		m->dir, DB01, m->dir, m->dir);
	ok(system(command) == 0, "db01 has ended");
	same_int(machine_run(m, NULL, "status"), 1, "status says so");
	int code = machine_run(m, NULL, "undo db01");
	same_int(code, 0, "undo of a VM that ended");
	if (code)
		printf("# %s\n", m->output);
	why = image_differs(m, m->pristine, false);
	bool is_right = true;
	for (const char *line = why; line && *line; line = strchr(line, '\n') + 1)
		if (!str_after(line, "# gone: ") && !strstr(line, "cgroup.threads"))
			break;
		else
			is_right &= !str_after(line, "# gone: ") || strstr(line, "proc/3085") ||
				strstr(line, "proc/3100") || strstr(line, "100.scope");
	ok(is_right && streq(machine_read(m, "sys/fs/cgroup/cpuset.cpus.effective"), "0-23") &&
			streq(machine_read(m, "proc/irq/9/smp_affinity_list"), "0-23"),
		"its CPUs are everybody's again");
	machine_free(m);
}

/* ---- I11 ---- */

static void refused_partition(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	const char *why;
	machine_write(m, ".kernel", "refuses-partitions\n");
	image_free(m->pristine);
	m->pristine = image_take(m);
	same_int(machine_run(m, NULL, apply), 3,
		"I11: a write that succeeds, and an invalid partition");
	ok(strstr(m->output, "not exclusive"), "the kernel's reason is given");
	ok(machine_is_pristine(m, &why), "everything is as it was");
	machine_free(m);
}

/* ---- I15 ---- */

/* The word in a file proves nothing: sets that do not add up are said. */
static void sets_do_not_add_up(void)
{
	static const struct {
		const char *path, *text, *what;
	} odd[] = {
		{ "cpuset.cpus.effective", "0,2-12,14-23\n",
			"the root uses CPUs of the partition" },
		{ "cpuset.cpus.isolated", "1-2,14\n", "the partition is not all isolated" },
		{ "qemu.slice/100.scope/vcpus/cpuset.cpus.partition", "member\n",
			"it was made a member in silence" },
		{ "qemu.slice/100.scope/vcpus/cpuset.cpus.partition", "isolated invalid\n",
			"it is invalid without a reason" },
		{ "cgroup.subtree_control", "memory pids\n", "the controller is off at the root" },
		{ "qemu.slice/cpuset.cpus.exclusive", "1-2,13\n", "an ancestor's set has shrunk" },
	};
	struct machine *m = applied(ROOT_6_12);
	struct image *whole = image_take(m);
	same_int(machine_run(m, NULL, "status"), 0, "I15: the sets add up");
	for (size_t i = 0; i < N_ELEMENTS(odd); i++) {
		AUTO_FREE char *path = xasprintf("sys/fs/cgroup/%s", odd[i].path);
		machine_write(m, path, odd[i].text);
		same_int(machine_run(m, NULL, "status"), 1, "I15: %s", odd[i].what);
		image_put(m, whole);
	}
	set_mask(m, DB01, DB01 + 5, "000004", "2");
	set_mask(m, DB01, DB01 + 6, "000004", "2");
	same_int(machine_run(m, NULL, "status"), 1, "I15: two vCPUs are on one CPU");
	image_put(m, whole);
	const char *why;
	same_int(machine_run(m, NULL, "undo --all"), 0, "undo");
	ok(machine_is_pristine(m, &why), "as it was");
	image_free(whole);
	machine_free(m);
}

/* ---- I12 ---- */

/* As disk full: no file of the state directory fits. Everything else here is small. */
static void full_state(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	const char *why;
	struct rlimit old, small = { 2048, 2048 };
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	int code = machine_run(m, NULL, "--json apply --vm db01 --isolation isolated");
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_DFL);
	same_int(code, 3, "I12: no room for the journal");
	ok(!(why = image_differs(m, m->pristine, false)), "nothing was touched");
	ok(!machine_has(m, "run/wideberth/journal"), "there is no half journal");
	machine_free(m);
}

/* Not a directory, as root may write into any. */
static void no_state_dir(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	machine_write(m, "run/wideberth", "in the way\n");
	struct image *before = image_take(m);
	same_int(machine_run(m, NULL, apply), 3, "I12: no state directory");
	const char *why = image_differs(m, before, true);
	ok(!why, "nothing was touched");
	if (why)
		printf("%s", why);
	image_free(before);
	machine_free(m);
}

/* run -> /somewhere: inside the tree, like everything. */
static void no_escape(void)
{
	char outside[] = "/tmp/wideberth-outside-XXXXXX";
	struct machine *m = machine_new(ROOT_PLAIN);
	if (!mkdtemp(outside))
		exit(99);
	AUTO_FREE char *command =
		xasprintf("cd '%s' && rm -rf run && mkdir -p '.%s' && ln -s %s run", m->dir,
			outside, outside);
	ok(system(command) == 0, "run is an absolute link");
	int code = machine_run(m, NULL, "apply --vm db01 --isolation pinned");
	ok(rmdir(outside) == 0, "nothing was written outside");
	same_int(code, 0, "and it works");
	AUTO_FREE char *inside = xasprintf("%s/wideberth/ledger", outside + 1);
	ok(machine_has(m, inside), "the ledger is inside");
	AUTO_FREE char *clean = xasprintf("rm -rf '%s'", outside);
	if (system(clean) != 0)
		exit(99);
	machine_free(m);
}

/* ---- I13 ---- */

static int in_background(struct machine *m, const char *fault, const char *args)
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(machine_run(m, fault, args));
	return pid;
}

static int wait_for(int pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WEXITSTATUS(status);
}

static void two_at_once(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	const char *why;
	for (int i = 0; i < 5; i++) {
		int a = in_background(m, NULL, apply);
		int b = in_background(m, NULL, "apply --vm db02 --isolation isolated");
		int code_a = wait_for(a), code_b = wait_for(b);
		ok(code_a == 0 && code_b == 0, "I13: two at once: %d and %d", code_a, code_b);
		ok(vm_is_whole(m, VM_DB01, "isolated", NULL, &why) &&
				vm_is_whole(m, VM_DB02, "isolated", NULL, &why) &&
				machine_run(m, NULL, "status") == 0,
			"both are whole");
		a = in_background(m, NULL, "undo db01");
		b = in_background(m, NULL, "undo db02");
		code_a = wait_for(a);
		code_b = wait_for(b);
		ok(code_a == 0 && code_b == 0 && machine_is_pristine(m, &why),
			"undone at once: %d and %d", code_a, code_b);
	}
	machine_free(m);
}

/* Somebody gives an interrupt to a CPU of the claim while apply works; it was elsewhere when the
 * plan was made. It is moved off, and what undo puts back is what was there before it was. */
static void changed_meanwhile(void)
{
	static const char path[] = "proc/irq/24/smp_affinity_list";
	struct machine *m = machine_new(ROOT_PLAIN);
	machine_write(m, path, "20\n");
	AUTO_FREE char *fifo = xasprintf("%s.fifo", m->dir);
	AUTO_FREE char *fault = xasprintf("wait-before:1:%s", fifo);
	same_int(mkfifo(fifo, 0600), 0, "a FIFO");
	fflush(stdout);
	int pid = fork();
	if (pid == 0) {
		int code = machine_run(m, fault, apply);
		open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* where apply never came */
		_exit(code);
	}
	int fd = open(fifo, O_WRONLY | O_CLOEXEC); /* waits until apply is there */
	machine_write(m, path, "2\n");
	close(fd);
	unlink(fifo);
	same_int(wait_for(pid), 0, "applied, and an interrupt came meanwhile");
	ok(!streq(machine_read(m, path), "2"), "it is elsewhere: %s", machine_read(m, path));
	same_int(machine_run(m, NULL, "undo --all"), 0, "undone");
	same_str(machine_read(m, path), "2", "... to what there was before the first write");
	machine_free(m);
}

/* ---- I14 ---- */

static void next_boot(const char *fault, const char *name)
{
	struct machine *m = machine_new(ROOT_6_12);
	const char *why;
	machine_run(m, fault, apply);
	AUTO_FREE char *state = NULL;
	for (int i = 0; i < 2 && !state; i++) {
		const char *file = i ? "journal" : "ledger";
		if (machine_has(m, i ? "run/wideberth/journal" : "run/wideberth/ledger"))
			state = xstrdup(file);
	}
	ok(state != NULL, "I14: %s: there is a file of the last boot", name);
	/* a machine that booted: as new, with another id, and what a state directory on disk has */
	AUTO_FREE char *copy = xasprintf("cp -r '%s/run/wideberth' '%s.old'", m->dir, m->dir);
	AUTO_FREE char *back =
		xasprintf("rm -rf '%s/run/wideberth' && mv '%s.old' '%s/run/wideberth'", m->dir,
			m->dir, m->dir);
	if (system(copy) != 0)
		exit(99);
	machine_reset(m);
	machine_write(
		m, "proc/sys/kernel/random/boot_id", "6f2a8c2e-0000-4000-8000-00000000000b\n");
	machine_write(m, "proc/irq/9/smp_affinity_list", "0,3-12,15-23\n"); /* as ours was */
	image_free(m->pristine);
	m->pristine = image_take(m);
	if (system(back) != 0)
		exit(99);
	same_int(machine_run(m, NULL, "status"), 0, "%s: status has nothing to say", name);
	same_int(machine_run(m, NULL, "undo --all"), 0, "%s: undo has nothing to do", name);
	why = image_differs(m, m->pristine, false);
	ok(!why, "I14: %s: and does nothing", name);
	if (why)
		printf("%s", why);
	same_int(machine_run(m, NULL, apply), 0, "%s: apply again", name);
	machine_run(m, NULL, "undo --all");
	ok(machine_is_pristine(m, &why), "%s: and back", name);
	machine_free(m);
}

int main(void)
{
	third_party();
	third_party_irqbalance();
	unit_that_ended();
	unreadable();
	third_party_thread();
	other_thread();
	other_interrupt();
	other_group();
	gone_vm();
	refused_partition();
	sets_do_not_add_up();
	full_state();
	no_state_dir();
	no_escape();
	two_at_once();
	changed_meanwhile();
	next_boot(NULL, "a ledger of the last boot");
	next_boot("kill-after:15", "a journal of the last boot");
	return tap_done();
}
