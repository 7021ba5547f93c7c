/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/calm.h"

#include <stdlib.h>

#include "apply/ledger.h"
#include "base/str.h"
#include "host/host.h"
#include "kernel/cpu-times.h"
#include "kernel/pressure.h"
#include "kernel/task-sched.h"

/* Below the limits (policy/limits.h): 'wait-share' is of the time wanted, which may be little of
 * the time there was; 'interrupts-per-second' are some 5 us each, so a thousand take 5 in 1000;
 * 'steal-share' is 10, 'softirq-share' 50, 'io-pressure' 100. */
enum { WAITED_PER_1000 = 1, TAKEN_PER_1000 = 2, STALLED_PER_1000 = 10 };

static uint64_t waited_ns(struct host *h, int pid)
{
	AUTO_NAMES struct host_names tids = { 0 };
	uint64_t sum = 0;
	if (host_list(h, &tids, "proc/%d/task", pid) < 0)
		return 0;
	for (size_t i = 0; i < tids.n; i++) {
		AUTO_FREE char *text = NULL;
		struct schedstat times;
		if (host_read(h, &text, NULL, "proc/%d/task/%s/schedstat", pid, tids.v[i]) == 0 &&
			schedstat_parse(text, &times) == 0)
			sum += times.wait_ns;
	}
	return sum;
}

static uint64_t taken_ns(const struct cpu_times *times, const struct cpuset *cpus)
{
	uint64_t ticks = 0;
	cpuset_for_each (cpu, cpus) {
		const struct cpu_ticks *t = cpu_times_of(times, cpu);
		ticks += t ? t->irq + t->softirq + t->steal : 0;
	}
	return ticks * NS_PER_TICK;
}

static uint64_t stalled_ns(struct host *h, const char *cgroup)
{
	AUTO_FREE char *text = NULL;
	struct pressure p;
	bool is_known = cgroup &&
		host_read(h, &text, NULL, "sys/fs/cgroup/%s/io.pressure", cgroup) == 0 &&
		pressure_parse(text, &p) == 0;
	return is_known ? p.some_us * 1000 : 0;
}

static bool grew_less(uint64_t now, uint64_t before, uint64_t elapsed_ns, uint64_t per_1000)
{
	return now >= before && now - before < elapsed_ns / 1000 * per_1000;
}

static bool is_calm(const struct calm_vm *now, const struct calm_vm *before, uint64_t elapsed_ns)
{
	return grew_less(now->waited_ns, before->waited_ns, elapsed_ns, WAITED_PER_1000) &&
		grew_less(now->taken_ns, before->taken_ns, elapsed_ns, TAKEN_PER_1000) &&
		grew_less(now->stalled_ns, before->stalled_ns, elapsed_ns, STALLED_PER_1000);
}

bool calm_look(struct host *h, const struct ledger *l, uint64_t now_ns, struct calm *c)
{
	CLEANUP(calm_forget) struct calm before = *c;
	AUTO_FREE char *text = NULL;
	struct arena a = { 0 };
	struct cpu_times times = { 0 };
	bool is_same = before.vms.n == l->placements.n && now_ns > before.at_ns;
	*c = (struct calm){ .at_ns = now_ns };
	is_same &= host_read(h, &text, NULL, "proc/stat") == 0 &&
		cpu_times_parse(&a, text, &times) == 0;
	array_for_each (p, &l->placements) {
		const struct calm_vm now = { waited_ns(h, p->pid), taken_ns(&times, &p->vcpu_cpus),
			stalled_ns(h, p->cgroup) };
		size_t i = c->vms.n;
		*array_push(&c->vms) = now;
		is_same = is_same && is_calm(&now, &before.vms.v[i], now_ns - before.at_ns);
	}
	arena_done(&a);
	return is_same;
}

void calm_forget(struct calm *c)
{
	free(c->vms.v);
	*c = (struct calm){ 0 };
}
