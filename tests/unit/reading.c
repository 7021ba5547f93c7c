/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose time it was that a thread's counters grew by. */
#include "model/reading.h"

#include "../machine/fake-proc.h"
#include "tap.h"

static void put_counters(int tid, int start, const char *schedstat)
{
	put_process(tid, 1, start, "x", "", T({ tid, "x" }));
	put(schedstat, strlen(schedstat), "proc/%d/schedstat", tid);
}

static const struct reading_thread listed[] = { { 100, 100, 9 }, { 200, 200, 9 }, { 300, 300, 9 },
	{ 400, 400, 9 } };

static void put_text(const char *path, const char *text)
{
	put(text, strlen(text), "%s", path);
}

#define HEAT "sys/devices/system/cpu/cpu1/thermal_throttle/"
#define ZONE "sys/class/powercap/intel-rapl:0/"

static void put_hardware(void)
{
	static const char pool[] = "txg birth state ndirty nread nwritten reads writes otime qtime "
				   "wtime stime\n7 1 C 0 0 0 0 0 5 6 7 80\n";
	put_text("proc/spl/kstat/zfs/tank/txgs", pool);
	put_text("proc/spl/kstat/zfs/arcstats", "no pool\n");
	put_text(ZONE "name", "package-0\n");
	put_text(ZONE "enabled", "1\n");
	put_text(ZONE "constraint_0_name", "long_term\n");
	put_text(ZONE "constraint_0_power_limit_uw", "100000000\n");
	put_text(ZONE "constraint_0_max_power_uw", "150000000\n");
	put_text(ZONE "max_energy_range_uj", "262143328850\n");
	put_text(ZONE "energy_uj", "262143328840\n");
	put_text("sys/class/powercap/intel-rapl:0:0/energy_uj", "1\n");
}

static void hardware(void)
{
	struct host *h = NULL;
	struct err e = { 0 };
	AUTO_READING struct reading before = { 0 }, after = { 0 };
	const struct reading_list list = { .heat_cpus = cpuset_of(1) };
	put_hardware();
	put_text(HEAT "core_throttle_count", "17\n");
	put_text(HEAT "package_throttle_count", "400\n");
	if (!ok(host_open(&h, root, &e) == 0, "open: %s", e.text))
		return;
	reading_take(h, &list, NULL, &before);
	put_text(ZONE "energy_uj", "89999990\n"); /* it began anew */
	put_text(HEAT "package_throttle_count", "403\n");
	reading_take(h, &list, &before, &after);
	host_free(h);
	before.clock_ns = 1;
	after.clock_ns = 1000000001;
	AUTO_RATES struct rates *r = rates_of(&list, &before, &after);
	ok(cpuset_has(&r->hot_cpus, 1) && r->hot_times == 3, "heat of the interval, not of boot");
	same_int(r->n_packages, 1, "a package, and no part of it");
	ok(r->packages[0].watts > 89.99 && r->packages[0].watts < 90.01, "what it used: %.2f W",
		r->packages[0].watts);
	ok(r->packages[0].limit_w == 100 && r->packages[0].most_w == 150, "what it may");
	ok(after.n_pools == 1 && !strcmp(after.pools[0].name, "tank") &&
			after.pools[0].txgs.n == 1 && after.pools[0].txgs.v[0].sync_ns == 80,
		"a pool, and what is none");
	same_int(before.n_pools, 0, "which is looked at in the end");
}

int main(void)
{
	struct host *h = NULL;
	struct err e = { 0 };
	AUTO_READING struct reading before = { 0 }, after = { 0 };
	const struct reading_list list = { .threads = listed, .n_threads = N_ELEMENTS(listed) };
	if (!mkdtemp(root))
		return 1;
	for (size_t i = 0; i < N_ELEMENTS(listed); i++)
		put_counters(listed[i].tid, 9, "1000 2000 3\n");
	if (!ok(host_open(&h, root, &e) == 0, "open: %s", e.text))
		return tap_done();
	reading_take(h, &list, NULL, &before);
	put_counters(200, 9, "500001000 250002000 4\n");
	put_counters(300, 77, "500001000 2000 4\n"); /* another with its number */
	put_process(400, 1, 9, "x", "", T({ 401, "y" }));
	put("", 0, "proc/400/schedstat");
	reading_take(h, &list, &before, &after);
	host_free(h);
	before.clock_ns = 1;
	after.clock_ns = 1000000001;
	AUTO_RATES struct rates *r = rates_of(&list, &before, &after);
	ok(r->threads[0].is_known && r->threads[0].run == 0, "who stood still ran for no time");
	ok(r->threads[1].is_known && r->threads[1].run == 0.5 && r->threads[1].wait == 0.25,
		"who ran");
	ok(!r->threads[2].is_known, "a later one with its number is not it");
	ok(!r->threads[3].is_known, "who is gone");
	hardware();
	clear_root();
	return tap_done();
}
