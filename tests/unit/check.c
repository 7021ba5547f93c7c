/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each rule of check on a host that has what it looks for, and on one that nearly has. */
#include "tap.h"

#include "../machine/fake-check.h"
#include "base/str.h"

/* ---- load ---- */

static void disk_slow(struct fix *f, bool nearly)
{
	f->disks[0] = (struct disk_rate){ "sda", 0.97, 120, nearly ? 2 : 45 };
	f->disks[1] = (struct disk_rate){ "sda1", 0.97, 120, nearly ? 2 : 45 };
	f->rates.n_disks = 2;
}

static void storage_wait(struct fix *f, bool nearly)
{
	f->group_rates[f->rates.n_groups++] = (struct group_rate){ "qemu.slice/db01.scope", 0,
		nearly ? 0.05 : 0.4, 0.02, 0, 0, 0 };
	f->groups[0] = "qemu.slice/db01.scope";
}

static void host_steal(struct fix *f, bool nearly)
{
	for (int cpu = 0; cpu < (nearly ? 2 : 24); cpu++)
		f->cpus[cpu].steal = 0.04;
}

static void softirq_hot(struct fix *f, bool nearly)
{
	/* What is hot beside the VM is none of its business. */
	f->cpus[nearly ? 5 : 2].softirq = 0.41;
	fix_irq(f, 36, "eth0-TxRx-1", "0-23", nearly ? 5 : 2, 900);
}

static void irq_hot(struct fix *f, bool nearly)
{
	fix_irq(f, 36, "nvme0q1", "0-23", 2, nearly ? 700 : 4000);
}

static void hog(struct fix *f, bool nearly)
{
	fix_task(f, 9000, "backup", "0-23", 2, nearly ? 0.03 : 0.7);
	fix_task(f, 9001, "make", "0-23", 7, 0.9);
}

static void quota(struct fix *f, bool nearly)
{
	f->groups[f->rates.n_groups++] = "qemu.slice/db01.scope";
	f->group_readings[0] = (struct group_reading){ .has_max = true,
		.has_stat = true,
		.max = { nearly ? 0 : 200000, 100000 },
		.stat = { 5, 100, nearly ? 0 : 39, 5 } };
	f->group_rates[0] =
		(struct group_rate){ "qemu.slice/db01.scope", 0, 0, 0, 0, nearly ? 0 : 0.4, 5 };
}

static void waits(struct fix *f, double wait)
{
	for (int i = 1; i <= 4; i++)
		fix_rate(f, f->vm->pid + i)->wait = wait;
}

static void caged(struct fix *f, bool nearly)
{
	waits(f, 0.2);
	for (int cpu = 0; nearly && cpu < 24; cpu++)
		f->cpus[cpu].idle = 0.2;
}

static void oversubscribed(struct fix *f, bool nearly)
{
	struct vm *vm = fix_vm(f, "web", nearly ? 20 : 21, "0");
	fix_mask(f, vm, ROLE_VCPU, "0-23");
}

static void sibling_busy(struct fix *f, bool nearly)
{
	f->cpus[nearly ? 17 : 14].idle = 0.1; /* 14 is CPU 2's sibling, 17 CPU 5's */
}

static void vcpu_wait(struct fix *f, bool nearly)
{
	waits(f, nearly ? 0.01 : 0.2);
}

/* ---- pins ---- */

static void stacked_vcpus(struct fix *f, bool nearly)
{
	fake_boot_isolated(f->h, nearly ? "1-3" : "1-4");
	fix_mask(f, f->vm, ROLE_VCPU, "1-4");
}

static void too_few_cpus(struct fix *f, bool nearly)
{
	fix_mask(f, f->vm, ROLE_VCPU, nearly ? "1-4" : "1-2");
}

static void half_pinned(struct fix *f, bool nearly)
{
	f->vm->threads[3].allowed = fix_keep(f, nearly ? "4" : "0-23");
}

static void overlap(struct fix *f, bool nearly)
{
	fix_vm(f, "clone", 4, nearly ? "7-10" : "1-4");
}

static void siblings_shared(struct fix *f, bool nearly)
{
	fix_vm(f, "web", 2, nearly ? "19-20" : "14-15");
}

static void emulator_on_vcpus(struct fix *f, bool nearly)
{
	fix_mask(f, f->vm, ROLE_EMULATOR, nearly ? "0,5-23" : "0-23");
}

static void iothread_on_vcpus(struct fix *f, bool nearly)
{
	fix_mask(f, f->vm, ROLE_IOTHREAD, nearly ? "0,5-23" : "0-23");
}

static void smt_blind(struct fix *f, bool nearly)
{
	fix_pin(f, f->vm, "1-2,13-14");
	f->vm->guest_threads = nearly ? 2 : 1;
}

static void crosses_nodes(struct fix *f, bool nearly)
{
	fix_pin(f, f->vm, nearly ? "1-4" : "1-2,7-8");
}

static void crosses_l3(struct fix *f, bool nearly)
{
	/* Two L3 domains on one node. */
	f->h->s.l3s[0].cpus = cpus("0-2,12-14");
	f->h->s.l3s[1].cpus = cpus("3-11,15-23");
	fix_pin(f, f->vm, nearly ? "3-5,15" : "1-4");
}

static void cpu0_for_vm(struct fix *f, bool nearly)
{
	fix_pin(f, f->vm, nearly ? "1-4" : "0-3");
}

static void mixed_cores(struct fix *f, bool nearly)
{
	fake_kind(f->h, "0-3,12-15", CPU_PERFORMANCE);
	fake_kind(f->h, "4-11,16-23", CPU_EFFICIENCY);
	fix_pin(f, f->vm, nearly ? "0-3" : "1-4");
}

static void fifo_vcpus(struct fix *f, bool nearly)
{
	f->vm->threads[0].policy = nearly ? "batch" : "fifo";
	f->vm->threads[0].priority = nearly ? 0 : 1;
}

static const struct {
	const char *id;
	void (*make)(struct fix *f, bool nearly);
} cases[] = {
	{ "disk-slow", disk_slow },
	{ "storage-wait", storage_wait },
	{ "host-steal", host_steal },
	{ "softirq-hot", softirq_hot },
	{ "irq-hot", irq_hot },
	{ "hog", hog },
	{ "quota", quota },
	{ "caged", caged },
	{ "oversubscribed", oversubscribed },
	{ "sibling-busy", sibling_busy },
	{ "vcpu-wait", vcpu_wait },
	{ "stacked-vcpus", stacked_vcpus },
	{ "too-few-cpus", too_few_cpus },
	{ "half-pinned", half_pinned },
	{ "overlap", overlap },
	{ "siblings-shared", siblings_shared },
	{ "emulator-on-vcpus", emulator_on_vcpus },
	{ "iothread-on-vcpus", iothread_on_vcpus },
	{ "smt-blind", smt_blind },
	{ "crosses-nodes", crosses_nodes },
	{ "crosses-l3", crosses_l3 },
	{ "cpu0-for-vm", cpu0_for_vm },
	{ "mixed-cores", mixed_cores },
	{ "fifo-vcpus", fifo_vcpus },
};

static const struct finding *finding_of(const struct check *c, const char *id)
{
	for (size_t i = 0; i < c->findings.n; i++)
		if (streq(c->findings.v[i].rule->id, id))
			return &c->findings.v[i];
	return NULL;
}

static const struct check_result *result_of(const struct check *c, const char *id)
{
	array_for_each (r, &c->results)
		if (streq(r->rule->id, id))
			return r;
	return NULL;
}

/* The rule is found among all others, with what it says filled in. */
static void test_triggers(size_t i)
{
	const char *id = cases[i].id;
	struct fix *f = fix_new();
	cases[i].make(f, false);
	AUTO_CHECK struct check *c = fix_check(f, NULL, true);
	const struct finding *x = finding_of(c, id);
	if (ok(x, "%s: is found", id)) {
		ok(x->summary && strlen(x->summary) > 10 && x->evidence.n, "%s: says what it saw",
			id);
		array_for_each (e, &x->evidence)
			ok(e->source && *e->source && e->text && *e->text, "%s: %s: %s", id,
				e->source, e->text);
		printf("# %s%s%s\n", x->vm ? x->vm : "", x->vm ? ": " : "", x->summary);
		array_for_each (command, &x->commands)
			printf("#     %s\n", *command);
	}
	fix_free(f);
}

static void test_nearly(size_t i)
{
	const char *id = cases[i].id;
	struct fix *f = fix_new();
	cases[i].make(f, true);
	AUTO_CHECK struct check *c = fix_check(f, NULL, true);
	const struct check_result *r = result_of(c, id);
	ok(!finding_of(c, id), "%s: is not found where it is not", id);
	ok(r && r->status == CHECK_CLEAN, "%s: was looked for there", id);
	fix_free(f);
}

/* Nothing to say of a host that has nothing. */
static void test_clean(bool has_rates)
{
	struct fix *f = fix_new();
	AUTO_CHECK struct check *c = fix_check(f, NULL, has_rates);
	array_for_each (x, &c->findings)
		ok(x->severity == SEVERITY_INFO, "clean host: %s: %s", x->rule->id, x->summary);
	ok(strstr(c->verdict, "nothing is wrong"), "its verdict: %s", c->verdict);
	const struct check_result *r = result_of(c, "softirq-hot");
	same_int(r->status, has_rates ? CHECK_CLEAN : CHECK_SKIPPED, "rates are looked at");
	if (!has_rates)
		same_str(r->reason, "needs an interval", "or it is said why not");
	fix_free(f);
}

/* Every rule has both fixtures; its row is whole; what explains it is a rule, and not itself. */
static void test_rows(void)
{
	size_t n;
	const struct rule *all = check_rules(&n);
	for (size_t i = 0; i < n; i++) {
		bool has = false;
		for (size_t k = 0; k < N_ELEMENTS(cases); k++)
			has |= streq(cases[k].id, all[i].id);
		ok(has, "%s has its fixtures", all[i].id);
		ok(all[i].title && all[i].cause && all[i].advice && all[i].surer && all[i].run,
			"%s: the row is whole", all[i].id);
		ok(!i || all[i].stage >= all[i - 1].stage, "%s: stands where it belongs",
			all[i].id);
		AUTO_FREE char *roots = xstrdup(all[i].roots ? all[i].roots : "");
		for (char *next = roots, *word; (word = str_next_word(&next));)
			ok(check_rule(word) && !streq(word, all[i].id), "%s: explained by %s",
				all[i].id, word);
	}
	same_int(N_ELEMENTS(cases), n, "and no fixture is of no rule");
}

/* Is 'to' reached from the rule along what explains it? */
static bool reaches(const struct rule *from, const char *to, int depth)
{
	AUTO_FREE char *roots = xstrdup(from->roots ? from->roots : "");
	if (depth > 40)
		return true;
	for (char *next = roots, *word; (word = str_next_word(&next));)
		if (streq(word, to) || reaches(check_rule(word), to, depth + 1))
			return true;
	return false;
}

static void test_no_circle(void)
{
	size_t n;
	const struct rule *all = check_rules(&n);
	for (size_t i = 0; i < n; i++)
		ok(!reaches(&all[i], all[i].id, 0), "%s does not explain itself", all[i].id);
}

/* One finding, not forty: what a root explains is behind it. */
static void test_folding(void)
{
	struct fix *f = fix_new();
	hog(f, false);
	waits(f, 0.3);
	sibling_busy(f, false);
	AUTO_CHECK struct check *c = fix_check(f, NULL, true);
	same_str(c->findings.v[0].rule->id, "hog", "the cause comes first");
	ok(str_after(c->verdict, "db01: backup runs on its CPUs (70 % of a CPU): Keep it off"),
		"and is the verdict: %s", c->verdict);
	for (const char *const *id = (const char *const[]){ "vcpu-wait", "caged", NULL }; *id;
		id++) {
		const struct finding *x = finding_of(c, *id);
		ok(x && x->root == 0, "%s hangs on it", *id);
	}
	fix_free(f);

	f = fix_new();
	overlap(f, false);
	waits(f, 0.3);
	AUTO_CHECK struct check *d = fix_check(f, NULL, true);
	same_str(d->findings.v[0].rule->id, "overlap", "two VMs on one set");
	size_t n_roots = 0;
	array_for_each (x, &d->findings)
		n_roots += x->root < 0 && x->severity > SEVERITY_INFO;
	same_int(n_roots, 1, "are one finding");
	fix_free(f);
}

/* Rules that were not asked for say nothing. */
static void test_only(void)
{
	struct fix *f = fix_new();
	hog(f, false);
	overlap(f, false);
	AUTO_CHECK struct check *c = fix_check(f, "overlap", true);
	same_int(c->results.n, 1, "one rule ran");
	ok(finding_of(c, "overlap") && !finding_of(c, "hog"), "and found what it looks for");
	fix_free(f);
}

int main(void)
{
	test_clean(true);
	test_clean(false);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		test_triggers(i);
		test_nearly(i);
	}
	test_rows();
	test_no_circle();
	test_folding();
	test_only();
	return tap_done();
}
