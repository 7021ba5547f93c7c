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
UNUSED static const char *commands_of(struct fix *f, const struct finding *x)
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

int main(void)
{
	test_running();
	test_isolcpus_flags();
	return tap_done();
}
