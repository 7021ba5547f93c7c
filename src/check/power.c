/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage 4: does the CPU have its speed? Before anybody touches the pins. */
#include "check/internal.h"
#include "model/power.h"

static const struct freq_policy *policy_of(const struct snapshot *s, int cpu)
{
	for (size_t i = 0; i < s->power->n_cpus; i++)
		if (s->power->cpus[i].cpu == cpu)
			return s->power->cpus[i].policy < 0
				? NULL
				: &s->power->policies[s->power->cpus[i].policy];
	return NULL;
}

/* With a driver that leaves the choice to the processor "powersave" is the usual name for that. */
static bool is_hardware_driven(const struct freq_policy *p)
{
	return p->driver &&
		(streq(p->driver, "intel_pstate") || streq(p->driver, "amd-pstate-epp"));
}

static bool is_slow_governor(const struct freq_policy *p)
{
	static const char *const slow[] = { "powersave", "ondemand", "conservative", "userspace" };
	if (!p->governor ||
		(is_hardware_driven(p) &&
			(!p->epp || streq(p->epp, "performance") ||
				streq(p->epp, "balance_performance") || streq(p->epp, "default"))))
		return false;
	for (size_t i = 0; i < N_ELEMENTS(slow); i++)
		if (streq(p->governor, slow[i]))
			return true;
	return false;
}

static bool is_capped(const struct freq_policy *p)
{
	return p->max_khz > 0 && p->hw_max_khz > 0 &&
		(double)p->max_khz < 0.95 * (double)p->hw_max_khz;
}

/* The VM's CPUs whose policy is so, and the first such policy, or NULL. */
static const struct freq_policy *policies_that(const struct checking *c, const struct check_vm *v,
	bool (*is_so)(const struct freq_policy *p), struct cpuset *ret)
{
	const struct freq_policy *first = NULL;
	*ret = CPUSET_EMPTY;
	cpuset_for_each (cpu, &v->vcpu_cpus) {
		const struct freq_policy *p = policy_of(c->s, cpu);
		if (!p || !is_so(p))
			continue;
		first = first ? first : p;
		cpuset_add(ret, cpu);
	}
	return first;
}

RULE(governor)
{
	for_each_dedicated(v, c)
	{
		struct cpuset slow;
		const struct freq_policy *first = policies_that(c, v, is_slow_governor, &slow);
		if (!first)
			continue;
		struct finding *f = found(c, v, "the governor of its CPUs is %s (%s)",
			first->governor, list_of(c, &slow));
		f->cpus = slow;
		says(c, f,
			say(c, "sys/devices/system/cpu/cpufreq/policy%d/scaling_governor",
				first->policy),
			"%s (driver %s%s%s)", first->governor, first->driver ? first->driver : "?",
			first->epp ? ", EPP " : "", first->epp ? first->epp : "");
		AUTO_STRBUF struct strbuf b = { 0 };
		cpuset_for_each (cpu, &slow)
			strbuf_printf(&b, " %d", cpu);
		do_this(c, f,
			"for i in%s; do echo performance > "
			"/sys/devices/system/cpu/cpu$i/cpufreq/scaling_governor; done",
			b.s);
	}
}

/* A processor at the limit that its maker set is at work; below that, somebody chose. */
RULE(power_limit)
{
	const struct rates *r = c->in->rates;
	unknown_if(c, !r->n_packages, "the host tells nothing of its processors' power");
	for (size_t i = 0; i < r->n_packages; i++) {
		const struct package_rate *p = &r->packages[i];
		const char *file =
			say(c, "sys/class/powercap/%s/constraint_0_power_limit_uw", p->dir);
		bool is_chosen = p->limit_w < p->most_w;
		if (p->watts < c->limits->power_share * p->limit_w)
			continue;
		struct finding *f = found(c, NULL,
			"%s uses %.0f of the %.0f W that it may%s: it slows down to stay there",
			p->name, p->watts, p->limit_w,
			is_chosen ? say(c, ", where its maker allows %.0f", p->most_w) : "");
		f->severity = is_chosen ? SEVERITY_WARNING : SEVERITY_INFO;
		says(c, f, say(c, "sys/class/powercap/%s/energy_uj", p->dir), "%.1f W over %.1f s",
			p->watts, r->window_s);
		says(c, f, file, "%.0f W", p->limit_w);
		if (is_chosen)
			do_this(c, f, "echo %.0f > /%s", p->most_w * 1e6, file);
	}
}

RULE(frequency)
{
	for_each_dedicated(v, c)
	{
		struct cpuset slow = CPUSET_EMPTY;
		int64_t least = INT64_MAX, top = 0;
		cpuset_for_each (cpu, &v->vcpu_cpus) {
			const struct freq_policy *p = policy_of(c->s, cpu);
			const struct cpu_rate *r = rates_cpu(c->in->rates, cpu);
			int64_t khz = rates_khz(c->in->rates, cpu);
			if (!p || !r || khz <= 0 || p->hw_max_khz <= 0 ||
				1 - r->idle < c->limits->busy_share ||
				(double)khz >= c->limits->frequency_share * (double)p->hw_max_khz)
				continue;
			cpuset_add(&slow, cpu);
			least = khz < least ? khz : least;
			top = p->hw_max_khz;
		}
		if (cpuset_is_empty(&slow))
			continue;
		struct finding *f =
			found(c, v, "its busy CPUs %s run at %.1f GHz and could at %.1f",
				list_of(c, &slow), (double)least / 1e6, (double)top / 1e6);
		f->cpus = slow;
		says(c, f,
			say(c, "sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq",
				cpuset_first(&slow)),
			"%lld", (long long)least);
		says(c, f,
			say(c, "sys/devices/system/cpu/cpu%d/cpufreq/cpuinfo_max_freq",
				cpuset_first(&slow)),
			"%lld", (long long)top);
	}
}

RULE(capped)
{
	for_each_dedicated(v, c)
	{
		struct cpuset low;
		const struct freq_policy *first = policies_that(c, v, is_capped, &low);
		if (!first)
			continue;
		struct finding *f =
			found(c, v, "its CPUs %s are held to %.1f of %.1f GHz", list_of(c, &low),
				(double)first->max_khz / 1e6, (double)first->hw_max_khz / 1e6);
		f->cpus = low;
		says(c, f,
			say(c, "sys/devices/system/cpu/cpufreq/policy%d/scaling_max_freq",
				first->policy),
			"%lld; cpuinfo_max_freq %lld", (long long)first->max_khz,
			(long long)first->hw_max_khz);
		AUTO_STRBUF struct strbuf b = { 0 };
		cpuset_for_each (cpu, &low)
			strbuf_printf(&b, " %d", cpu);
		do_this(c, f,
			"for i in%s; do echo %lld > "
			"/sys/devices/system/cpu/cpu$i/cpufreq/scaling_max_freq; done",
			b.s, (long long)first->hw_max_khz);
	}
}

RULE(turbo)
{
	const struct tunables *t = c->s->tunables;
	unknown_if(c, t->boost == ABSENT && t->no_turbo == ABSENT, "the host does not say");
	bool is_off = t->boost == 0 || t->no_turbo == 1;
	if (!is_off || cpuset_is_empty(&c->pinned_cpus))
		return;
	struct finding *f = found(c, NULL, "turbo frequencies are switched off");
	says(c, f,
		t->no_turbo == 1 ? "sys/devices/system/cpu/intel_pstate/no_turbo"
				 : "sys/devices/system/cpu/cpufreq/boost",
		"%d", t->no_turbo == 1);
}

RULE(throttled)
{
	struct cpuset hot = CPUSET_EMPTY;
	int64_t most = 0;
	bool is_told = false;
	for (size_t i = 0; c->s->power && i < c->s->power->n_cpus; i++)
		is_told |= c->s->power->cpus[i].core_throttle_count != ABSENT;
	unknown_if(c, !is_told, "the host counts no throttling");
	for (size_t i = 0; c->s->power && i < c->s->power->n_cpus; i++) {
		const struct cpu_power *p = &c->s->power->cpus[i];
		int64_t n = p->core_throttle_count > 0 ? p->core_throttle_count : 0;
		if (p->package_throttle_count > n)
			n = p->package_throttle_count;
		if (n > 0)
			cpuset_add(&hot, p->cpu);
		most = n > most ? n : most;
	}
	if (cpuset_is_empty(&hot))
		return;
	struct finding *f =
		found(c, NULL, "CPUs were throttled for heat since boot (%s)", list_of(c, &hot));
	f->cpus = hot;
	f->sure = SURE_LIKELY;
	says(c, f, "sys/devices/system/cpu/cpu*/thermal_throttle/*_throttle_count", "up to %lld",
		(long long)most);
}

/* A state of the CPU that takes longer to leave than the limit, or NULL: the worst. */
static const struct idle_state *deepest_of(const struct checking *c, const struct cpu_power *p)
{
	const struct idle_state *worst = NULL;
	bool is_held = p->resume_latency && streq(p->resume_latency, "n/a");
	for (size_t k = 0; !is_held && k < p->n_idle_states; k++) {
		const struct idle_state *x = &p->idle_states[k];
		if (x->disable == 1 || (double)x->latency_us < c->limits->idle_latency_us)
			continue;
		if (!worst || x->latency_us > worst->latency_us)
			worst = x;
	}
	return worst;
}

/* The worst of the VM's CPUs, and which have such a one. */
static const struct idle_state *deepest(
	const struct checking *c, const struct check_vm *v, struct cpuset *ret)
{
	const struct idle_state *worst = NULL;
	*ret = CPUSET_EMPTY;
	for (size_t i = 0; i < c->s->power->n_cpus; i++) {
		const struct cpu_power *p = &c->s->power->cpus[i];
		const struct idle_state *x =
			cpuset_has(&v->vcpu_cpus, p->cpu) ? deepest_of(c, p) : NULL;
		if (!x)
			continue;
		cpuset_add(ret, p->cpu);
		if (!worst || x->latency_us > worst->latency_us)
			worst = x;
	}
	return worst;
}

RULE(idle_states)
{
	bool is_told = false;
	for (size_t i = 0; i < c->s->power->n_cpus; i++)
		is_told |= c->s->power->cpus[i].n_idle_states > 0;
	unknown_if(c, !is_told, "the host tells nothing of idle states");
	for_each_dedicated(v, c)
	{
		struct cpuset deep;
		const struct idle_state *worst = deepest(c, v, &deep);
		if (!worst)
			continue;
		struct finding *f =
			found(c, v, "its CPUs may sleep so deep that waking takes %lld us (%s)",
				(long long)worst->latency_us, worst->name ? worst->name : "?");
		f->cpus = deep;
		says(c, f, "sys/devices/system/cpu/cpu*/cpuidle/state*/latency",
			"%lld us, not disabled", (long long)worst->latency_us);
		AUTO_STRBUF struct strbuf b = { 0 };
		cpuset_for_each (cpu, &deep)
			strbuf_printf(&b, " %d", cpu);
		do_this(c, f,
			"for i in%s; do echo n/a > "
			"/sys/devices/system/cpu/cpu$i/power/pm_qos_resume_latency_us; done",
			b.s);
	}
}

RULE(idle_poll)
{
	unknown_if(c, !c->s->cmdline, "there is no /proc/cmdline");
	const struct boot_params *b = &c->s->boot_params;
	const char *idle = boot_param(b, "idle"), *max = boot_param(b, "intel_idle.max_cstate");
	bool is_poll = idle && streq(idle, "poll");
	bool has_smt = c->s->n_cores && c->s->n_cpus > c->s->n_cores;
	if (!is_poll && !(max && streq(max, "0")))
		return;
	struct finding *f = is_poll
		? found(c, NULL, "idle=poll: idle CPUs spin%s",
			  has_smt ? ", and take half of the core from their siblings" : "")
		: found(c, NULL,
			  "intel_idle.max_cstate=0 switches intel_idle off, not the idle "
			  "states: acpi_idle takes over");
	f->severity = is_poll && has_smt ? SEVERITY_WARNING : SEVERITY_INFO;
	says(c, f, "proc/cmdline", "%s", is_poll ? "idle=poll" : "intel_idle.max_cstate=0");
	if (c->s->tunables && c->s->tunables->idle_driver)
		says(c, f, "sys/devices/system/cpu/cpuidle/current_driver", "%s",
			c->s->tunables->idle_driver);
}

RULE(clocksource)
{
	unknown_if(c, !c->s->tunables->clocksource, "the host does not say");
	static const char *const slow[] = { "hpet", "acpi_pm", "refined-jiffies", "jiffies",
		"pit" };
	const char *now = c->s->tunables->clocksource;
	for (size_t i = 0; now && i < N_ELEMENTS(slow); i++) {
		if (!streq(now, slow[i]))
			continue;
		struct finding *f = found(c, NULL, "the host tells the time by %s", now);
		says(c, f, "sys/devices/system/clocksource/clocksource0/current_clocksource", "%s",
			now);
	}
}
