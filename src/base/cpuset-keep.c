/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sets of an arena, each once: a hash table with open addressing. */
#include "base/alloc.h"
#include "base/cpuset.h"

struct kept_sets {
	size_t n, room; /* room: a power of two, and never full */
	const struct cpuset *v[];
};

static uint64_t hash_set(const struct cpuset *set)
{
	uint64_t hash = 0;
	for (uint64_t i = 0; i < (uint64_t)set->n_words; i++)
		if (set->w[i])
			hash = (hash ^ set->w[i] ^ i << 32) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* The slot of the set, or the empty one where it belongs. */
static const struct cpuset **find_slot(struct kept_sets *sets, const struct cpuset *set)
{
	size_t i = hash_set(set) & (sets->room - 1);
	while (sets->v[i] && !cpuset_equal(sets->v[i], set))
		i = (i + 1) & (sets->room - 1);
	return &sets->v[i];
}

static struct kept_sets *grow(struct kept_sets *old)
{
	size_t room = old ? 2 * old->room : 64;
	struct kept_sets *sets = xcalloc(1, sizeof *sets + room * sizeof *sets->v);
	*sets = (struct kept_sets){ .n = old ? old->n : 0, .room = room };
	for (size_t i = 0; old && i < old->room; i++)
		if (old->v[i])
			*find_slot(sets, old->v[i]) = old->v[i];
	free(old);
	return sets;
}

const struct cpuset *cpuset_keep(struct arena *a, const struct cpuset *s)
{
	if (!a->sets || 2 * a->sets->n >= a->sets->room)
		a->sets = grow(a->sets);
	const struct cpuset **slot = find_slot(a->sets, s);
	if (!*slot) {
		*slot = arena_dup(a, s, 1, sizeof *s);
		a->sets->n++;
	}
	return *slot;
}
