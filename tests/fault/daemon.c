/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's step, on a host where VMs start, die, start again and get vCPUs, where others change
 * what is applied, and where it is killed at every write. Judged by plain reads, and against a twin
 * of the host where the same happens and wideberth never runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../machine/files.h"
#include "../machine/life.h"
#include "../machine/machine.h"
#include "../unit/tap.h"
#include "base/alloc.h"
#include "base/str.h"

static const char policy[] = "etc/wideberth/wideberth.conf", step[] = "daemon --once";
static const char isolated[] = "[vm db01]\nisolation = isolated\n";

struct twins {
	struct machine *m, *other;
	struct guest db01;
};

static struct twins twins_new(const char *text)
{
	struct twins t = { machine_new(ROOT_6_12), machine_new(ROOT_6_12),
		{ "db01", "100.scope", DB01, 4, 0 } };
	static const char *const dirs[] = { "etc", "etc/wideberth", "var", "var/lib" };
	for (int i = 0; text && i < 2; i++) {
		const struct machine *m = i ? t.other : t.m;
		for (size_t k = 0; k < N_ELEMENTS(dirs); k++) {
			AUTO_FREE char *dir = xasprintf("%s/%s", m->dir, dirs[k]);
			mkdir(dir, 0755);
		}
		machine_write(m, policy, text);
	}
	return t;
}

static void twins_free(struct twins *t)
{
	machine_free(t->m);
	machine_free(t->other);
}

/* The same on both; guest_start() and its like take the guest along. */
static void both(struct twins *t, void (*happens)(const struct machine *, struct guest *))
{
	struct guest same = t->db01;
	happens(t->m, &same);
	happens(t->other, &t->db01);
}

static void restart(struct twins *t, int pid, uint64_t start)
{
	struct guest same;
	both(t, guest_stop);
	t->db01.n_vcpus = 4;
	same = t->db01;
	guest_start(t->m, &same, pid, start);
	guest_start(t->other, &t->db01, pid, start);
}

/* The thread of this vCPU, or 0. */
static int vcpu_tid(const struct machine *m, int pid, int n)
{
	AUTO_FREE char *comm = xasprintf("CPU %d/KVM", n);
	for (int tid = pid; tid < pid + 40; tid++)
		if (streq(machine_read(m, "proc/%d/task/%d/comm", pid, tid), comm))
			return tid;
	return 0;
}

static struct cpuset allowed(const struct machine *m, int pid, int tid)
{
	static const char key[] = "Cpus_allowed_list:";
	const char *status = machine_read(m, "proc/%d/task/%d/status", pid, tid),
		   *at = strstr(status, key);
	const char *text = at ? at + strlen(key) : "";
	AUTO_FREE char *line = xstrndup(text, strcspn(text, "\n"));
	struct cpuset cpus = { 0 };
	if (cpuset_parse_list(str_trim(line), &cpus) < 0)
		printf("# thread %d may run on '%s'\n", tid, line);
	return cpus;
}

/* Each vCPU of the process alone on a CPU that the root does not have; which, in *ret. */
static bool has_cpus(const struct machine *m, int pid, int n_vcpus, struct cpuset *ret)
{
	struct cpuset root, sum = { 0 };
	if (cpuset_parse_list(machine_read(m, "sys/fs/cgroup/cpuset.cpus.effective"), &root) < 0)
		return false;
	for (int i = 0; i < n_vcpus; i++) {
		struct cpuset cpus = allowed(m, pid, vcpu_tid(m, pid, i));
		if (cpuset_count(&cpus) == 1 && !cpuset_intersects(&cpus, &sum) &&
			!cpuset_intersects(&cpus, &root)) {
			sum = cpuset_or(&sum, &cpus);
			continue;
		}
		AUTO_FREE char *text = cpuset_format_list(&cpus);
		printf("# vCPU %d may run on '%s'\n", i, text);
		return false;
	}
	if (ret)
		*ret = sum;
	return true;
}

static bool is_like_twin(const struct twins *t)
{
	struct image *other = image_take(t->other);
	const char *differs = image_differs(t->m, other, false);
	image_free(other);
	if (differs)
		printf("# %s\n", differs);
	return !differs;
}

static bool says(struct machine *m, const char *args, const char *word)
{
	machine_run(m, NULL, args);
	if (strstr(m->output, word))
		return true;
	printf("# %s\n", m->output);
	return false;
}

static void without_policy(const char *text, const char *name)
{
	struct twins t = twins_new(text);
	struct image *before = image_take(t.m);
	same_int(machine_run(t.m, NULL, step), 0, "%s: a step", name);
	const char *differs = image_differs(t.m, before, true);
	ok(!differs, "%s: nothing at all is changed", name);
	if (differs)
		printf("# %s\n", differs);
	image_free(before);
	twins_free(&t);
}

/* Another VM is applied by hand; no section names it. */
static void leaves_others(void)
{
	struct twins t = twins_new("[host]\nhousekeeping = auto\n");
	same_int(machine_run(t.m, NULL, "apply --vm db01 --isolation isolated"), 0, "by hand");
	struct image *before = image_take(t.m);
	same_int(machine_run(t.m, NULL, step), 0, "a step beside what was applied by hand");
	ok(!image_differs(t.m, before, false), "... leaves it alone");
	image_free(before);
	twins_free(&t);
}

static void lives(void)
{
	struct twins t = twins_new(isolated);
	struct cpuset first = { 0 }, second = { 0 };
	same_int(machine_run(t.m, NULL, step), 0, "a VM of the policy runs");
	ok(has_cpus(t.m, t.db01.pid, 4, &first), "... and has its CPUs");
	struct image *before = image_take(t.m);
	same_int(machine_run(t.m, NULL, step), 0, "another step");
	ok(!image_differs(t.m, before, true), "... changes nothing, not even what it remembers");
	image_free(before);
	restart(&t, 9000, 700000);
	same_int(machine_run(t.m, NULL, step), 0, "the VM was killed and started again");
	ok(has_cpus(t.m, 9000, 4, &second), "... it has its CPUs");
	ok(cpuset_equal(&first, &second), "... the same ones");
	both(&t, guest_add_vcpu);
	same_int(machine_run(t.m, NULL, step), 0, "it gets a vCPU");
	ok(has_cpus(t.m, 9000, 5, NULL), "... which has its CPU");
	ok(machine_run(t.m, NULL, "status") == 0, "... and status is content");
	both(&t, guest_stop);
	same_int(machine_run(t.m, NULL, step), 0, "it ends");
	ok(is_like_twin(&t), "... and everything is as it were without");
	ok(says(t.m, "events db01", "applied") && says(t.m, "events db01", "ended"),
		"events tell it");
	ok(says(t.m, "events db02", "Nothing is told"), "... of no other VM");
	twins_free(&t);
}

static void undone(void)
{
	struct twins t = twins_new(isolated);
	machine_run(t.m, NULL, step);
	restart(&t, 9000, 700000);
	machine_run(t.m, NULL, step);
	same_int(machine_run(t.m, NULL, "undo --all"), 0, "undo after a restart");
	ok(is_like_twin(&t), "... and everything is as it were without");
	twins_free(&t);
}

static void never_fights(void)
{
	struct twins t = twins_new(isolated);
	int tid = vcpu_tid(t.m, DB01, 0);
	machine_write(t.m, ".clock", "100000000000");
	machine_run(t.m, NULL, step);
	struct cpuset wrong = allowed(t.m, DB01, vcpu_tid(t.m, DB01, 1));
	for (int i = 0; i < 3; i++) {
		foreign_affinity(t.m, tid, &wrong);
		ok(machine_run(t.m, NULL, step) == 0 && strstr(t.m->output, "repaired"),
			"somebody moves a vCPU, %d", i + 1);
	}
	foreign_affinity(t.m, tid, &wrong);
	struct image *before = image_take(t.m);
	ok(machine_run(t.m, NULL, step) == 1 && strstr(t.m->output, "gave-up"),
		"the fourth time it gives up, and says so");
	ok(!image_differs(t.m, before, false), "... and leaves it");
	ok(machine_run(t.m, NULL, step) == 1 && !strstr(t.m->output, "gave-up"), "... once");
	image_free(before);
	machine_write(t.m, ".clock", "900000000000");
	ok(machine_run(t.m, NULL, step) == 1 && !strstr(t.m->output, "repaired"),
		"... time alone does not change that");
	machine_run(t.m, NULL, "apply --vm db01 --isolation isolated");
	same_int(machine_run(t.m, NULL, step), 0, "a person puts it right");
	foreign_affinity(t.m, tid, &wrong);
	ok(machine_run(t.m, NULL, step) == 0 && strstr(t.m->output, "repaired"),
		"... and it is looked after again");
	twins_free(&t);
}

static bool finds(struct twins *t, int code, const char *text)
{
	int r = machine_run(t->m, NULL, "daemon --check");
	return r == code && strstr(t->m->output, text) && !strstr(t->m->output, "too-few");
}

/* What check finds at a VM in force, no other one, is told once, and is news again when it was
 * gone. */
static void tells_what_it_finds(void)
{
	struct twins t = twins_new("[vm db01]\nisolation = pinned\nemulator = 0\n");
	struct cpuset was[4], first = CPUSET_EMPTY;
	ok(finds(&t, 0, ""), "nothing is in force: nothing is told");
	machine_run(t.m, NULL, step);
	ok(finds(&t, 0, ""), "what a step left is clean");
	struct cpuset db01s = allowed(t.m, DB01, vcpu_tid(t.m, DB01, 0));
	cpuset_add(&first, cpuset_first(&db01s));
	for (int i = 0; i < 4; i++) {
		was[i] = allowed(t.m, DB02, vcpu_tid(t.m, DB02, i));
		foreign_affinity(t.m, vcpu_tid(t.m, DB02, i), &first);
	}
	ok(finds(&t, 1, "[overlap]"), "somebody pins another VM there");
	ok(finds(&t, 0, ""), "... which is told once");
	ok(machine_run(t.m, NULL, "events") == 0 && strstr(t.m->output, "[overlap]"),
		"the events have it");
	for (int i = 0; i < 4; i++)
		foreign_affinity(t.m, vcpu_tid(t.m, DB02, i), &was[i]);
	ok(finds(&t, 0, ""), "it is gone");
	for (int i = 0; i < 4; i++)
		foreign_affinity(t.m, vcpu_tid(t.m, DB02, i), &first);
	ok(finds(&t, 1, "[overlap]"), "... and is told when it comes again");
	twins_free(&t);
}

static void bad_policy(void)
{
	struct twins t = twins_new("[vm db01]\nisolatoin = none\n");
	ok(machine_run(t.m, NULL, step) == 2 && strstr(t.m->output, "isolatoin"),
		"a policy that is bad from the start");
	machine_write(t.m, policy, isolated);
	ok(machine_run(t.m, NULL, step) == 0 && strstr(t.m->output, "applied"), "a good one");
	machine_write(t.m, policy, "[vm db01]\nisolatoin = none\n");
	restart(&t, 9000, 700000);
	ok(machine_run(t.m, NULL, step) == 1 && strstr(t.m->output, "isolatoin"),
		"it turns bad, which is said");
	ok(has_cpus(t.m, 9000, 4, NULL), "... and the last good one counts");
	ok(machine_run(t.m, NULL, step) == 1 && !strstr(t.m->output, "isolatoin"), "... said once");
	machine_write(t.m, policy, isolated);
	ok(machine_run(t.m, NULL, step) == 0 && strstr(t.m->output, "good again"),
		"it is good again, which is said too");
	twins_free(&t);
}

/* Killed before and after every write: the next step makes it whole. */
static void killed(void)
{
	struct twins t = twins_new(isolated);
	struct image *start = image_take(t.m);
	int n = machine_count(t.m, step);
	ok(n > 10, "a step makes %d changes", n);
	for (int k = 1; k <= n; k++) {
		AUTO_FREE char *fault = xasprintf("kill-%s:%d", k % 2 ? "before" : "after", k);
		image_put(t.m, start);
		int code = machine_run(t.m, fault, step), next = machine_run(t.m, NULL, step);
		ok(code == KILLED && next == 0 && has_cpus(t.m, DB01, 4, NULL) &&
				machine_run(t.m, NULL, "undo --all") == 0 && is_like_twin(&t),
			"%s: the next step makes it whole, undo puts it back", fault);
	}
	image_free(start);
	twins_free(&t);
}

/* ---- guests that are to start ---- */

static const char dropin[] = "run/systemd/system/700.scope.d/40-wideberth-start.conf";

static struct twins twins_with_guest(const char *text)
{
	struct twins t = twins_new(text);
	static const char *const dirs[] = { "etc/pve", "etc/pve/qemu-server" };
	for (int i = 0; i < 2; i++) {
		const struct machine *m = i ? t.other : t.m;
		for (size_t k = 0; k < N_ELEMENTS(dirs); k++) {
			AUTO_FREE char *dir = xasprintf("%s/%s", m->dir, dirs[k]);
			mkdir(dir, 0755);
		}
		machine_write(m, "etc/pve/qemu-server/700.conf", "name: web\ncores: 2\n");
	}
	return t;
}

static void same_policy(const struct twins *t, const char *text)
{
	machine_write(t->m, policy, text);
	machine_write(t->other, policy, text);
}

static void prepares(void)
{
	static const char web[] = "[vm web]\nisolation = isolated\n";
	struct twins t = twins_with_guest(web);
	same_int(machine_run(t.m, NULL, step), 0, "a guest of the policy does not run yet");
	same_str(machine_read(t.m, "%s", dropin), "[Scope]\nDelegate=cpuset",
		"... its scope will be ours to divide");
	struct image *before = image_take(t.m);
	same_int(machine_run(t.m, NULL, step), 0, "another step");
	ok(!image_differs(t.m, before, true), "... changes nothing");
	image_free(before);
	same_policy(&t, "[vm web]\nisolation = pinned\n");
	machine_run(t.m, NULL, step);
	ok(!machine_has(t.m, dropin), "a guest that needs no group of its own is not prepared");
	same_policy(&t, web);
	machine_run(t.m, NULL, step);
	ok(machine_has(t.m, dropin), "... it does again");
	same_policy(&t, "");
	same_int(machine_run(t.m, NULL, step), 0, "no section names it any more");
	ok(is_like_twin(&t), "... and everything is as it were without");
	same_policy(&t, web);
	machine_run(t.m, NULL, step);
	same_int(machine_run(t.m, NULL, "undo --all"), 0, "undo --all");
	ok(is_like_twin(&t), "... leaves nothing of it");
	twins_free(&t);
}

/* The node is where it will be placed, with its memory, beside what is in force. */
static void prepares_memory(void)
{
	struct twins t = twins_with_guest(
		"[vm web]\nisolation = isolated\nmemory = strict\n[vm db01]\nmemory = strict\n");
	same_int(machine_run(t.m, NULL, step), 0, "a guest whose memory is to be near");
	AUTO_FREE char *text = xstrdup(machine_read(t.m, "%s", dropin));
	same_str(text, "[Scope]\nDelegate=cpuset\nAllowedMemoryNodes=0",
		"... will have it of the node of its CPUs");
	struct cpuset cpus, node;
	ok(has_cpus(t.m, DB01, 4, &cpus) &&
			cpuset_parse_list(
				machine_read(t.m, "sys/devices/system/node/node0/cpulist"),
				&node) == 0 &&
			!cpuset_is_subset(&node, &cpus),
		"... which has CPUs left");
	machine_write(t.m, "etc/pve/qemu-server/700.conf", "name: web\ncores: 2\nmemory: 50000\n");
	ok(machine_run(t.m, NULL, step) == 0 &&
			strstr(t.m->output, "memory = strict does not hold"),
		"it gets more memory than the node has free, which is told");
	same_str(machine_read(t.m, "%s", dropin), "[Scope]\nDelegate=cpuset",
		"... and it is not bound to that");
	ok(machine_run(t.m, NULL, step) == 0 && !strstr(t.m->output, "memory = strict"),
		"... told once");
	ok(says(t.m, "plan --vm db01", "memory = strict does nothing"),
		"of a VM that Proxmox VE does not start it is said that it does nothing");
	twins_free(&t);
}

/* Killed at every write: what systemd has not read yet it reads in the next step. */
static void prepares_killed(void)
{
	struct twins t = twins_with_guest("[vm web]\nisolation = isolated\n");
	struct image *start = image_take(t.m);
	int n = machine_count(t.m, step);
	ok(n >= 2, "to prepare it takes %d changes", n);
	for (int k = 1; k <= n; k++) {
		AUTO_FREE char *fault = xasprintf("kill-after:%d", k);
		image_put(t.m, start);
		int code = machine_run(t.m, fault, step);
		int left = machine_count(t.m, step);
		ok(code == KILLED && left >= 1 && machine_has(t.m, dropin),
			"%s: the next step makes it whole", fault);
	}
	image_free(start);
	twins_free(&t);
}

/* As "systemctl revert" does it: what was prepared, and what came of it, is gone. */
static void revert_scope(const struct machine *m, struct guest *g)
{
	(void)g;
	AUTO_FREE char *command = xasprintf("rm -rf '%s/run/systemd/system/100.scope.d'", m->dir);
	if (system(command) != 0)
		abort();
	daemon_reload(m);
}

static void put_start(const struct machine *m, struct guest *g)
{
	(void)g;
	AUTO_FREE char *dir = xasprintf("%s/run/systemd/system/100.scope.d", m->dir);
	mkdir(dir, 0755);
	machine_write(m, "run/systemd/system/100.scope.d/40-wideberth-start.conf",
		"[Scope]\nDelegate=cpuset\n");
	machine_write(m, "etc/pve/qemu-server/100.conf", "name: db01\ncores: 4\n");
	daemon_reload(m);
}

static void forget_conf(const struct machine *m, struct guest *g)
{
	(void)g;
	AUTO_FREE char *path = xasprintf("%s/etc/pve/qemu-server/100.conf", m->dir);
	unlink(path);
}

static void reverted(void)
{
	static const char own[] = "run/systemd/system/100.scope.d/50-wideberth.conf";
	struct twins t = twins_with_guest(isolated);
	both(&t, put_start);
	same_int(machine_run(t.m, NULL, step), 0, "a guest that was started prepared");
	ok(has_cpus(t.m, DB01, 4, NULL) && !machine_has(t.m, own),
		"... has its CPUs, and its scope needs nothing more");
	both(&t, forget_conf);
	same_int(machine_run(t.m, NULL, step), 0, "its configuration goes to another node");
	ok(has_cpus(t.m, DB01, 4, NULL) && !machine_has(t.m, own),
		"... and as long as it runs it keeps what it has");
	both(&t, revert_scope);
	same_int(machine_run(t.m, NULL, step), 0, "somebody reverts its scope");
	ok(has_cpus(t.m, DB01, 4, NULL) && machine_has(t.m, own), "... it is given again");
	same_int(machine_run(t.m, NULL, "undo --all"), 0, "undo");
	ok(is_like_twin(&t), "... leaves nothing of it");
	twins_free(&t);
}

/* Its scope was divided as it ran, and is prepared by now, as after a restart. */
static void prepared_since(void)
{
	struct twins t = twins_with_guest(isolated);
	same_int(machine_run(t.m, NULL, step), 0, "a guest that runs");
	both(&t, put_start);
	same_int(machine_run(t.m, NULL, "undo --all"), 0,
		"what its scope is given by others is no setting that undo left: %s", t.m->output);
	twins_free(&t);
}

/* Proxmox VE starts a guest that is stopped with its CPUs stopped, to back it up. */
static void leaves_backups(void)
{
	struct twins t = twins_with_guest("[vm 100]\nisolation = isolated\n");
	struct machine *m = t.m;
	static const char words[] = "/usr/bin/kvm -id 100 -name db01,debug-threads=on -S -pidfile "
				    "/var/run/qemu-server/100.pid -smp 4 -m 1024";
	AUTO_FREE char *dir = xasprintf("%s/run/qemu-server", m->dir),
		       *pid = xasprintf("%d\n", DB01);
	files_put_cmdline(m->dir, DB01, words, ' ');
	mkdir(dir, 0755);
	machine_write(m, "run/qemu-server/100.pid", pid);
	machine_write(m, "etc/pve/qemu-server/100.conf", "lock: backup\ncores: 4\n");
	same_int(machine_run(m, NULL, step), 0, "a guest runs for its backup only");
	ok(!has_cpus(m, DB01, 4, NULL), "... and claims nothing");
	machine_write(m, "etc/pve/qemu-server/100.conf", "cores: 4\n");
	same_int(machine_run(m, NULL, step), 0, "it was started meanwhile, and the backup is done");
	ok(has_cpus(m, DB01, 4, NULL), "... it has its CPUs");
	twins_free(&t);
}

/* What a step says, and that it has changed nothing but what wideberth remembers. */
static void only_says(struct twins *t, const char *args, const char *word, const char *name)
{
	struct image *before = image_take(t->m);
	ok(says(t->m, args, word), "shadow: %s", name);
	const char *differs = image_differs(t->m, before, false);
	ok(!differs, "... and nothing is changed");
	if (differs)
		printf("# %s\n", differs);
	image_free(before);
}

/* It tells what the step would do, once, and does nothing, with something in force or unfinished;
 * then the step does that. */
static void shadows(void)
{
	static const char shadow[] = "daemon --once --shadow", apply[] = "apply --vm db01";
	struct twins t = twins_new(isolated);
	struct cpuset first = { 0 };
	only_says(&t, shadow, "db01: shadow on", "a VM runs");
	only_says(&t, shadow, "There is nothing to do that was not told", "told once");
	only_says(&t, "apply --vm db02 --shadow", "db02: shadow on", "of apply");
	ok(says(t.m, "events", "db01: shadow on") && says(t.m, "events", "db02: shadow on"),
		"the events have both");
	machine_run(t.m, "kill-after:12", apply);
	only_says(&t, shadow, "unfinished", "apply was killed");
	same_int(machine_run(t.m, NULL, step), 0, "a step that is none");
	ok(has_cpus(t.m, t.db01.pid, 4, &first), "... does it");
	only_says(&t, shadow, "There is nothing to do", "all is done");
	foreign_affinity(t.m, vcpu_tid(t.m, DB01, 0), &first);
	only_says(&t, shadow, "set again", "somebody moves a vCPU");
	both(&t, guest_stop);
	only_says(&t, shadow, "has ended", "the VM ends");
	twins_free(&t);
}

/* What a step undoes because nobody confirmed it stands in the events; and what was told before is
 * not told again, but that it is. */
static void tells_what_it_undid(void)
{
	struct twins t = twins_new("");
	struct machine *m = t.m;
	machine_write(m, ".clock", "100000000000");
	same_int(machine_run(m, NULL, "apply --vm db02 --isolation pinned --confirm 10"), 0,
		"applied");
	machine_write(m, ".clock", "111000000000");
	machine_write(m, policy, "[vm db01]\n");
	same_int(machine_run(m, NULL, step), 0, "a step when its time is up");
	machine_run(m, NULL, "events db02");
	ok(strstr(m->output, "db02: recovered: it was not confirmed in time"), "is told: %s",
		m->output);
	machine_write(m, policy, "nonsense\n");
	same_int(machine_run(m, NULL, step), 1, "a policy that is none");
	ok(strstr(m->output, "policy: /etc"), "is told");
	same_int(machine_run(m, NULL, step), 1, "again");
	ok(strstr(m->output, "was told before"), "is told before: %s", m->output);
	twins_free(&t);
}

int main(void)
{
	shadows();
	leaves_backups();
	prepares();
	prepares_memory();
	reverted();
	prepared_since();
	prepares_killed();
	without_policy(NULL, "no policy");
	without_policy("# nothing but a comment\n", "an empty policy");
	leaves_others();
	lives();
	undone();
	never_fights();
	tells_what_it_finds();
	bad_policy();
	killed();
	tells_what_it_undid();
	return tap_done();
}
