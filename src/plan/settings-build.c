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
	const struct knob *k = knob_find(knob);
	array_for_each (s, &b->list) {
		if (s->knob == k && streq(s->key, key))
			return s;
	}
	return NULL;
}

const struct cpuset *builder_keep(struct builder *b, const struct cpuset *set)
{
	return cpuset_keep(b->arena, set);
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
	*list_push(b->arena, &s->by) = (struct contribution){ .vm = p->vm, .value = value };
}

void builder_want_cpus(
	struct builder *b, struct setting *s, const struct placement *p, const struct cpuset *cpus)
{
	builder_want(b, s, p, value_cpus(builder_keep(b, cpus)));
}

void builder_want_claims(struct builder *b, struct setting *s)
{
	s->by = b->wanted;
	s->by.room = s->by.n; /* one more goes into a list of its own */
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
	const struct placement *last = NULL;
	for (size_t i = 0; i < b->n_placements; i++) {
		const struct placement *p = &b->placements[i];
		bool is_inside = p->cgroup && *p->cgroup && group_is_inside(p->cgroup, group);
		if (p->level != LEVEL_FENCED || is_inside)
			continue;
		cpuset_add_all(&sum, &p->claim_cpus);
		last = p;
	}
	if (last) /* all of them at once: a host may have as many fences as VMs */
		builder_want_cpus(b, s, last, &sum);
	s->fallback = b->open;
	s->avoid = builder_keep(b, &sum);
}

char *unit_group_of(const char *cgroup, bool has_systemd)
{
	AUTO_FREE char *at = cgroup && *cgroup ? xstrdup(cgroup) : NULL;
	while (at && has_systemd && !str_has_suffix(at, ".scope") &&
		!str_has_suffix(at, ".service")) {
		char *slash = strrchr(at, '/');
		if (!slash)
			return NULL;
		*slash = 0;
	}
	return TAKE(at);
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
