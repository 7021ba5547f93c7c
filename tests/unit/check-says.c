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
	ok(x && strstr(x->summary, "pinned CPUs 4"), "and what is open is said: %s",
		x ? x->summary : "");
	same_int(x ? x->sure : 0, SURE_LIKELY, "as sure as a file is");
	f->irqbalance.is_told = true;
	AUTO_CHECK struct check *told = fix_check(f, "irqbalance", false);
	x = finding_of(told, "irqbalance");
	same_int(x ? x->sure : 0, SURE_STATE, "or as its own word");
}

int main(void)
{
	test_running();
	test_isolcpus_flags();
	test_irqbalance_conf();
	test_irqbalance_list();
	return tap_done();
}
