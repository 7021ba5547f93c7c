/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the rules over the VMs, and says in a sentence what came of it. */
#include "check/check.h"

#include "check/internal.h"
#include "model/power.h"

/* ---- VMs as rules see them ---- */

static const struct placement *placement_in_force(const struct claims *claims, const struct vm *vm)
{
	for (size_t i = 0; i < claims->n; i++)
		if (placement_is_of(&claims->placements[i], vm))
			return &claims->placements[i];
	return NULL;
}

static struct cpuset nodes_of(const struct snapshot *s, const struct cpuset *cpus)
{
	struct cpuset nodes = CPUSET_EMPTY;
	for (size_t i = 0; i < s->n_nodes; i++)
		if (cpuset_intersects(&s->nodes[i].cpus, cpus))
			cpuset_add(&nodes, s->nodes[i].node);
	return nodes;
}

/* So many CPUs as vCPUs, or somewhat more; and not just a node that the host gives to many. */
static bool is_dedicated(const struct snapshot *s, const struct check_vm *v)
{
	int n = cpuset_count(&v->vcpu_cpus);
	if (!v->is_pinned || n > 2 * v->n_vcpus)
		return false;
	for (size_t i = 0; i < s->n_nodes; i++)
		if (s->n_nodes > 1 && n > v->n_vcpus &&
			cpuset_equal(&s->nodes[i].cpus, &v->vcpu_cpus))
			return false;
	return true;
}

/* A wide list that somebody wrote down for this VM is a choice, too. */
static bool is_named(const struct check_vm *v)
{
	const struct vm_config *config = v->vm->config;
	if (!v->is_pinned || !config)
		return false;
	if (config->affinity_cpus)
		return cpuset_is_subset(&v->vcpu_cpus, config->affinity_cpus);
	array_for_each (pin, &config->pins)
		if (str_after(pin->what, "vcpu "))
			return true;
	return false;
}

static void look_at_vm(struct checking *c, const struct vm *vm, struct check_vm *v)
{
	const struct cpuset *last = NULL;
	bool is_pin = false, is_single = true;
	v->vm = vm;
	AUTO_FREE char *label = vm_label(vm->id, vm->name);
	v->label = arena_strdup(c->arena, label);
	v->placement = placement_in_force(c->in->claims, vm);
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		if (t->role != ROLE_VCPU || !t->allowed)
			continue;
		v->n_vcpus++;
		if (t->allowed != last)
			is_pin = v->placement || mask_is_pin(c->s, c->in->claims, vm, t);
		last = t->allowed;
		if (!is_pin)
			continue;
		v->n_pinned++;
		is_single &= cpuset_count(t->allowed) == 1;
		v->vcpu_cpus = cpuset_or(&v->vcpu_cpus, t->allowed);
	}
	v->is_pinned = v->n_vcpus && v->n_pinned == v->n_vcpus;
	v->is_one_to_one = v->is_pinned && is_single && cpuset_count(&v->vcpu_cpus) == v->n_vcpus;
	v->core_cpus = whole_cores(c->s, &v->vcpu_cpus);
	v->nodes = nodes_of(c->s, &v->vcpu_cpus);
	v->is_dedicated = is_dedicated(c->s, v);
	v->is_named = is_named(v);
}

static void look_at_vms(struct checking *c, const bool *is_meant)
{
	const struct vms *vms = c->in->vms;
	c->vms = arena_alloc(c->arena, (vms->n_vms + 1) * sizeof *c->vms);
	for (size_t i = 0; i < vms->n_vms; i++) {
		struct check_vm *v = &c->vms[c->n_vms++];
		look_at_vm(c, &vms->vms[i], v);
		v->is_meant = !is_meant || is_meant[i];
		c->out->n_vms += v->is_meant;
		if (v->is_dedicated)
			c->pinned_cpus = cpuset_or(&c->pinned_cpus, &v->vcpu_cpus);
	}
	struct cpuset cores = whole_cores(c->s, &c->pinned_cpus);
	c->unpinned_cpus = cpuset_minus(&c->in->claims->free_cpus, &c->pinned_cpus);
	c->spare_cpus = cpuset_minus(&c->unpinned_cpus, &cores);
	if (cpuset_is_empty(&c->spare_cpus))
		c->spare_cpus = c->unpinned_cpus;
}

/* Equal masks are one, see struct snapshot. */
static void count_masks(struct checking *c)
{
	for (size_t i = 0; i < c->s->n_tasks; i++) {
		const struct task *t = &c->s->tasks[i];
		size_t at = 0;
		if (!t->allowed || task_is_immovable(t))
			continue;
		while (at < c->masks.n && c->masks.v[at].mask != t->allowed)
			at++;
		if (at == c->masks.n)
			*array_push(&c->masks) = (struct mask_count){ .mask = t->allowed };
		c->masks.v[at].n++;
	}
}

/* ---- running ---- */

static const char *why_skipped(const struct checking *c, unsigned int needs)
{
	bool has_pins = false;
	for (size_t i = 0; i < c->n_vms; i++)
		has_pins |= c->vms[i].n_pinned && c->vms[i].is_meant;
	if (needs & (NEED_VMS | NEED_PINS) && !c->out->n_vms)
		return "no VM runs";
	if (needs & NEED_PINS && !has_pins)
		return "no VM has CPUs of its own";
	if (needs & NEED_RATES && !c->in->rates)
		return "needs an interval";
	if (needs & NEED_NODES && c->s->n_nodes < 2)
		return "the host has one NUMA node";
	if (needs & NEED_TUNABLES && !c->s->tunables)
		return "the kernel's settings are not in it";
	if (needs & NEED_POWER && (!c->s->power || !c->s->power->n_policies))
		return "the host tells nothing of frequencies";
	if (needs & NEED_IRQS && !c->s->n_irqs)
		return "the host tells nothing of interrupts";
	return NULL;
}

static bool is_wanted(const struct rule *rule, const char *const *only, size_t n_only)
{
	bool is = !n_only;
	for (size_t i = 0; i < n_only; i++)
		is |= streq(rule->id, only[i]);
	return is;
}

static void run_rule(struct checking *c, struct check_result *r)
{
	size_t before = c->out->findings.n;
	r->reason = why_skipped(c, r->rule->needs);
	c->rule = r->rule;
	c->unknown = NULL;
	if (!r->reason)
		r->rule->run(c);
	if (!r->reason && c->out->findings.n == before)
		r->reason = c->unknown;
	r->status = r->reason                 ? CHECK_SKIPPED
		: c->out->findings.n > before ? CHECK_FOUND
					      : CHECK_CLEAN;
}

/* Findings stand by row, in whatever order the rules ran. */
static void sort_by_row(struct check *c)
{
	size_t n = 0;
	struct finding *sorted = xcalloc(c->findings.n + 1, sizeof *sorted);
	array_for_each (r, &c->results)
		for (size_t i = 0; r->status == CHECK_FOUND && i < c->findings.n; i++)
			if (c->findings.v[i].rule == r->rule)
				sorted[n++] = c->findings.v[i];
	free(c->findings.v);
	c->findings.v = sorted;
	c->findings.room = n + 1;
}

static void run_rules(struct checking *c, const char *const *only, size_t n_only)
{
	size_t n;
	const struct rule *all = check_rules(&n);
	for (size_t i = 0; i < n; i++)
		if (is_wanted(&all[i], only, n_only))
			*array_push(&c->out->results) = (struct check_result){ .rule = &all[i] };
	array_for_each (r, &c->out->results)
		if (r->rule->needs & OFFERS_CPUS)
			run_rule(c, r);
	array_for_each (o, &c->offers)
		cpuset_remove_all(&c->spare_cpus, &o->cpus);
	array_for_each (r, &c->out->results)
		if (!(r->rule->needs & OFFERS_CPUS))
			run_rule(c, r);
	sort_by_row(c->out);
}

/* ---- the verdict ---- */

static size_t count_results(const struct check *c, enum check_status status)
{
	size_t n = 0;
	for (size_t i = 0; i < c->results.n; i++)
		n += c->results.v[i].status == status;
	return n;
}

/* "Move the interrupts off them, or the VM", of an advice that may go on. */
static int first_sentence(const char *text)
{
	const char *end = strstr(text, ". ");
	size_t n = end ? (size_t)(end - text) : strlen(text);
	return (int)(n && text[n - 1] == '.' ? n - 1 : n);
}

static const char *verdict_of(struct checking *c)
{
	const struct check *out = c->out;
	size_t n_ran = count_results(out, CHECK_CLEAN) + count_results(out, CHECK_FOUND);
	const struct finding *f = out->findings.v;
	if (!out->findings.n || f->severity == SEVERITY_INFO)
		return say(c, "nothing is wrong by the %zu checks that ran%s, on %s%s", n_ran,
			count_results(out, CHECK_SKIPPED) ? " (others were skipped)" : "",
			some(c, (long)out->n_vms, "running VM"),
			out->findings.n ? "; what is worth knowing is below" : "");
	return say(c, "%s%s%s: %.*s", f->who ? f->who : "", f->who ? ": " : "", f->told,
		first_sentence(f->rule->advice), f->rule->advice);
}

struct check *check_run(
	const struct check_input *in, const char *const *only, size_t n_only, const bool *is_meant)
{
	struct check *out = xcalloc(1, sizeof *out);
	struct checking c = {
		.in = in,
		.s = in->s,
		.limits = in->limits,
		.out = out,
		.arena = &out->arena,
	};
	look_at_vms(&c, is_meant);
	count_masks(&c);
	run_rules(&c, only, n_only);
	take_figures(&c);
	order_findings(&c);
	out->verdict = verdict_of(&c);
	free(c.masks.v);
	free(c.offers.v);
	return out;
}

void check_free(struct check *c)
{
	if (!c)
		return;
	array_for_each (f, &c->findings) {
		free(f->evidence.v);
		free(f->commands.v);
		free(f->policy.v);
	}
	free(c->findings.v);
	free(c->results.v);
	free(c->figures.v);
	arena_done(&c->arena);
	free(c);
}

int check_worst(const struct check *c)
{
	int worst = -1;
	array_for_each (f, &c->findings)
		if ((int)f->severity > worst)
			worst = (int)f->severity;
	return worst;
}
