/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How rules say what they found, and the commands for the VM's own manager. */
#include "base/text.h"
#include "check/internal.h"

struct finding *found(struct checking *c, const struct check_vm *v, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	struct finding *f = array_push(&c->out->findings);
	f->rule = c->rule;
	f->severity = c->rule->severity;
	f->vm = v ? v->label : NULL;
	f->of = v ? v->vm : NULL;
	f->summary = arena_strdup(c->arena, text);
	f->sure = c->rule->needs & NEED_RATES ? SURE_MEASURED : SURE_STATE;
	f->root = f->alike = -1;
	return f;
}

const char *say(struct checking *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	return arena_strdup(c->arena, text);
}

void says(struct checking *c, struct finding *f, const char *source, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	*array_push(&f->evidence) = (struct evidence){ source, arena_strdup(c->arena, text) };
}

void do_this(struct checking *c, struct finding *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	*array_push(&f->commands) = arena_strdup(c->arena, text);
}

void in_policy(struct checking *c, struct finding *f, const struct check_vm *v, const char *line)
{
	char *id = arena_strdup(c->arena, v->vm->id);
	/* What would be a comment there; sections are globs. */
	for (char *p = id; (p = strchr(p, '#'));)
		*p = '?';
	*array_push(&f->policy) = say(c, "[vm %s]", id);
	if (line)
		*array_push(&f->policy) = line;
}

const char *list_of(struct checking *c, const struct cpuset *cpus)
{
	AUTO_FREE char *text = cpuset_format_list(cpus);
	return arena_strdup(c->arena, text);
}

const char *cpus_of(struct checking *c, const struct cpuset *cpus)
{
	AUTO_FREE char *text = cpuset_format_cpus(cpus);
	return arena_strdup(c->arena, text);
}

const char *percent(struct checking *c, double share)
{
	return say(c, share < 0.0995 ? "%.1f" : "%.0f", share * 100);
}

const char *decimal(struct checking *c, double x)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%.2f", x);
	while (n > 0 && text[n - 1] == '0')
		text[--n] = 0;
	if (n > 0 && text[n - 1] == '.')
		text[n - 1] = 0;
	return say(c, "%s", text);
}

const char *some(struct checking *c, long n, const char *what)
{
	return say(c, "%ld %s%s", n, what, n == 1 ? "" : "s");
}

/* ---- commands ---- */

const char *quoted(struct checking *c, const char *word)
{
	AUTO_FREE char *text = text_shell_word(word);
	return arena_strdup(c->arena, text);
}

void isolate(struct checking *c, struct finding *f, const struct check_vm *v)
{
	do_this(c, f, "wideberth apply --vm %s", quoted(c, v->vm->id));
	in_policy(c, f, v, "isolation = isolated");
}

bool is_libvirt(const struct check_vm *v)
{
	return streq(v->vm->manager, "libvirt") && v->vm->is_managed;
}

const char *name_of(struct checking *c, const struct check_vm *v)
{
	return quoted(c, v->vm->name ? v->vm->name : v->vm->id);
}

const struct task *irqbalance_on(const struct checking *c, const struct cpuset *cpus)
{
	struct service all[SERVICES_MAX];
	size_t n = snapshot_services(c->s, all);
	const struct irqbalance *b = c->in->irqbalance;
	for (size_t i = 0; i < n; i++)
		if (streq(all[i].name, "irqbalance") && all[i].task)
			return b && cpuset_is_subset(cpus, &b->banned_cpus) ? NULL : all[i].task;
	return NULL;
}

/* A list replaces the one before, and what it bans without any. */
static void ban_irqbalance(struct checking *c, struct finding *f)
{
	const struct irqbalance *b = c->in->irqbalance;
	struct cpuset all = c->pinned_cpus;
	if (b) {
		cpuset_add_all(&all, &b->banned_cpus);
		cpuset_add_all(&all, &b->configured_cpus);
	}
	const char *file = b ? b->file : "etc/default/irqbalance";
	do_this(c, f,
		"sed -i '/^IRQBALANCE_BANNED_CPU/d' /%s; "
		"echo IRQBALANCE_BANNED_CPULIST=%s >> /%s; systemctl restart irqbalance",
		file, list_of(c, &all), file);
}

void move_irqs(
	struct checking *c, struct finding *f, const int *irqs, size_t n, const struct cpuset *off)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&b, " %d", irqs[i]);
	if (irqbalance_on(c, off))
		ban_irqbalance(c, f);
	if (n && !cpuset_is_empty(&c->spare_cpus))
		do_this(c, f,
			"for i in%s; do echo %s > /proc/irq/$i/smp_affinity_list || true; done",
			b.s, list_of(c, &c->spare_cpus));
	for_each_dedicated(v, c) if (cpuset_intersects(&v->vcpu_cpus, off))
		in_policy(c, f, v, "isolation = fenced");
}

/* ---- small questions ---- */

const struct core *core_of(const struct snapshot *s, int cpu)
{
	const struct cpu *its = snapshot_cpu(s, cpu);
	return its && its->core >= 0 ? &s->cores[its->core] : NULL;
}

struct cpuset whole_cores(const struct snapshot *s, const struct cpuset *cpus)
{
	struct cpuset all = *cpus;
	cpuset_for_each (cpu, cpus) {
		const struct core *core = core_of(s, cpu);
		if (core)
			all = cpuset_or(&all, &core->cpus);
	}
	return all;
}

const struct node *node_of(const struct snapshot *s, int number)
{
	for (size_t i = 0; i < s->n_nodes; i++)
		if (s->nodes[i].node == number)
			return &s->nodes[i];
	return NULL;
}

const struct cpuset *group_cpus(const struct snapshot *s, const char *path)
{
	int g = path ? snapshot_cgroup(s, path) : -1;
	while (g > 0 && !s->cgroups[g].effective)
		g = s->cgroups[g].parent;
	return g > 0 ? s->cgroups[g].effective : NULL;
}

struct cpuset within_group(const struct snapshot *s, const struct cpuset *cpus, const char *path)
{
	const struct cpuset *group = group_cpus(s, path);
	return group ? cpuset_and(cpus, group) : *cpus;
}

const struct thread_rate *rate_of(const struct checking *c, int tid)
{
	const struct rates *r = c->in->rates;
	size_t n = r ? r->n_threads : 0;
	size_t i = lower_bound(t, r->threads, n, t->tid < tid);
	bool is_it = i < n && r->threads[i].tid == tid;
	return is_it && r->threads[i].is_known ? &r->threads[i] : NULL;
}

double vcpus_run(const struct checking *c, const struct check_vm *v)
{
	double sum = 0;
	for (size_t i = 0; i < v->vm->n_threads; i++) {
		const struct vm_thread *t = &v->vm->threads[i];
		const struct thread_rate *r = t->role == ROLE_VCPU ? rate_of(c, t->tid) : NULL;
		sum += r ? r->run : 0;
	}
	return sum;
}

double others_run(const struct checking *c, const struct check_vm *v)
{
	double sum = -vcpus_run(c, v);
	cpuset_for_each (cpu, &v->vcpu_cpus) {
		const struct cpu_rate *r = c->in->rates ? rates_cpu(c->in->rates, cpu) : NULL;
		sum += r ? 1 - r->idle : 1;
	}
	return sum > 0 ? sum : 0;
}

double ran_there(const struct checking *c, const struct check_vm *v, int tid,
	const struct cpuset *allowed, int last_cpu)
{
	const struct thread_rate *r = rate_of(c, tid);
	const struct cpuset *cpus = &v->vcpu_cpus;
	if (!r || r->run <= 0)
		return 0;
	if (allowed && cpuset_is_subset(allowed, cpus))
		return r->run;
	bool is_seen = cpuset_has(cpus, last_cpu) || cpuset_has(cpus, r->last_cpu);
	return is_seen && others_run(c, v) >= r->run / 2 ? r->run : 0;
}

void quiet_below_hog(const struct checking *c, struct finding *f, double run)
{
	f->is_quiet = c->in->rates && run < c->limits->hog_share;
}

const struct group_reading *group_reading_of(const struct checking *c, const char *path)
{
	for (size_t i = 0; c->in->reading && path && i < c->in->list->n_groups; i++)
		if (streq(c->in->list->groups[i], path))
			return &c->in->reading->groups[i];
	return NULL;
}
