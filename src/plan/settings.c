/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "plan/settings-build.h"

/* ---- interrupts and kernel work ---- */

static struct setting *add_interrupt(struct builder *b, const struct irq *irq, const char *why)
{
	char key[16];
	if (!irq->affinity)
		return NULL;
	snprintf(key, sizeof key, "%d", irq->irq);
	struct setting *s = builder_add(b, "irq.affinity", key, why);
	s->id = *irq->action ? arena_strdup(b->arena, irq->action) : NULL;
	builder_take_out(b, s);
	s->is_optional = true;
	return s;
}

/* The next driver to request it gets the default mask, unless somebody gave it one of its own
 * (irq_setup_affinity() in kernel/irq/manage.c). */
static void add_idle_interrupt(struct builder *b, const struct irq *irq)
{
	struct setting *s = add_interrupt(b, irq, "the next driver to request it gets its mask");
	if (s && b->s->default_smp_affinity)
		s->follows = builder_name(b, "irq.default_affinity", "default", NULL);
}

static void add_interrupts(struct builder *b)
{
	struct setting *s = builder_add(b, "irqbalance.banned", "irqbalance",
		"irqbalance would move interrupts back within seconds");
	builder_want_claims(b, s);
	s->is_optional = true;
	if (b->s->default_smp_affinity) {
		s = builder_add(b, "irq.default_affinity", "default",
			"interrupts that appear later start on other CPUs");
		builder_take_out(b, s);
		s->is_optional = true;
	}
	for (size_t i = 0; i < b->s->n_irqs; i++)
		add_interrupt(b, &b->s->irqs[i], "an interrupt stops the vCPU that it lands on");
	for (size_t i = 0; i < b->s->n_idle_irqs; i++)
		add_idle_interrupt(b, &b->s->idle_irqs[i]);
	if (b->s->workqueues.cpumask) {
		s = builder_add(
			b, "workqueue.cpumask", "unbound", "unbound kernel work runs elsewhere");
		builder_take_out(b, s);
		s->is_optional = true;
	}
}

/* What the VMs' policies ask of the whole kernel. */
static void add_sysctls(struct builder *b)
{
	struct setting *s = NULL;
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct placement *p = &b->placements[i];
		if (p->level < LEVEL_FENCED || !p->wish.stat_interval_s)
			continue;
		if (!s)
			s = builder_add(b, "vm.stat_interval", "host",
				"updates of the memory counters interrupt every CPU");
		s->is_optional = true;
		builder_want(b, s, p, value_number(p->wish.stat_interval_s));
	}
}

/* Once for each VM, as it is placed; its start tells one life of it from the next. */
static void add_compaction(struct builder *b, const struct placement *p)
{
	char key[16];
	for (size_t i = 0; i < b->s->n_nodes; i++) {
		const struct node *node = &b->s->nodes[i];
		if (!cpuset_intersects(&node->cpus, &p->vcpu_cpus))
			continue;
		snprintf(key, sizeof key, "%d", node->node);
		struct setting *s = builder_add(b, "memory.compact", key,
			"huge pages are made of memory that lies together");
		s->id = arena_printf(b->arena, "%s/%" PRIu64, p->vm, p->start);
		s->is_optional = s->is_sole = true;
		builder_want(b, s, p, value_word("done"));
	}
}

static void build(struct builder *b)
{
	if (b->wanted.n) {
		add_interrupts(b);
		add_sysctls(b);
	}
	if (b->n_fences)
		add_fences(b);
	for (size_t i = 0; i < b->n_placements; i++)
		if (b->placements[i].wish.compact && builder_vm(b, &b->placements[i]))
			add_compaction(b, &b->placements[i]);
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct vm *vm = builder_vm(b, &b->placements[i]);
		if (vm)
			add_manager_groups(b, &b->placements[i], vm);
	}
	for (size_t i = 0; i < b->n_placements; i++)
		if (builder_vm(b, &b->placements[i]))
			add_vm_memory(b, &b->placements[i]);
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
	if (b->wanted.n)
		add_other_threads(b);
}

static const struct cpuset *housekeeping_of(struct builder *b)
{
	struct cpuset *v = arena_alloc(b->arena, (b->n_placements + 1) * sizeof *v);
	for (size_t i = 0; i < b->n_placements; i++)
		v[i] = claims_housekeeping(b->claims, &b->placements[i]);
	return v;
}

/* Claims count from level fenced on: a VM that is only pinned keeps nobody off its CPUs. */
static void want_claims(struct builder *b)
{
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct placement *p = &b->placements[i];
		const struct contribution c = { p->vm,
			value_cpus(builder_keep(b, &p->claim_cpus)) };
		if (p->level >= LEVEL_FENCED)
			*list_push(b->arena, &b->wanted) = c;
		b->n_fences += p->level == LEVEL_FENCED;
	}
}

/* By phase, and within one as they were made. */
static struct setting *in_order(struct builder *b)
{
	struct setting *v = arena_alloc(b->arena, b->list.n * sizeof *v);
	size_t n = 0;
	for (enum knob_phase phase = 0; phase <= PHASE_LAST; phase++)
		array_for_each (s, &b->list)
			if (s->knob->phase == phase)
				v[n++] = *s;
	assert(n == b->list.n);
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
	b.claimed = builder_keep(&b, &claims->claimed_cpus);
	b.open = builder_keep(&b, &claims->open_cpus);
	b.housekeeping = housekeeping_of(&b);
	want_claims(&b);
	build(&b);
	settings->v = in_order(&b);
	settings->n = b.list.n;
	settings->online = builder_keep(&b, &s->online_cpus);
	free(b.list.v);
	return settings;
}

bool setting_join(const struct settings *all, const struct setting *s, const struct value *baseline,
	struct arena *a, struct value *ret)
{
	const struct wishes w = { .by = &s->by, .online = all->online, .fallback = s->fallback };
	enum knob_combine rule = s->is_sole ? COMBINE_ONE : s->knob->combine;
	return knob_join(s->knob, rule, &w, baseline, a, ret);
}

void settings_free(struct settings *s)
{
	arena_done(&s->arena);
	free(s);
}
