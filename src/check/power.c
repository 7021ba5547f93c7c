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

/* The CPUs among these whose policy has this governor. */
static struct cpuset governed_by(
	const struct checking *c, const struct cpuset *cpus, const char *governor)
{
	struct cpuset r = CPUSET_EMPTY;
	cpuset_for_each (cpu, cpus) {
		const struct freq_policy *p = policy_of(c->s, cpu);
		if (p && is_slow_governor(p) && streq(p->governor, governor))
			cpuset_add(&r, cpu);
	}
	return r;
}

static void tell_governor(struct checking *c, struct finding *f, const struct freq_policy *p,
	const struct cpuset *cpus)
{
	f->summary = say(c, "%s%s %s (%s)", f->summary, f->evidence.n ? ", of others" : "",
		p->governor, list_of(c, cpus));
	f->cpus = cpuset_or(&f->cpus, cpus);
	says(c, f, say(c, "sys/devices/system/cpu/cpufreq/policy%d/scaling_governor", p->policy),
		"%s (driver %s%s%s)", p->governor, p->driver ? p->driver : "?",
		p->epp ? ", EPP " : "", p->epp ? p->epp : "");
}

/* " 4 5 6 7", for the shell. */
static const char *words_of(struct checking *c, const struct cpuset *cpus)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	cpuset_for_each (cpu, cpus)
		strbuf_printf(&b, " %d", cpu);
	return arena_strdup(c->arena, b.n ? b.s : "");
}

RULE(governor)
{
	for_each_dedicated(v, c)
	{
		struct finding *f = NULL;
		cpuset_for_each (cpu, &v->vcpu_cpus) {
			const struct freq_policy *p = policy_of(c->s, cpu);
			if (!p || !is_slow_governor(p) || (f && cpuset_has(&f->cpus, cpu)))
				continue;
			struct cpuset same = governed_by(c, &v->vcpu_cpus, p->governor);
			f = f ? f : found(c, v, "the governor of its CPUs is");
			tell_governor(c, f, p, &same);
		}
		if (!f)
			continue;
		do_this(c, f,
			"for i in%s; do echo performance > "
			"/sys/devices/system/cpu/cpu$i/cpufreq/scaling_governor; done",
			words_of(c, &f->cpus));
	}
}

/* Of "package-1"; empty: it is not known which. */
static struct cpuset package_cpus(const struct snapshot *s, const char *name)
{
	const char *number = str_after(name, "package-");
	int n;
	bool is_known = number && str_to_int(number, &n) == 0 && n >= 0 && n < (int)s->n_sockets;
	return is_known ? s->sockets[n].cpus : CPUSET_EMPTY;
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
		f->cpus = package_cpus(c->s, p->name);
		says(c, f, say(c, "sys/class/powercap/%s/energy_uj", p->dir), "%.1f W over %.1f s",
			p->watts, r->window_s);
		says(c, f, file, "%.0f W", p->limit_w);
		if (is_chosen)
			do_this(c, f, "echo %.0f > /%s", p->most_w * 1e6, file);
	}
}

/* CPUs that run, or may run, at one frequency of one that they could. */
struct speed {
	int64_t khz, top_khz;
	struct cpuset cpus;
};

struct speeds {
	ARRAY(struct speed) v;
	struct cpuset cpus; /* of all */
};

static void speeds_done(struct speeds *all)
{
	free(all->v.v);
}
#define AUTO_SPEEDS CLEANUP(speeds_done)

/* step_khz: what is rounded to the same is alike. */
static void add_speed(struct speeds *all, int cpu, int64_t khz, int64_t top_khz, int64_t step_khz)
{
	size_t i = 0;
	int64_t half = step_khz / 2, rounded = (khz + half) / step_khz;
	while (i < all->v.n &&
		((all->v.v[i].khz + half) / step_khz != rounded || all->v.v[i].top_khz != top_khz))
		i++;
	if (i == all->v.n)
		*array_push(&all->v) = (struct speed){ khz, top_khz, CPUSET_EMPTY };
	cpuset_add(&all->v.v[i].cpus, cpu);
	cpuset_add(&all->cpus, cpu);
}

static int slowest_first(const void *a, const void *b)
{
	const struct speed *x = a, *y = b;
	return x->khz < y->khz ? -1 : x->khz > y->khz;
}

/* "1.0 of 5.0 GHz (8-11), 2.0 of 5.0 GHz (4-7)"; sorts them. */
static const char *speeds_text(struct checking *c, struct speeds *all)
{
	enum { MANY = 4 };
	AUTO_STRBUF struct strbuf b = { 0 };
	struct cpuset rest = all->cpus;
	qsort(all->v.v, all->v.n, sizeof *all->v.v, slowest_first);
	for (size_t i = 0; i < all->v.n && i < MANY; i++) {
		const struct speed *x = &all->v.v[i];
		strbuf_printf(&b, "%s%.1f of %.1f GHz (%s)", i ? ", " : "", (double)x->khz / 1e6,
			(double)x->top_khz / 1e6, list_of(c, &x->cpus));
		rest = cpuset_minus(&rest, &x->cpus);
	}
	if (!cpuset_is_empty(&rest))
		strbuf_printf(&b, " and more (%s)", list_of(c, &rest));
	return arena_strdup(c->arena, b.s);
}

/* Of each the first CPU's own file. */
static void tell_speeds(
	struct checking *c, struct finding *f, const struct speeds *all, const char *file)
{
	f->cpus = all->cpus;
	for (size_t i = 0; i < all->v.n && i < 4; i++)
		says(c, f,
			say(c, "sys/devices/system/cpu/cpu%d/cpufreq/%s",
				cpuset_first(&all->v.v[i].cpus), file),
			"%lld; cpuinfo_max_freq %lld", (long long)all->v.v[i].khz,
			(long long)all->v.v[i].top_khz);
}

RULE(frequency)
{
	for_each_dedicated(v, c)
	{
		AUTO_SPEEDS struct speeds slow = { 0 };
		cpuset_for_each (cpu, &v->vcpu_cpus) {
			const struct freq_policy *p = policy_of(c->s, cpu);
			const struct cpu_rate *r = rates_cpu(c->in->rates, cpu);
			int64_t khz = rates_khz(c->in->rates, cpu);
			if (p && r && khz > 0 && p->hw_max_khz > 0 &&
				1 - r->idle >= c->limits->busy_share &&
				(double)khz < c->limits->frequency_share * (double)p->hw_max_khz)
				add_speed(&slow, cpu, khz, p->hw_max_khz, 100000);
		}
		if (!slow.v.n)
			continue;
		struct finding *f = found(c, v, "its busy CPUs run at %s", speeds_text(c, &slow));
		tell_speeds(c, f, &slow, "scaling_cur_freq");
	}
}

RULE(capped)
{
	for_each_dedicated(v, c)
	{
		AUTO_SPEEDS struct speeds low = { 0 };
		cpuset_for_each (cpu, &v->vcpu_cpus) {
			const struct freq_policy *p = policy_of(c->s, cpu);
			if (p && is_capped(p))
				add_speed(&low, cpu, p->max_khz, p->hw_max_khz, 1);
		}
		if (!low.v.n)
			continue;
		struct finding *f = found(c, v, "its CPUs are held to %s", speeds_text(c, &low));
		tell_speeds(c, f, &low, "scaling_max_freq");
		array_for_each (x, &low.v)
			do_this(c, f,
				"for i in%s; do echo %lld > "
				"/sys/devices/system/cpu/cpu$i/cpufreq/scaling_max_freq; done",
				words_of(c, &x->cpus), (long long)x->top_khz);
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

static const char heat_files[] = "sys/devices/system/cpu/cpu*/thermal_throttle/*_throttle_count";

/* The CPUs that heat slowed down since boot, and how often the one that it slowed down most. */
static struct cpuset hot_since_boot(const struct power *power, int64_t *ret_times)
{
	struct cpuset hot = CPUSET_EMPTY;
	*ret_times = 0;
	for (size_t i = 0; power && i < power->n_cpus; i++) {
		const struct cpu_power *p = &power->cpus[i];
		int64_t core = p->core_throttle_count, package = p->package_throttle_count,
			n = core > package ? core : package;
		if (n > 0)
			cpuset_add(&hot, p->cpu);
		*ret_times = n > *ret_times ? n : *ret_times;
	}
	return hot;
}

/* What was, long ago perhaps, explains nothing of what is measured now. */
static void tell_past_heat(struct checking *c, bool is_watched)
{
	int64_t times;
	struct cpuset hot = hot_since_boot(c->s->power, &times);
	if (cpuset_is_empty(&hot))
		return;
	struct finding *f =
		found(c, NULL, "CPUs were throttled for heat since boot (%s), %s", list_of(c, &hot),
			is_watched ? "and not within the interval" : "which may be long ago");
	f->cpus = hot;
	f->severity = SEVERITY_INFO;
	f->sure = SURE_LIKELY;
	f->is_quiet = is_watched;
	says(c, f, heat_files, "up to %lld since boot", (long long)times);
}

RULE(throttled)
{
	const struct rates *r = c->in->rates;
	bool is_watched = r && !cpuset_is_empty(&r->heat_cpus), is_told = false;
	for (size_t i = 0; c->s->power && i < c->s->power->n_cpus; i++)
		is_told |= c->s->power->cpus[i].core_throttle_count != ABSENT;
	unknown_if(c, !is_told, "the host counts no throttling");
	if (!is_watched || cpuset_is_empty(&r->hot_cpus)) {
		tell_past_heat(c, is_watched);
		return;
	}
	struct finding *f = found(c, NULL, "CPUs were throttled for heat within the interval (%s)",
		list_of(c, &r->hot_cpus));
	f->cpus = r->hot_cpus;
	f->sure = SURE_MEASURED;
	says(c, f, heat_files, "up to %lld times in %.1f s", (long long)r->hot_times, r->window_s);
}

/* How long a wake-up of the CPU may take by what somebody set: pm_qos_resume_latency_us, where "0"
 * sets nothing. */
static int64_t latency_limit(const struct cpu_power *p)
{
	uint64_t us = 0;
	if (p->resume_latency && streq(p->resume_latency, "n/a"))
		return 0;
	bool is_set = p->resume_latency && str_to_u64(p->resume_latency, &us) == 0 && us > 0 &&
		us < INT64_MAX;
	return is_set ? (int64_t)us : INT64_MAX;
}

/* The state that the CPU may choose and that takes longest to leave: of deep ones, or of those
 * that are not; or NULL. */
static const struct idle_state *slowest_of(
	const struct checking *c, const struct cpu_power *p, bool is_deep)
{
	const struct idle_state *worst = NULL;
	for (size_t k = 0; k < p->n_idle_states; k++) {
		const struct idle_state *x = &p->idle_states[k];
		if (x->disable == 1 || x->latency_us > latency_limit(p) ||
			((double)x->latency_us >= c->limits->idle_latency_us) != is_deep)
			continue;
		if (!worst || x->latency_us > worst->latency_us)
			worst = x;
	}
	return worst;
}

/* The worst of the VM's CPUs, which have such a one, and how long it takes at most to leave those
 * of their states that are not deep. */
static const struct idle_state *deepest(const struct checking *c, const struct check_vm *v,
	struct cpuset *ret, int64_t *ret_shallow_us)
{
	const struct idle_state *worst = NULL;
	*ret = CPUSET_EMPTY;
	*ret_shallow_us = 1; /* 0 would set nothing */
	for (size_t i = 0; i < c->s->power->n_cpus; i++) {
		const struct cpu_power *p = &c->s->power->cpus[i];
		const struct idle_state *x =
			cpuset_has(&v->vcpu_cpus, p->cpu) ? slowest_of(c, p, true) : NULL;
		const struct idle_state *shallow = x ? slowest_of(c, p, false) : NULL;
		if (!x)
			continue;
		cpuset_add(ret, p->cpu);
		if (!worst || x->latency_us > worst->latency_us)
			worst = x;
		if (shallow && shallow->latency_us > *ret_shallow_us)
			*ret_shallow_us = shallow->latency_us;
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
		int64_t shallow_us;
		const struct idle_state *worst = deepest(c, v, &deep, &shallow_us);
		if (!worst)
			continue;
		struct finding *f = found(c, v,
			"its CPUs may sleep so deep that waking takes up to %lld us (%s)",
			(long long)worst->latency_us, worst->name ? worst->name : "?");
		f->cpus = deep;
		says(c, f, "sys/devices/system/cpu/cpu*/cpuidle/state*/latency",
			"%lld us, not disabled", (long long)worst->latency_us);
		do_this(c, f,
			"for i in%s; do echo %lld > "
			"/sys/devices/system/cpu/cpu$i/power/pm_qos_resume_latency_us; done",
			words_of(c, &deep), (long long)shallow_us);
	}
}

/* Two threads of a core are online. */
static bool has_siblings(const struct snapshot *s)
{
	bool has = false;
	for (size_t i = 0; i < s->n_cores; i++) {
		struct cpuset online = cpuset_and(&s->cores[i].cpus, &s->online_cpus);
		has |= cpuset_count(&online) > 1;
	}
	return has;
}

RULE(idle_poll)
{
	unknown_if(c, !c->s->cmdline, "there is no /proc/cmdline");
	const struct boot_params *b = &c->s->boot_params;
	const char *idle = boot_param(b, "idle"), *max = boot_param(b, "intel_idle.max_cstate");
	bool is_poll = idle && streq(idle, "poll");
	bool has_smt = has_siblings(c->s);
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
