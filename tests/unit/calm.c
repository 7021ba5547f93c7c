/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the minute of check may be left out: the numbers are written as the kernel does, and grow.
 */
#include "daemon/calm.h"

#include <stdlib.h>

#include "apply/ledger.h"
#include "host/host.h"
#include "../machine/fake-proc.h"
#include "tap.h"

static struct host *h;
static struct calm calm;
static uint64_t minute = 60000000000, now = 60000000000;

/* A VM of CPUs 2 and 3: one of its threads waited so long, in ns; the rest in ticks and in us. */
static void numbers(
	const struct ledger *l, long long waited_ns, int irq, int steal, long long stalled_us)
{
	array_for_each (p, &l->placements) {
		files_put(root, "12345678 0 10\n", "proc/%d/task/%d/schedstat", p->pid, p->pid);
		char text[64], pressure[160];
		snprintf(text, sizeof text, "5000000000 %lld 12\n", waited_ns);
		files_put(root, text, "proc/%d/task/%d/schedstat", p->pid, p->pid + 1);
		snprintf(pressure, sizeof pressure,
			"some avg10=0.00 avg60=0.00 avg300=0.00 total=%lld\n"
			"full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
			stalled_us);
		files_put(root, pressure, "sys/fs/cgroup/%s/io.pressure", p->cgroup);
	}
	char stat[400];
	snprintf(stat, sizeof stat,
		"cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 9 0 9 9 0 90000 90000 90000 0 0\n"
		"cpu2 9 0 9 9 0 %d 7 0 0 0\ncpu3 9 0 9 9 0 0 7 %d 0 0\nintr 1 2\n",
		irq, steal);
	files_put(root, stat, "proc/stat");
}

static bool look(const struct ledger *l)
{
	now += minute;
	return calm_look(h, l, now, &calm);
}

/* Two looks, of which the first is at nothing of all that. */
static void quiet_is(bool want, const struct ledger *l, const char *what)
{
	ok(look(l) == want, "%s", what);
	numbers(l, 1000, 10, 10, 1000);
	look(l);
}

static const struct {
	const char *what;
	bool is_calm;
	int waited_ns, irq, steal, stalled_us;
} rows[] = {
	{ "59 ms waited in a minute", true, 59000000, 10, 10, 1000 },
	{ "61 ms waited", false, 61000000, 10, 10, 1000 },
	{ "110 ms of interrupts", true, 1000, 21, 10, 1000 },
	{ "130 ms of interrupts", false, 1000, 23, 10, 1000 },
	{ "130 ms stolen", false, 1000, 10, 23, 1000 },
	{ "0.6 s less something for a disk", true, 1000, 10, 10, 590000 },
	{ "more than 0.6 s for a disk", false, 1000, 10, 10, 610000 },
};

int main(void)
{
	struct err e;
	if (!mkdtemp(root) || host_open(&h, root, &e) < 0)
		return 1;
	AUTO_LEDGER struct ledger *l = ledger_new();
	struct placement vm = { .vm = "100", .pid = 500, .cgroup = "qemu.slice/100.scope" };
	cpuset_add(&vm.vcpu_cpus, 2);
	cpuset_add(&vm.vcpu_cpus, 3);
	*array_push(&l->placements) = vm;
	numbers(l, 1000, 10, 10, 1000);

	ok(!look(l), "the first look knows nothing");
	quiet_is(true, l, "nothing has changed");
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		numbers(l, rows[i].waited_ns, rows[i].irq, rows[i].steal, rows[i].stalled_us);
		quiet_is(rows[i].is_calm, l, rows[i].what);
	}
	minute = 1;
	ok(!look(l), "no time has passed to speak of");
	minute = 60000000000;
	look(l);

	/* what is of other VMs, and what ends */
	struct placement other = { .vm = "101", .pid = 600, .cgroup = "qemu.slice/101.scope" };
	*array_push(&l->placements) = other;
	numbers(l, 1000, 10, 10, 1000);
	quiet_is(false, l, "one VM more");
	numbers(l, 61000000, 10, 10, 1000);
	ok(!look(l), "both waited");
	l->placements.n = 1;
	ok(!look(l), "one VM less");
	numbers(l, 61000000, 10, 10, 1000);
	ok(look(l), "... and then calm");
	numbers(l, 0, 10, 10, 1000);
	ok(!look(l), "a thread that waited has ended");
	calm_forget(&calm);
	ok(!look(l), "forgotten: the first look again");
	calm_forget(&calm);
	host_free(h);
	clear_root();
	return tap_done();
}
