/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's step, on a host where VMs start, die, start again and get vCPUs, where others change
 * what is applied, and where it is killed at every write. Judged by plain reads, and against a twin
 * of the host where the same happens and wideberth never runs. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

int main(void)
{
	without_policy(NULL, "no policy");
	without_policy("# nothing but a comment\n", "an empty policy");
	leaves_others();
	lives();
	undone();
	never_fights();
	bad_policy();
	killed();
	return tap_done();
}
