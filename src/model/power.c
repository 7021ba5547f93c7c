/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/power.h"

#include <stdio.h>

#include "base/str.h"
#include "kernel/cpus.h"
#include "model/read.h"

#define CPU_DIR "sys/devices/system/cpu"

static const struct cpuset *read_cpu_words(struct host *h, struct snapshot *s, int policy)
{
	AUTO_FREE char *path = xasprintf(CPU_DIR "/cpufreq/policy%d/affected_cpus", policy);
	AUTO_FREE char *text = NULL;
	struct cpuset set;
	if (read_file(h, s, path, &text) < 0)
		return NULL;
	if (cpus_parse_words(text, &set) == 0)
		return cpuset_keep(&s->arena, &set);
	snapshot_note(s, "%s: not CPUs: '%.40s'", path, str_trim(text));
	return NULL;
}

static void read_policy(struct host *h, struct snapshot *s, struct freq_policy *p)
{
#define FREQ_TEXT(file) read_text(h, s, CPU_DIR "/cpufreq/policy%d/" file, p->policy)
#define FREQ_KHZ(file)  read_number(h, s, CPU_DIR "/cpufreq/policy%d/" file, p->policy)
	p->cpus = read_cpu_words(h, s, p->policy);
	p->driver = FREQ_TEXT("scaling_driver");
	p->governor = FREQ_TEXT("scaling_governor");
	p->governors = FREQ_TEXT("scaling_available_governors");
	p->epp = FREQ_TEXT("energy_performance_preference");
	p->min_khz = FREQ_KHZ("scaling_min_freq");
	p->max_khz = FREQ_KHZ("scaling_max_freq");
	p->hw_min_khz = FREQ_KHZ("cpuinfo_min_freq");
	p->hw_max_khz = FREQ_KHZ("cpuinfo_max_freq");
	p->cur_khz = FREQ_KHZ("scaling_cur_freq");
#undef FREQ_TEXT
#undef FREQ_KHZ
}

static void read_policies(struct host *h, struct snapshot *s, struct power *power)
{
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, CPU_DIR "/cpufreq") < 0)
		return;
	power->policies = arena_alloc(&s->arena, names.n * sizeof *power->policies);
	for (size_t i = 0; i < names.n; i++) {
		const char *number = str_after(names.v[i], "policy");
		struct freq_policy *p = &power->policies[power->n_policies];
		if (!number || str_to_int(number, &p->policy) < 0)
			continue;
		read_policy(h, s, p);
		power->n_policies++;
	}
}

/* False: it has no such directory. */
static bool read_idle(struct host *h, struct snapshot *s, struct cpu_power *c)
{
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, CPU_DIR "/cpu%d/cpuidle", c->cpu) < 0)
		return false;
	c->idle_states = arena_alloc(&s->arena, names.n * sizeof *c->idle_states);
	for (size_t i = 0; i < names.n; i++) {
		const char *state = names.v[i];
		if (!str_after(state, "state"))
			continue;
#define IDLE(read, file) read(h, s, CPU_DIR "/cpu%d/cpuidle/%s/" file, c->cpu, state)
		c->idle_states[c->n_idle_states++] = (struct idle_state){
			.name = IDLE(read_text, "name"),
			.latency_us = IDLE(read_number, "latency"),
			.usage = IDLE(read_number, "usage"),
			.time_us = IDLE(read_number, "time"),
			.disable = IDLE(read_number, "disable"),
		};
#undef IDLE
	}
	return true;
}

/* What the first CPU lacks: a host has it for all or for none, and what none has is not asked for a
 * thousand times. */
struct lacks {
	bool is_known, idle, latency, throttle;
};

static void read_cpu(struct host *h, struct snapshot *s, struct lacks *k, struct cpu_power *c)
{
	c->resume_latency = k->latency
		? NULL
		: read_text(h, s, CPU_DIR "/cpu%d/power/pm_qos_resume_latency_us", c->cpu);
	c->core_throttle_count = k->throttle
		? ABSENT
		: read_number(h, s, CPU_DIR "/cpu%d/thermal_throttle/core_throttle_count", c->cpu);
	c->package_throttle_count = c->core_throttle_count == ABSENT
		? ABSENT /* they come together */
		: read_number(
			  h, s, CPU_DIR "/cpu%d/thermal_throttle/package_throttle_count", c->cpu);
	bool has_idle = !k->idle && read_idle(h, s, c);
	if (!k->is_known)
		*k = (struct lacks){ true, !has_idle, !c->resume_latency,
			c->core_throttle_count == ABSENT };
}

static int policy_of(const struct power *power, int cpu)
{
	for (size_t i = 0; i < power->n_policies; i++)
		if (power->policies[i].cpus && cpuset_has(power->policies[i].cpus, cpu))
			return (int)i;
	return -1;
}

void read_power(struct host *h, struct snapshot *s)
{
	struct power *power = arena_alloc(&s->arena, sizeof *power);
	struct lacks lacks = { 0 };
	read_policies(h, s, power);
	power->cpus =
		arena_alloc(&s->arena, (size_t)cpuset_count(&s->online_cpus) * sizeof *power->cpus);
	cpuset_for_each (cpu, &s->online_cpus) {
		struct cpu_power *c = &power->cpus[power->n_cpus++];
		c->cpu = cpu;
		c->policy = policy_of(power, cpu);
		read_cpu(h, s, &lacks, c);
	}
	s->power = power;
}
