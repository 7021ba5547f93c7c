/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plan/settings-build.h"

struct setting *builder_add(struct builder *b, const char *knob, const char *key, const char *why)
{
	struct setting *s = array_push(&b->list);
	*s = (struct setting){
		.knob = knob,
		.key = arena_strdup(b->arena, key),
		.why = why,
	};
	return s;
}

static const struct cpuset *keep(struct builder *b, const struct cpuset *set)
{
	return arena_dup(b->arena, set, 1, sizeof *set);
}

const char *builder_list(struct builder *b, const struct cpuset *set)
{
	AUTO_FREE char *text = cpuset_format_list(set);
	return arena_strdup(b->arena, text);
}

void builder_take_out(struct builder *b, struct setting *s, const struct cpuset *cpus)
{
	s->without = cpus;
	s->fallback = b->open;
}

const struct vm *builder_vm(const struct builder *b, const struct placement *p)
{
	return placement_vm(p, b->vms);
}

/* ---- interrupts and kernel work ---- */

static void add_interrupt(struct builder *b, const struct irq *irq, const char *why)
{
	char key[16];
	if (!irq->affinity)
		return;
	snprintf(key, sizeof key, "%d", irq->irq);
	struct setting *s = builder_add(b, "irq.affinity", key, why);
	s->id = *irq->action ? arena_strdup(b->arena, irq->action) : NULL;
	builder_take_out(b, s, b->claimed);
	s->is_optional = true;
}

static void add_interrupts(struct builder *b)
{
	struct setting *s = builder_add(b, "irqbalance.banned", "irqbalance",
		"irqbalance would move interrupts back within seconds");
	s->with = b->claimed;
	s->is_optional = true;
	if (b->s->default_smp_affinity) {
		s = builder_add(b, "irq.default_affinity", "default",
			"interrupts that appear later start on other CPUs");
		builder_take_out(b, s, b->claimed);
		s->is_optional = true;
	}
	for (size_t i = 0; i < b->s->n_irqs; i++)
		add_interrupt(b, &b->s->irqs[i], "an interrupt stops the vCPU that it lands on");
	for (size_t i = 0; i < b->s->n_idle_irqs; i++)
		add_interrupt(
			b, &b->s->idle_irqs[i], "the next driver to request it gets its mask");
	if (b->s->workqueues.cpumask) {
		s = builder_add(
			b, "workqueue.cpumask", "unbound", "unbound kernel work runs elsewhere");
		builder_take_out(b, s, b->claimed);
		s->is_optional = true;
	}
}

static bool needs(const struct builder *b, enum level level)
{
	for (size_t i = 0; i < b->n_placements; i++)
		if (b->placements[i].level >= level)
			return true;
	return false;
}

static void build(struct builder *b)
{
	bool is_fenced = needs(b, LEVEL_FENCED);
	if (is_fenced) {
		add_interrupts(b);
		add_fences(b);
	}
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct vm *vm = builder_vm(b, &b->placements[i]);
		if (vm)
			add_manager_groups(b, &b->placements[i], vm);
	}
	for (size_t i = 0; i < b->n_placements; i++)
		if (b->placements[i].level == LEVEL_ISOLATED && builder_vm(b, &b->placements[i]))
			add_vm_group(b, &b->placements[i]);
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct vm *vm = builder_vm(b, &b->placements[i]);
		if (vm && b->placements[i].level >= LEVEL_PINNED)
			add_vm_threads(b, &b->placements[i], vm);
	}
	for (size_t i = 0; i < b->n_placements; i++)
		if (b->placements[i].level == LEVEL_ISOLATED && builder_vm(b, &b->placements[i]))
			add_partition(b, &b->placements[i]);
	if (is_fenced)
		add_other_threads(b);
}

static const struct cpuset *housekeeping_of(struct builder *b)
{
	struct cpuset *v = arena_alloc(b->arena, (b->n_placements + 1) * sizeof *v);
	for (size_t i = 0; i < b->n_placements; i++)
		v[i] = claims_housekeeping(b->claims, &b->placements[i]);
	return v;
}

struct settings *settings_for(
	const struct snapshot *s, const struct vms *vms, const struct claims *claims)
{
	struct settings *settings = xcalloc(1, sizeof *settings);
	struct builder b = { .s = s,
		.vms = vms,
		.claims = claims,
		.placements = claims->placements,
		.n_placements = claims->n,
		.arena = &settings->arena };
	b.claimed = keep(&b, &claims->claimed_cpus);
	b.open = keep(&b, &claims->open_cpus);
	b.housekeeping = housekeeping_of(&b);
	build(&b);
	settings->v = arena_dup(&settings->arena, b.list.v, b.list.n, sizeof *b.list.v);
	settings->n = b.list.n;
	free(b.list.v);
	return settings;
}

void settings_free(struct settings *s)
{
	arena_done(&s->arena);
	free(s);
}
