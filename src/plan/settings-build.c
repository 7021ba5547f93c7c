/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/settings-build.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

struct setting *builder_add(struct builder *b, const char *knob, const char *key, const char *why)
{
	struct setting *s = array_push(&b->list);
	*s = (struct setting){
		.knob = knob_find(knob),
		.key = arena_strdup(b->arena, key),
		.why = why,
	};
	assert(s->knob);
	return s;
}

struct setting *builder_find(const struct builder *b, const char *knob, const char *key)
{
	array_for_each (s, &b->list) {
		if (streq(s->knob->name, knob) && streq(s->key, key))
			return s;
	}
	return NULL;
}

const struct cpuset *builder_keep(struct builder *b, const struct cpuset *set)
{
	return arena_dup(b->arena, set, 1, sizeof *set);
}

const struct setting_name *builder_name(
	struct builder *b, const char *knob, const char *key, const char *id)
{
	const struct setting_name name = { knob_find(knob), key, id };
	assert(name.knob);
	return arena_dup(b->arena, &name, 1, sizeof name);
}

void builder_want(
	struct builder *b, struct setting *s, const struct placement *p, struct value value)
{
	if (s->n_by >= s->by_room) {
		s->by_room = s->n_by ? 2 * s->n_by : 1;
		struct contribution *by = arena_alloc(b->arena, s->by_room * sizeof *by);
		if (s->n_by)
			memcpy(by, s->by, s->n_by * sizeof *by);
		s->by = by;
	}
	s->by[s->n_by++] = (struct contribution){ .vm = p->vm, .value = value };
}

void builder_want_cpus(
	struct builder *b, struct setting *s, const struct placement *p, const struct cpuset *cpus)
{
	builder_want(b, s, p, value_cpus(builder_keep(b, cpus)));
}

void builder_want_claims(struct builder *b, struct setting *s)
{
	s->by = b->wanted;
	s->n_by = b->n_wanted;
	s->by_room = 0;
}

void builder_take_out(struct builder *b, struct setting *s)
{
	builder_want_claims(b, s);
	s->fallback = b->open;
	s->avoid = b->claimed;
}

const struct cpuset *builder_others(struct builder *b, const struct cpuset *cpus)
{
	struct cpuset others = cpuset_minus(&b->s->online_cpus, cpus);
	return builder_keep(b, &others);
}

void builder_fence(struct builder *b, struct setting *s, const char *group)
{
	struct cpuset sum = CPUSET_EMPTY;
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct placement *p = &b->placements[i];
		bool is_inside = p->cgroup && *p->cgroup && group_is_inside(p->cgroup, group);
		if (p->level != LEVEL_FENCED || is_inside)
			continue;
		builder_want_cpus(b, s, p, &p->claim_cpus);
		sum = cpuset_or(&sum, &p->claim_cpus);
	}
	s->fallback = b->open;
	s->avoid = builder_keep(b, &sum);
}

const struct vm *builder_vm(const struct builder *b, const struct placement *p)
{
	return placement_vm(p, b->vms);
}

bool group_is_inside(const char *path, const char *group)
{
	const char *rest = *group ? str_after(path, group) : path;
	return rest && (!*group || !*rest || *rest == '/');
}

bool group_is_of(const char *path, const struct placement *p)
{
	return p->cgroup && *p->cgroup && group_is_inside(path, p->cgroup);
}
