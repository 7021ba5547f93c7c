/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each rule of check on a host that has what it looks for, and on one that nearly has. */
#include "tap.h"

#include "base/str.h"
#include "check-cases.h"
#include "report/report.h"
#include "view/check-compare.h"

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
	ok(str_after(
		   c->verdict, "db01: backup ran (70 % of a CPU), and was seen on its CPUs: Keep"),
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

/* A cause that is told as a mere note is as grave as what comes of it: what is told, the verdict
 * and the exit code say the same. */
static void test_severity(void)
{
	static const struct {
		const char *root, *of;
		void (*make)(struct fix *f, bool nearly), (*makes)(struct fix *f, bool nearly);
	} rows[] = {
		{ "power-limit", "frequency-low", power_limit, frequency_low },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct fix *f = fix_new();
		rows[i].make(f, false);
		f->packages[0].most_w = f->packages[0].limit_w;
		AUTO_CHECK struct check *before = fix_check(f, NULL, true);
		same_int(check_worst(before), SEVERITY_INFO, "%s: a note by itself", rows[i].root);
		rows[i].makes(f, false);
		AUTO_CHECK struct check *c = fix_check(f, NULL, true);
		const struct finding *x = finding_of(c, rows[i].root),
				     *y = finding_of(c, rows[i].of);
		ok(x && y && y->root == 0 && x == c->findings.v, "%s explains it", rows[i].root);
		same_int(x->severity, SEVERITY_WARNING, "and is as grave");
		ok(!strstr(c->verdict, "nothing is wrong"), "the verdict: %s", c->verdict);
		fix_free(f);
	}
}

static const struct finding *root_of(const struct check *c, const char *id)
{
	const struct finding *x = finding_of(c, id);
	return x && x->root >= 0 ? &c->findings.v[x->root] : NULL;
}

/* Who might run on the VM's CPUs, and in the interval did not, made nobody wait then. */
static void test_suspects(void)
{
	static const struct {
		const char *id;
		void (*make)(struct fix *f, bool nearly);
	} rows[] = {
		{ "overlap", overlap },
		{ "siblings-shared", siblings_shared },
		{ "emulator-on-vcpus", emulator_on_vcpus },
		{ "iothread-on-vcpus", iothread_on_vcpus },
		{ "container-on-vcpus", container_on_vcpus },
		{ "isolation-lost", isolation_lost },
		{ "partition-invalid", partition_invalid },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct fix *f = fix_new();
		rows[i].make(f, false);
		for (size_t k = 0; k < f->rates.n_threads; k++)
			f->threads[k].run = f->threads[k].tid / 1000 == 1 ? f->threads[k].run : 0;
		waits(f, 0.3);
		AUTO_CHECK struct check *c = fix_check(f, NULL, true);
		const struct finding *root = root_of(c, "vcpu-wait");
		ok(finding_of(c, rows[i].id) && finding_of(c, "vcpu-wait"), "%s, and vCPUs wait",
			rows[i].id);
		ok(!root || !streq(root->rule->id, rows[i].id), "%s: not for that", rows[i].id);
		fix_free(f);
	}
}

/* vCPUs of a VM without CPUs of its own run where they like; those of one that has them are
 * overlap's. */
static void test_neighbour(bool is_pinned)
{
	struct fix *f = fix_new();
	struct vm *web = fix_vm(f, "web", 4, "1-4");
	if (!is_pinned)
		fix_mask(f, web, ROLE_VCPU, "0-23");
	for (int i = 0; i < 4; i++)
		fix_task_of(f, web, &web->threads[i], 1 + i, 0.5);
	emulator_on_vcpus(f, false);
	fix_busy(f, "1-4", 0.4);
	waits(f, 0.3);
	AUTO_CHECK struct check *c = fix_check(f, NULL, true);
	const struct finding *root = root_of(c, "vcpu-wait");
	same_str(root ? root->rule->id : "", is_pinned ? "overlap" : "hog", "who made it wait");
	if (!is_pinned)
		ok(strstr(root->summary, "of web and 3 other threads ran (200 % of a CPU)"),
			"by name: %s", root->summary);
	same_int(!finding_of(c, "hog"), is_pinned, "one rule says so");
	fix_free(f);
}

/* Where nobody tells how busy CPUs were, nothing clears who was seen there. */
static void test_hog_unseen(void)
{
	struct fix *f = fix_new();
	fix_task(f, 9000, "backup", "0-23", 2, 0.7);
	memset(f->cpu_index, -1, sizeof f->cpu_index);
	AUTO_CHECK struct check *c = fix_check(f, "hog", true);
	ok(finding_of(c, "hog"), "it may have been there");
	fix_free(f);
}

/* What a quota did in the interval is one thing, what it did since it began another. */
static void test_quota(void)
{
	static const struct {
		uint64_t n_throttled; /* of 1000 periods */
		double now;
		bool has_rates, is_root;
		enum severity severity;
		const char *summary;
	} rows[] = {
		{ 0, 0, true, false, SEVERITY_INFO, ", which has not stopped it" },
		{ 600, 0, true, false, SEVERITY_INFO,
			"in 0.0 % of the periods of the interval, in 60 % since it began" },
		{ 7, 0.4, true, true, SEVERITY_WARNING, "in 40 % of the periods of the interval" },
		{ 7, 0, false, false, SEVERITY_INFO, "in 0.7 % of the periods since it began" },
		{ 70, 0, false, false, SEVERITY_WARNING, "in 7.0 % of the periods since it began" },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct fix *f = fix_new();
		quota(f, false);
		f->group_readings[0].max.quota_us = 12550000;
		f->group_readings[0].stat.n_periods = 1000;
		f->group_readings[0].stat.n_throttled = rows[i].n_throttled;
		f->group_rates[0].throttled = rows[i].now;
		waits(f, 0.3);
		AUTO_CHECK struct check *c = fix_check(f, NULL, rows[i].has_rates);
		const struct finding *x = finding_of(c, "quota"), *root = root_of(c, "vcpu-wait");
		ok(strstr(x->summary, rows[i].summary), "%s", x->summary);
		ok(strstr(x->summary, "db01.scope has a quota of 125.5 CPUs,"), "how much it is");
		same_int(x->severity, rows[i].severity, "how grave that is");
		same_int(root == x, rows[i].is_root, "whether it made the VM wait");
		fix_free(f);
	}
}

/* libvirt's vcpu_quota: of groups below the VM's, told in one, the one that is stopped most first.
 */
static void test_quota_below(void)
{
	struct fix *f = fix_new();
	for (size_t i = 0; i < 3; i++) {
		f->groups[i] =
			arena_printf(&f->h->s.arena, "qemu.slice/db01.scope/libvirt/vcpu%zu", i);
		f->group_readings[i] = (struct group_reading){ .has_max = true,
			.has_stat = true,
			.max = { 50000, 100000 },
			.stat = { 5, 100, i == 1 ? 70 : 10, 5 } };
		f->group_rates[i] = (struct group_rate){ .path = f->groups[i], .throttled = -1 };
		f->rates.n_groups++;
	}
	AUTO_CHECK struct check *c = fix_check(f, NULL, false);
	const struct finding *x = finding_of(c, "quota");
	ok(x && str_after(x->summary, "its group vcpu1 has, as 2 others, a quota of 0.5 CPUs"),
		"%s", x ? x->summary : "not found");
	same_int(x ? x->commands.n : 0, 3, "each is lifted");
	fix_free(f);
}

/* vCPUs that float are counted with those that they may meet; who is pinned waits for who runs
 * there, not for their number. */
static void test_oversubscribed(void)
{
	static const struct {
		int n_vcpus;
		const char *allowed, *isolated, *summary;
		bool waits;
	} rows[] = {
		{ 21, "0-23", "", "21 vCPUs without CPUs of their own and 4 pinned share 24 CPUs",
			true },
		{ 21, "0-23", "", "21 vCPUs without CPUs of their own and 4 pinned share 24 CPUs",
			false },
		{ 20, "0-23", "", NULL, true },
		{ 21, "0-23", "1-4", "21 vCPUs without CPUs of their own share 20 CPUs", true },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct fix *f = fix_new();
		struct vm *web = fix_vm(f, "web", rows[i].n_vcpus, "0");
		fix_mask(f, web, ROLE_VCPU, rows[i].allowed);
		fake_boot_isolated(f->h, rows[i].isolated);
		waits(f, 0.3);
		for (int k = 0; rows[i].waits && k < rows[i].n_vcpus; k++)
			fix_rate(f, web->pid + 1 + k)->wait = 0.3;
		AUTO_CHECK struct check *c = fix_check(f, NULL, true);
		const struct finding *x = finding_of(c, "oversubscribed");
		same_str(x ? x->summary : NULL, rows[i].summary, "so many share so many");
		array_for_each (y, &c->findings)
			if (x && streq(y->rule->id, "vcpu-wait"))
				same_int(y->root == x - c->findings.v, streq(y->of->id, "web"),
					"%s waits for that", y->vm);
		fix_free(f);
	}
}

/* The busy one of two is told where it is a disk, not where it is a part of the other. */
static void test_partitions(void)
{
	static const struct {
		const char *disk, *busy;
		bool is_disk;
	} rows[] = {
		{ "sda", "sda1", false },
		{ "sda", "sda15", false },
		{ "sda", "sdaa", true },
		{ "vda", "vdaa1", true },
		{ "dm-1", "dm-10", true },
		{ "zd1", "zd16", true },
		{ "zd16", "zd16p1", false },
		{ "md1", "md127", true },
		{ "md1", "md1p2", false },
		{ "nvme1n1", "nvme1n10", true },
		{ "nvme1n1", "nvme1n1p10", false },
		{ "mmcblk0", "mmcblk0boot0", true },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct fix *f = fix_new();
		f->disks[0] = (struct disk_rate){ rows[i].disk, 0, 0, 0 };
		f->disks[1] = (struct disk_rate){ rows[i].busy, 0.97, 120, 45 };
		f->rates.n_disks = 2;
		AUTO_CHECK struct check *c = fix_check(f, "disk-slow", true);
		same_int(!!finding_of(c, "disk-slow"), rows[i].is_disk, "%s beside %s",
			rows[i].busy, rows[i].disk);
		fix_free(f);
	}
}

/* Each CPU has its own frequency, limit and governor. */
static void test_speeds(void)
{
	struct fix *f = fix_new();
	static int64_t khz[3] = { 1600000, 900000, 3300000 };
	f->rates.freq_cpus = cpus("2-4");
	f->rates.khz = khz;
	f->rates.n_khz = 3;
	fix_busy(f, "2-4", 0.5);
	f->policies[1].max_khz = f->policies[2].max_khz = 2000000;
	f->policies[3].max_khz = 1000000;
	f->policies[3].hw_max_khz = 5700000;
	f->policies[1].governor = f->policies[3].governor = "powersave";
	f->policies[4].governor = "ondemand";
	AUTO_CHECK struct check *c = fix_check(f, NULL, true);
	const struct finding *x = finding_of(c, "frequency-low");
	same_str(x->summary, "its busy CPUs run at 0.9 of 5.7 GHz (3), 1.6 of 3.4 GHz (2)", "each");
	same_str(x->evidence.v[0].text, "900000; cpuinfo_max_freq 5700000", "of its own file");
	x = finding_of(c, "frequency-capped");
	same_str(x->summary, "its CPUs are held to 1.0 of 5.7 GHz (3), 2.0 of 3.4 GHz (1-2)",
		"those that are alike together");
	ok(strstr(x->commands.v[0], "in 3; do echo 5700000") &&
			strstr(x->commands.v[1], "in 1 2; do echo 3400000"),
		"each gets its own: %s", x->commands.v[0]);
	x = finding_of(c, "governor");
	same_str(x->summary, "the governor of its CPUs is powersave (1,3), of others ondemand (4)",
		"by name");
	fix_free(f);
}

/* A processor that is at its limit slows down its own cores. */
static void test_package(void)
{
	static const char *const names[] = { "package-0", "package-1", "dram" };
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		struct fix *f = fix_new();
		power_limit(f, false);
		f->packages[0].name = names[i];
		frequency_low(f, false);
		AUTO_CHECK struct check *c = fix_check(f, NULL, true);
		same_int(!!root_of(c, "frequency-low"), i != 1, "CPU 2 and %s", names[i]);
		fix_free(f);
	}
}

/* A device is named where it came often enough to be the cause, and as often as it came. */
static void test_irqs(void)
{
	static const struct {
		double per_s;
		const char *softirq;
		size_t n_commands;
	} rows[] = {
		{ 0.6, "1 of its 4 CPUs serves interrupts (12 % of the time)", 0 },
		{ 900,
			"1 of its 4 CPUs serves interrupts (12 % of the time), of devices most "
			"often of "
			"nvme0q4",
			1 },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct fix *f = fix_new();
		f->cpus[2].softirq = 0.119;
		fix_irq(f, 28, "nvme0q4", "0-23", 2, rows[i].per_s);
		AUTO_CHECK struct check *c = fix_check(f, "softirq-hot", true);
		const struct finding *x = finding_of(c, "softirq-hot");
		same_str(x->summary, rows[i].softirq, "%.1f per s", rows[i].per_s);
		same_int(x->commands.n, rows[i].n_commands, "moved where that helps");
		fix_free(f);
	}
	struct fix *f = fix_new();
	fix_irq(f, 28, "nvme0q4", "0-23", 2, 420);
	fix_irq(f, 29, "nvme0q5", "0-23", 2, 410);
	fix_irq(f, 30, "nvme0q6", "0-23", 2, 400);
	AUTO_CHECK struct check *c = fix_check(f, "irq-hot", true);
	same_str(finding_of(c, "irq-hot")->summary,
		"1230 interrupts per s of devices (420 of nvme0q4) interrupt 1 of its 4 CPUs",
		"of each its own");
	fix_free(f);
}

/* A limit below the deep state's latency keeps the CPU from it; one that is offered keeps the
 * shallow ones. */
static void test_idle(void)
{
	static const struct {
		const char *latency;
		bool is_found;
	} rows[] = { { "0", true }, { "20", false }, { "132", false }, { "133", true },
		{ "n/a", false }, { NULL, true } };
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct fix *f = fix_new();
		struct idle_state three[] = { f->idle[0], { "C1", 2, 5, 5, 0 },
			{ "C1E", 12, 5, 5, 0 }, { "C6", 133, 5, 5, 0 } };
		for (int cpu = 0; cpu < 24; cpu++) {
			f->cpu_power[cpu].idle_states = three;
			f->cpu_power[cpu].n_idle_states = N_ELEMENTS(three);
			f->cpu_power[cpu].resume_latency = rows[i].latency;
		}
		AUTO_CHECK struct check *c = fix_check(f, "deep-idle", false);
		const struct finding *x = finding_of(c, "deep-idle");
		same_int(
			!!x, rows[i].is_found, "limit %s", rows[i].latency ? rows[i].latency : "-");
		if (x)
			ok(strstr(x->commands.v[0], "echo 12 >"), "%s", x->commands.v[0]);
		fix_free(f);
	}
}

/* Who spins takes nothing from siblings that are offline. */
static void test_poll(void)
{
	for (int i = 0; i < 2; i++) {
		struct fix *f = fix_new();
		idle_poll(f, false);
		if (i)
			f->h->s.online_cpus = cpus("0-11");
		AUTO_CHECK struct check *c = fix_check(f, "idle-poll", false);
		const struct finding *x = finding_of(c, "idle-poll");
		same_int(x->severity, i ? SEVERITY_INFO : SEVERITY_WARNING, "%s", x->summary);
		same_int(!!strstr(x->summary, "siblings"), !i, "of siblings that are there");
		fix_free(f);
	}
}

/* What may run nowhere else was measured there; of others two looks say that it is likely. */
static void test_hog_sure(void)
{
	static const struct {
		const char *allowed;
		int before, after;
		bool is_hog;
		enum sureness sure;
	} rows[] = {
		{ "2", 2, -1, true, SURE_MEASURED },
		{ "1-4", 3, 2, true, SURE_MEASURED },
		{ "0-23", 2, -1, true, SURE_LIKELY },
		{ "0-23", 7, 2, true, SURE_LIKELY },
		{ "0-23", 7, -1, false, SURE_STATE },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct fix *f = fix_new();
		fix_task(f, 9000, "backup", rows[i].allowed, rows[i].before, 0.5);
		fix_rate(f, 9000)->last_cpu = rows[i].after;
		fix_busy(f, "2", 0.4);
		AUTO_CHECK struct check *c = fix_check(f, NULL, true);
		const struct finding *x = finding_of(c, "hog");
		same_int(!!x, rows[i].is_hog, "on %s, from %d to %d", rows[i].allowed,
			rows[i].before, rows[i].after);
		if (x)
			same_int(x->sure, rows[i].sure, "%s: how sure", x->summary);
		fix_free(f);
	}
}

/* VMs whose QEMU may run on their vCPUs' CPUs, and whose vCPUs wait. */
static struct check *check_many(struct fix *f, int n)
{
	static const char *const ids[] = { "a", "b", "c", "d" },
				 *const lists[] = { "6-7", "8-9", "10-11", "18-19" };
	for (int i = 0; i < n; i++)
		fix_vm(f, ids[i], 2, lists[i]);
	fix_busy(f, "0-23", 0.08);
	for (size_t i = 0; i < f->h->vms.n_vms; i++) {
		struct vm *vm = &f->h->vms.vms[i];
		fix_mask(f, vm, ROLE_EMULATOR, "0-23");
		fix_rate(f, vm->pid)->run = 0.1;
		fix_rate(f, vm->pid)->last_cpu = vm->threads[0].cpu;
		for (size_t k = 0; k < vm->n_threads; k++)
			if (vm->threads[k].role == ROLE_VCPU)
				fix_rate(f, vm->threads[k].tid)->wait = 0.3;
	}
	return fix_check(f, NULL, true);
}

static size_t count_told(const struct check *c, const char *id)
{
	size_t n = 0;
	array_for_each (x, &c->findings)
		n += streq(x->rule->id, id) && x->alike < 0;
	return n;
}

/* What is so of many VMs is told once, and what it explains too. */
static void test_many(void)
{
	struct fix *f = fix_new();
	AUTO_CHECK struct check *c = check_many(f, 4);
	same_int(count_told(c, "emulator-on-vcpus"), 1, "five VMs, one finding");
	same_int(count_told(c, "vcpu-wait"), 1, "and one that it explains");
	same_str(c->findings.v[0].who, "5 VMs", "it says of how many");
	same_str(c->findings.v[0].told, check_rule("emulator-on-vcpus")->title, "and what");
	ok(str_after(c->verdict, "5 VMs: QEMU's own threads"), "so does the verdict: %s",
		c->verdict);
	array_for_each (x, &c->findings) {
		if (streq(x->rule->id, "emulator-on-vcpus"))
			ok(x->alike == (x == c->findings.v ? -1 : 0), "%s: with the first", x->vm);
		if (streq(x->rule->id, "vcpu-wait"))
			ok(x->root == 0, "%s: explained by the one that is told", x->vm);
	}
	fix_free(f);

	f = fix_new();
	AUTO_CHECK struct check *d = check_many(f, 2);
	same_int(count_told(d, "emulator-on-vcpus"), 3, "three VMs are told one by one");
	same_str(d->findings.v[0].who, d->findings.v[0].vm, "by name");
	fix_free(f);
}

/* An isolation that was lost is the cause of all that may run there again. */
static void test_lost(void)
{
	struct fix *f = fix_new();
	isolation_lost(f, false);
	fix_mask(f, f->vm, ROLE_EMULATOR, "0-23");
	fix_mask(f, f->vm, ROLE_IOTHREAD, "0-23");
	AUTO_CHECK struct check *c = fix_check(f, NULL, false);
	same_str(c->findings.v[0].rule->id, "isolation-lost", "what was lost comes first");
	const struct finding *x = finding_of(c, "iothread-on-vcpus");
	ok(x && x->root == 0, "and explains who is there");
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

static const char *figure_named(json_t *figures, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(figures, i), key));
}

/* Two hosts, of which one's vCPUs wait: that is the figure that differs. */
static void test_figures(void)
{
	struct fix *f = fix_new(), *g = fix_new();
	waits(f, 0.3);
	AUTO_CHECK struct check *a = fix_check(f, NULL, true);
	AUTO_CHECK struct check *b = fix_check(g, NULL, true);
	AUTO_CHECK struct check *none = fix_check(g, NULL, false);
	AUTO_REPORT struct report *r = report_new("check", false);
	const struct compared slow = { "slow", a, &f->h->s, &f->reading },
			      fast = { "fast", b, &g->h->s, &g->reading },
			      still = { "still", none, &g->h->s, &g->reading };
	f->reading.microcode = "0xf4";
	g->reading.microcode = "0xf6";
	check_compare_report(&slow, &fast, &f->limits, r);
	json_t *figures = json_object_get(report_json(r), "figures");
	same_int(json_array_size(figures), 1, "one figure differs");
	same_str(figure_named(figures, 0, "figure"), "vCPUs that wait", "which");
	same_str(figure_named(figures, 0, "a"), "42.9", "on the first");
	json_t *settings = json_object_get(report_json(r), "settings");
	same_int(json_array_size(settings), 1, "one setting does");
	same_str(figure_named(settings, 0, "setting"), "microcode", "which");
	f->limits.compare_ratio = 1000;
	check_compare_report(&slow, &fast, &f->limits, r);
	same_int(json_array_size(json_object_get(report_json(r), "figures")), 0,
		"the limit is the policy's");
	check_compare_report(&slow, &still, &g->limits, r);
	same_int(json_array_size(json_object_get(report_json(r), "figures")), 0,
		"without an interval there are none");
	fix_free(f);
	fix_free(g);
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
	test_severity();
	test_suspects();
	test_neighbour(false);
	test_neighbour(true);
	test_hog_sure();
	test_hog_unseen();
	test_quota();
	test_idle();
	test_poll();
	test_irqs();
	test_speeds();
	test_package();
	test_partitions();
	test_oversubscribed();
	test_quota_below();
	test_many();
	test_lost();
	test_only();
	test_figures();
	return tap_done();
}
