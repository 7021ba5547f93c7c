/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules of check say and offer where one host that has it and one that nearly has do not tell
 * the whole of it. */
#include "tap.h"

#include "base/str.h"
#include "check-cases.h"

/* The host is the test's, and ends with it. */
#define AUTO_FIX CLEANUP(fix_freep)
DEFINE_CLEANUP(struct fix, fix_free)

static const struct finding *finding_of(const struct check *c, const char *id)
{
	array_for_each (x, &c->findings)
		if (streq(x->rule->id, id))
			return x;
	return NULL;
}

static const struct finding *root_of(const struct check *c, const char *id)
{
	const struct finding *x = finding_of(c, id);
	return x && x->root >= 0 ? &c->findings.v[x->root] : NULL;
}

/* All commands of a finding, a line each. */
static const char *commands_of(struct fix *f, const struct finding *x)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	for (size_t i = 0; x && i < x->commands.n; i++)
		strbuf_printf(&b, "%s%s", i ? "\n" : "", x->commands.v[i]);
	return b.n ? arena_strdup(&f->h->s.arena, b.s) : "";
}

/* A VM that runs is what its command line says; the manager's file may be newer. */
static void test_running(void)
{
	static const struct {
		const char *id;
		struct vm_config has, has_not;
	} rows[] = {
		{ "hugepages-short", { .memory_mib = 16384, .hugepages_kib = 2048 },
			{ .memory_mib = 4096, .hugepages_kib = 2048 } },
		{ "hugepages-short", { .memory_mib = 16384, .hugepages_kib = 2048 },
			{ .memory_mib = 16384, .hugepages_kib = HUGEPAGES_NONE } },
		{ "hugepages-far", { .memory_mib = 8192, .hugepages_kib = 2048 },
			{ .memory_mib = 2048, .hugepages_kib = 2048 } },
		{ "small-pages", { .memory_mib = 2048, .hugepages_kib = HUGEPAGES_NONE },
			{ .memory_mib = 2048, .hugepages_kib = 2048 } },
		{ "larger-than-node", { .memory_mib = 100 << 10 }, { .memory_mib = 1024 } },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_FIX struct fix *f = fix_new();
		huge(f, 0, 4000);
		f->tunables.thp_enabled = "never";
		f->config[0] = rows[i].has;
		f->config[0].source = "etc/pve/qemu-server/100.conf";
		f->vm->line = &rows[i].has_not;
		AUTO_CHECK struct check *file = fix_check(f, rows[i].id, false);
		ok(!finding_of(file, rows[i].id), "%s: not what its file says since", rows[i].id);
		f->config[0] = rows[i].has_not;
		f->config[0].source = "etc/pve/qemu-server/100.conf";
		f->vm->line = &rows[i].has;
		AUTO_CHECK struct check *line = fix_check(f, rows[i].id, false);
		ok(finding_of(line, rows[i].id), "%s: what it was started with", rows[i].id);
	}
}

/* Of isolcpus= only the flag domain, which is meant where there is none, isolates. */
static void test_isolcpus_flags(void)
{
	static const struct {
		const char *line;
		bool is_found;
	} rows[] = {
		{ "isolcpus=1-4", true },
		{ "isolcpus=domain,1-4", true },
		{ "isolcpus=managed_irq,domain,1-4", true },
		{ "isolcpus=unknown,1-4", true },
		{ "isolcpus=managed_irq,1-4", false },
		{ "isolcpus=nohz,1-4", false },
		{ "isolcpus=nohz,managed_irq,1-4", false },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_FIX struct fix *f = fix_new();
		boot_line(f, rows[i].line);
		AUTO_CHECK struct check *c = fix_check(f, "boot-no-effect", false);
		ok(!finding_of(c, "boot-no-effect") == !rows[i].is_found,
			"%s, and none is isolated", rows[i].line);
	}
}

static void test_irqbalance_conf(void)
{
	static const struct {
		const char *text, *cpus; /* NULL: none are named */
	} rows[] = {
		{ "IRQBALANCE_BANNED_CPULIST=2-7\n", "2-7" },
		{ "# x\nIRQBALANCE_BANNED_CPULIST=\"1,4-7\"\n", "1,4-7" },
		{ "IRQBALANCE_BANNED_CPULIST=1\nIRQBALANCE_BANNED_CPULIST=2\n", "2" },
		{ "IRQBALANCE_BANNED_CPUS=f0\nIRQBALANCE_BANNED_CPULIST=1\n", "4-7" },
		{ "#IRQBALANCE_BANNED_CPULIST=2-7\n", NULL },
		{ "IRQBALANCE_BANNED_CPULIST=\n", NULL },
		{ "", NULL },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct cpuset banned = CPUSET_EMPTY, wanted = CPUSET_EMPTY;
		if (rows[i].cpus)
			wanted = cpus(rows[i].cpus);
		ok(irqbalance_banned_in(rows[i].text, &banned) == (rows[i].cpus != NULL) &&
				cpuset_equal(&banned, &wanted),
			"%s: banned are %s", rows[i].text, rows[i].cpus ? rows[i].cpus : "none");
	}
}

/* The list that is offered has all that is kept off now. */
static void test_irqbalance_list(void)
{
	AUTO_FIX struct fix *f = fix_new();
	irqbalance(f, false);
	f->irqbalance = (struct irqbalance){ .file = "etc/sysconfig/irqbalance",
		.has_list = true,
		.banned_cpus = cpus("1-3,9"),
		.configured_cpus = cpus("1-3,11") };
	AUTO_CHECK struct check *c = fix_check(f, "irqbalance", false);
	const struct finding *x = finding_of(c, "irqbalance");
	ok(x &&
			strstr(commands_of(f, x),
				"sed -i '/^IRQBALANCE_BANNED_CPU/d' /etc/sysconfig/irqbalance; "
				"echo "
				"IRQBALANCE_BANNED_CPULIST=1-4,9,11 >> /etc/sysconfig/irqbalance;"),
		"the union, in its own file: %s", commands_of(f, x));
	ok(x && strstr(x->summary, "pinned CPU 4"), "and what is open is said: %s",
		x ? x->summary : "");
	same_int(x ? x->sure : 0, SURE_LIKELY, "as sure as a file is");
	f->irqbalance.is_told = true;
	AUTO_CHECK struct check *told = fix_check(f, "irqbalance", false);
	x = finding_of(told, "irqbalance");
	same_int(x ? x->sure : 0, SURE_STATE, "or as its own word");
}

/* CPUs that commands pin vCPUs of this VM to. */
static struct cpuset pinned_by(const struct check *c, const struct vm *vm)
{
	struct cpuset all = CPUSET_EMPTY;
	array_for_each (x, &c->findings)
		array_for_each (command, &x->commands) {
			int cpu, tid;
			if (sscanf(*command, "taskset -pc %d %d", &cpu, &tid) == 2 &&
				tid > vm->pid && tid <= vm->pid + vm->n_vcpus)
				cpuset_add(&all, cpu);
		}
	return all;
}

/* No two VMs are sent to one CPU, nor their other threads to where a VM is sent. */
static void test_offers(void)
{
	AUTO_FIX struct fix *f = fix_new();
	struct vm *b = fix_vm(f, "b", 4, "1-4"), *d = fix_vm(f, "d", 4, "1-4");
	struct vm *zero = fix_vm(f, "zero", 2, "0,12");
	fix_mask(f, f->vm, ROLE_EMULATOR, "0-23");
	AUTO_CHECK struct check *c = fix_check(f, NULL, true);
	struct cpuset of_b = pinned_by(c, b), of_d = pinned_by(c, d), of_zero = pinned_by(c, zero);
	same_int(cpuset_count(&of_b), 4, "a clone moves, to the same CPUs in all findings");
	same_int(cpuset_count(&of_d), 4, "another one too");
	same_int(cpuset_count(&of_zero), 2, "and one off CPU 0");
	ok(!cpuset_intersects(&of_b, &of_d) && !cpuset_intersects(&of_b, &of_zero) &&
			!cpuset_intersects(&of_d, &of_zero),
		"each to CPUs of its own");
	const struct finding *x = finding_of(c, "emulator-on-vcpus");
	struct cpuset rest = CPUSET_EMPTY, taken = cpuset_or(&of_b, &of_d);
	char list[64];
	cpuset_add_all(&taken, &of_zero);
	ok(x && x->commands.n && sscanf(x->commands.v[0], "taskset -pc %63s", list) == 1 &&
			cpuset_parse_list(list, &rest) == 0 && !cpuset_intersects(&rest, &taken),
		"QEMU's other threads beside them: %s", commands_of(f, x));
}

/* vCPUs that float over the same isolated CPUs: what parts them there parts the two VMs. */
static void test_parted(void)
{
	AUTO_FIX struct fix *f = fix_new();
	fake_boot_isolated(f->h, "1-5,13-17");
	struct vm *b = fix_vm(f, "b", 4, "1");
	fix_mask(f, f->vm, ROLE_VCPU, "1-5,13-15");
	fix_mask(f, b, ROLE_VCPU, "1-5,13-15");
	AUTO_CHECK struct check *c = fix_check(f, NULL, false);
	struct cpuset of_a = pinned_by(c, f->vm), of_b = pinned_by(c, b);
	ok(cpuset_count(&of_a) == 4 && cpuset_count(&of_b) == 4 && !cpuset_intersects(&of_a, &of_b),
		"two that float and overlap get four CPUs each, by all findings");
	same_int(finding_of(c, "overlap") ? finding_of(c, "overlap")->commands.n : 0, 8,
		"overlap says both");
}

/* CPUs of the kind that the VM has, and near, before others. */
static void test_kind_and_node(void)
{
	AUTO_FIX struct fix *f = fix_new();
	fake_kind(f->h, "0-3,6-9,12-15,18-21", CPU_PERFORMANCE);
	fake_kind(f->h, "4-5,10-11,16-17,22-23", CPU_EFFICIENCY);
	fix_pin(f, f->vm, "0-3");
	AUTO_CHECK struct check *c = fix_check(f, "cpu0-for-vm", false);
	struct cpuset to = pinned_by(c, f->vm), fast = cpus("1-3,6-9,12-15,18-21");
	ok(cpuset_count(&to) == 4 && cpuset_is_subset(&to, &fast), "fast cores again");

	AUTO_FIX struct fix *g = fix_new();
	fix_pin(g, g->vm, "7-10");
	struct vm *b = fix_vm(g, "b", 2, "7-8");
	AUTO_CHECK struct check *d = fix_check(g, "overlap", false);
	struct cpuset near = pinned_by(d, b), node = cpus("6-11,18-23");
	ok(cpuset_count(&near) == 2 && cpuset_is_subset(&near, &node), "the same node");
}

/* vCPUs where a change that waits for the next start, or the one that is in force, has them. */
static void test_pending_affinity(void)
{
	static const struct {
		const char *now, *pending;
		bool is_found;
	} rows[] = { { "5-8", "1-4", false }, { "1-4", "5-8", false }, { "5-8", "6-9", true },
		{ "5-8", NULL, false } };
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_FIX struct fix *f = fix_new();
		affinity(f, rows[i].now);
		*list_push(&f->h->s.arena, &f->config[0].pending) =
			(struct vm_pending){ "affinity", rows[i].pending };
		AUTO_CHECK struct check *c = fix_check(f, "affinity-not-in-force", false);
		const struct finding *x = finding_of(c, "affinity-not-in-force");
		ok(!x == !rows[i].is_found, "%s, then %s", rows[i].now,
			rows[i].pending ? rows[i].pending : "none");
		ok(!x || strstr(commands_of(f, x), "taskset -apc 6-9 "), "what comes is set");
	}
}

/* A CPU that is off, or that is not there, is told once, and as what it is. */
static void test_cpus_not_there(void)
{
	static const struct {
		const char *affinity, *says;
	} rows[] = { { "1-4,7", "are switched off (7)" }, { "1-4,30", "does not have (30)" },
		{ "1-4,7,30", "does not have (30)" } };
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_FIX struct fix *f = fix_new();
		affinity(f, rows[i].affinity);
		fake_offline(f->h, 7);
		f->h->s.cgroups[snapshot_cgroup(&f->h->s, "qemu.slice/db01.scope")].effective =
			fix_keep(f, "0-6,8-23");
		AUTO_CHECK struct check *c = fix_check(f, NULL, false);
		const struct finding *x = finding_of(c, "affinity-out-of-range");
		ok(x && strstr(x->summary, rows[i].says), "%s: %s", rows[i].affinity,
			x ? x->summary : "");
		ok(!finding_of(c, "affinity-blocked"), "no group could give them");
	}
}

/* What is left to others is the kernel's figure, and who keeps it. */
static void test_fifo(void)
{
	static const struct {
		const char *release, *says;
		int64_t runtime_us;
		enum severity severity;
	} rows[] = { { "6.1.0-13", "gets 5.0 %", 950000, SEVERITY_WARNING },
		{ "6.1.0-13", "gets 20 %", 800000, SEVERITY_WARNING },
		{ "6.1.0-13", "as long as the guest spins", 1000000, SEVERITY_CRITICAL },
		{ "6.1.0-13", "as long as the guest spins", -1, SEVERITY_CRITICAL },
		{ "6.1.0-13", "what is left", ABSENT, SEVERITY_WARNING },
		{ "6.12.0", "gets 5.0 %", -1, SEVERITY_WARNING },
		{ "7.2.0-rc1", "gets 5.0 %", 1000000, SEVERITY_WARNING } };
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_FIX struct fix *f = fix_new();
		fifo_vcpus(f, false);
		f->reading.release = rows[i].release;
		f->tunables.sched_rt_runtime_us = rows[i].runtime_us;
		AUTO_CHECK struct check *c = fix_check(f, "fifo-vcpus", false);
		const struct finding *x = finding_of(c, "fifo-vcpus");
		ok(x && strstr(x->summary, rows[i].says), "%s, %lld: %s", rows[i].release,
			(long long)rows[i].runtime_us, x ? x->summary : "");
		same_int(x ? x->severity : 0, rows[i].severity, "and as bad as that");
	}
}

/* What is offered is less, and enough for no node to be short; or nothing is. */
static void test_min_free(void)
{
	static const struct {
		int64_t kib;
		uint64_t free_kib;
		bool has;
	} rows[] = { { 500 << 10, 200 << 10, true }, { 20 << 20, 32 << 20, true },
		{ 8 << 20, 3 << 20, true }, { 500 << 10, 10 << 10, false }, { 90112, 0, false } };
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_FIX struct fix *f = fix_new();
		f->h->s.nodes[1].mem_free_kib = rows[i].free_kib;
		f->tunables.min_free_kbytes = rows[i].kib;
		AUTO_CHECK struct check *c = fix_check(f, "min-free", false);
		const struct finding *x = finding_of(c, "min-free");
		long long to = 0;
		ok(x, "%lld, %llu free", (long long)rows[i].kib,
			(unsigned long long)rows[i].free_kib);
		sscanf(commands_of(f, x), "sysctl vm.min_free_kbytes=%lld", &to);
		ok((to > 0) == rows[i].has && to < rows[i].kib, "lower: %lld", to);
		f->tunables.min_free_kbytes = to;
		AUTO_CHECK struct check *d = fix_check(f, "min-free", false);
		ok(!to || !finding_of(d, "min-free"), "and that is enough");
	}
}

/* A wide mask that the manager's file names meets who has few; one that nobody wrote down is a part
 * of the host. */
static void test_wide_affinity(void)
{
	for (int is_named = 0; is_named < 2; is_named++) {
		AUTO_FIX struct fix *f = fix_new();
		struct vm *b = fix_vm(f, "b", 3, "0");
		fix_mask(f, b, ROLE_VCPU, "1-8");
		if (is_named) {
			f->config[1].affinity = "1-8";
			f->config[1].affinity_cpus = fix_keep(f, "1-8");
		}
		AUTO_CHECK struct check *c = fix_check(f, "overlap", false);
		ok(!finding_of(c, "overlap") == !is_named, "named: %d", is_named);
		struct cpuset to = pinned_by(c, b), rest = cpus("5-8");
		ok(!is_named || (cpuset_count(&to) == 3 && cpuset_is_subset(&to, &rest)),
			"it moves within what it has");
	}
}

/* A container is told once, by its outermost group, and one without tasks is none. */
static void test_container_groups(void)
{
	for (int has_tasks = 0; has_tasks < 2; has_tasks++) {
		AUTO_FIX struct fix *f = fix_new();
		size_t n = 0;
		fix_group(f, "lxc", "0-23");
		int outer = fix_group(f, "lxc/200", "2-3"),
		    inner = fix_group(f, "lxc/200/ns", "2-3");
		f->h->s.cgroups[outer].cpus = f->h->s.cgroups[inner].cpus = "2-3";
		if (has_tasks)
			fix_task(f, 9000, "nginx", "2-3", 2, 0)->cgroup = inner;
		AUTO_CHECK struct check *c = fix_check(f, "container-on-vcpus", false);
		array_for_each (x, &c->findings)
			n += streq(x->rule->id, "container-on-vcpus");
		same_int(n, has_tasks, "one finding where there is somebody");
		f->h->s.cgroups[outer].cpus = "5-6";
		f->h->s.cgroups[outer].effective = f->h->s.cgroups[inner].effective =
			fix_keep(f, "5-6");
		AUTO_CHECK struct check *d = fix_check(f, "container-on-vcpus", false);
		ok(!finding_of(d, "container-on-vcpus"), "none when the outer one was moved");
	}
}

/* Each evidence is of a file that says so. */
static void test_sources(void)
{
	AUTO_FIX struct fix *f = fix_new();
	partition_invalid(f, false);
	struct cgroup *g = &f->h->s.cgroups[f->h->s.n_cgroups - 1];
	g->cpus = "";
	g->exclusive = "1-4";
	AUTO_CHECK struct check *c = fix_check(f, "partition-invalid", false);
	const struct finding *x = finding_of(c, "partition-invalid");
	ok(x && str_has_suffix(x->evidence.v[1].source, "/cpuset.cpus.exclusive"),
		"the list where it is");

	AUTO_FIX struct fix *b = fix_new();
	boot_unused(b, false);
	fix_task(b, 9000, "trader", "5-7", 5, 0);
	AUTO_CHECK struct check *d = fix_check(b, "boot-unused", false);
	ok(!finding_of(d, "boot-unused"), "isolated CPUs of a service are used");
}

static const char *wander_command(struct fix *f)
{
	memory_may_wander(f, false);
	AUTO_CHECK struct check *c = fix_check(f, "memory-may-wander", false);
	return commands_of(f, finding_of(c, "memory-may-wander"));
}

/* What binds memory fits the guest as it is configured, or is not offered. */
static void test_bound_memory(void)
{
	AUTO_FIX struct fix *f = fix_new();
	f->vm->manager = "proxmox";
	f->config[0].max_vcpus = 8;
	same_str(wander_command(f),
		"qm set db01 --numa 1 --numa0 'cpus=0-7,hostnodes=0,memory=8192,policy=bind'",
		"all vCPUs that it may have");
	struct vm_node nodes[] = { { .node = 0, .cpus = "0-1,4", .mib = 4096 },
		{ .node = 1, .cpus = "2-3", .mib = 4096 } };
	for (int i = 0; i < 2; i++)
		*list_push(&f->h->s.arena, &f->config[0].nodes) = nodes[i];
	same_str(wander_command(f),
		"qm set db01 --numa 1 --numa0 'cpus=0-1;4,hostnodes=0,memory=4096,policy=bind' "
		"--numa1 'cpus=2-3,hostnodes=0,memory=4096,policy=bind'",
		"each of its nodes");
	f->config[0].memory_mib = 16384;
	same_str(wander_command(f), "", "none where the sum is not the memory");

	AUTO_FIX struct fix *g = fix_new();
	g->vm->manager = "libvirt";
	g->vm->is_managed = true;
	g->vm->name = "my vm";
	same_str(wander_command(g), "virsh numatune 'my vm' --nodeset 0 --config", "a name");
}

/* Memory that a device pins cannot be moved. */
static void test_pinned_memory(void)
{
	struct vm_device gpu = { .kind = "pci", .address = "0000:41:00.0", .driver = "vfio-pci" };
	for (size_t n = 0; n < 2; n++) {
		AUTO_FIX struct fix *f = fix_new();
		memory_remote(f, false);
		f->vm->devices = &gpu;
		f->vm->n_devices = n;
		AUTO_CHECK struct check *c = fix_check(f, "memory-remote", false);
		const struct finding *x = finding_of(c, "memory-remote");
		same_int(x ? x->commands.n : 9, 1 - n, "migratepages, or nothing");
	}
}

/* libvirt's threads by its own tool, others where their group lets them. */
static void test_threads_of_groups(void)
{
	AUTO_FIX struct fix *f = fix_new();
	f->vm->manager = "libvirt";
	f->vm->is_managed = true;
	fix_mask(f, f->vm, ROLE_IOTHREAD, "0-23");
	f->vm->threads[5].id = "iothread7";
	AUTO_CHECK struct check *c = fix_check(f, "iothread-on-vcpus", false);
	same_str(commands_of(f, finding_of(c, "iothread-on-vcpus")),
		"virsh iothreadpin db01 7 0,5-12,17-23 --live --config", "an I/O thread");
	f->vm->threads[5].role = ROLE_VHOST;
	AUTO_CHECK struct check *d = fix_check(f, "iothread-on-vcpus", false);
	same_str(commands_of(f, finding_of(d, "iothread-on-vcpus")),
		"virsh emulatorpin db01 0,5-12,17-23 --live --config", "a vhost worker");

	AUTO_FIX struct fix *g = fix_new();
	hog(g, false);
	g->tasks[0].cgroup = fix_group(g, "system.slice", "2-6");
	AUTO_CHECK struct check *e = fix_check(g, "hog", true);
	same_str(commands_of(g, finding_of(e, "hog")), "taskset -pc 5-6 9000",
		"a task within its group");
	g->h->s.cgroups[g->tasks[0].cgroup].effective = fix_keep(g, "2-3");
	AUTO_CHECK struct check *none = fix_check(g, "hog", true);
	same_str(commands_of(g, finding_of(none, "hog")), "", "or not at all");
}

/* Heat of the interval is one thing, what was counted since boot another. */
static void test_throttled(void)
{
	static const struct {
		bool has_rates, is_hot;
		enum severity severity;
		const char *summary;
	} rows[] = {
		{ true, true, SEVERITY_WARNING, "for heat within the interval (2)" },
		{ true, false, SEVERITY_INFO, "since boot (2), and not within the interval" },
		{ false, false, SEVERITY_INFO, "since boot (2), which may be long ago" },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_FIX struct fix *f = fix_new();
		throttled(f, false);
		frequency_low(f, false);
		if (!rows[i].is_hot)
			f->rates.hot_cpus = CPUSET_EMPTY;
		AUTO_CHECK struct check *c = fix_check(f, NULL, rows[i].has_rates);
		const struct finding *x = finding_of(c, "throttled"),
				     *root = root_of(c, "frequency-low");
		ok(strstr(x->summary, rows[i].summary), "%s", x->summary);
		same_int(x->severity, rows[i].severity, "how grave that is");
		same_int(root == x, rows[i].is_hot, "whether it is why they are slow");
	}
}

/* A sibling slows who runs, and makes nobody wait for a CPU. */
static void test_siblings(void)
{
	AUTO_FIX struct fix *f = fix_new();
	siblings_shared(f, false);
	sibling_busy(f, false);
	waits(f, 0.3);
	AUTO_CHECK struct check *c = fix_check(f, NULL, true);
	const struct finding *busy = root_of(c, "sibling-busy");
	const struct finding *caged = finding_of(c, "caged");
	ok(caged && caged->root < 0, "who makes it wait is not known");
	same_str(busy ? busy->rule->id : "", "siblings-shared", "who works on the siblings");
}

int main(void)
{
	test_running();
	test_isolcpus_flags();
	test_irqbalance_conf();
	test_irqbalance_list();
	test_offers();
	test_parted();
	test_kind_and_node();
	test_pending_affinity();
	test_cpus_not_there();
	test_fifo();
	test_min_free();
	test_wide_affinity();
	test_container_groups();
	test_sources();
	test_bound_memory();
	test_pinned_memory();
	test_threads_of_groups();
	test_throttled();
	test_siblings();
	return tap_done();
}
