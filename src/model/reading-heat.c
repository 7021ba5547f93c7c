/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often heat slowed CPUs down: thermal_throttle of each CPU
 * (Documentation/ABI/testing/sysfs-devices-system-cpu). */
#include "base/str.h"
#include "host/host.h"
#include "model/absent.h"
#include "model/reading.h"

static int64_t read_count(struct host *h, int cpu, const char *of)
{
	AUTO_FREE char *text = NULL;
	uint64_t n;
	if (host_read(h, &text, NULL,
		    "sys/devices/system/cpu/cpu%d/thermal_throttle/%s_throttle_count", cpu,
		    of) < 0 ||
		str_to_u64(text, &n) < 0 || n > INT64_MAX)
		return ABSENT;
	return (int64_t)n;
}

void reading_take_heat(struct host *h, const struct cpuset *cpus, struct reading *r)
{
	r->heat = arena_alloc(&r->arena, (size_t)cpuset_count(cpus) * sizeof *r->heat);
	cpuset_for_each (cpu, cpus)
		r->heat[r->n_heat++] = (struct heat_reading){ read_count(h, cpu, "core"),
			read_count(h, cpu, "package") };
}

static int64_t grown(int64_t before, int64_t after)
{
	return before != ABSENT && after > before ? after - before : 0;
}

void rates_add_heat(struct rates *r, const struct cpuset *cpus, const struct reading *before,
	const struct reading *after)
{
	size_t i = 0;
	cpuset_for_each (cpu, cpus) {
		if (i >= before->n_heat || i >= after->n_heat)
			break;
		const struct heat_reading *a = &before->heat[i], *b = &after->heat[i];
		i++;
		if (a->core == ABSENT || b->core == ABSENT)
			continue;
		int64_t core = grown(a->core, b->core), package = grown(a->package, b->package),
			n = core > package ? core : package;
		cpuset_add(&r->heat_cpus, cpu);
		if (n > 0)
			cpuset_add(&r->hot_cpus, cpu);
		r->hot_times = n > r->hot_times ? n : r->hot_times;
	}
}
