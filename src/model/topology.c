/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/topology.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/str.h"

/* Which numbers stand before the CPUs. */
static const struct {
	const char *word;
	bool has_number, has_kib;
} types[] = {
	[TOPOLOGY_CPUS] = { "cpus" },
	[TOPOLOGY_USABLE] = { "usable" },
	[TOPOLOGY_CORE] = { "core" },
	[TOPOLOGY_DIE] = { "die" },
	[TOPOLOGY_CLUSTER] = { "cluster" },
	[TOPOLOGY_SOCKET] = { "socket" },
	[TOPOLOGY_L2] = { "l2", .has_kib = true },
	[TOPOLOGY_L3] = { "l3", .has_kib = true },
	[TOPOLOGY_NODE] = { "node", .has_number = true, .has_kib = true },
	[TOPOLOGY_DISTANCE] = { "distance", .has_number = true, .has_kib = true },
};

void topology_done(struct topology *t)
{
	for (size_t i = 0; i < N_TOPOLOGY_TYPES; i++)
		free(t->parts[i].v);
	*t = (struct topology){ 0 };
}

void topology_add(struct strbuf *text, enum topology_type type, const struct topology_part *p)
{
	AUTO_FREE char *list = cpuset_format_list(&p->cpus);
	strbuf_puts(text, types[type].word);
	if (types[type].has_number)
		strbuf_printf(text, " %d", p->number);
	if (types[type].has_kib)
		strbuf_printf(text, " %llu", (unsigned long long)p->kib);
	strbuf_printf(text, "%s%s\n", *list ? " " : "", list);
}

static int type_of(const char *word)
{
	for (int i = 0; i < N_TOPOLOGY_TYPES; i++)
		if (streq(types[i].word, word))
			return i;
	return -1;
}

/* "l3 32768 0-5,12-17"; -EINVAL. Writes into the line. */
static int parse_line(char *line, int *ret_type, struct topology_part *ret)
{
	char *word = str_next_word(&line);
	int type = word ? type_of(word) : -1;
	if (type < 0)
		return -EINVAL;
	*ret_type = type;
	if (types[type].has_number &&
		(!(word = str_next_word(&line)) || str_to_int(word, &ret->number) < 0 ||
			ret->number < 0 || ret->number >= CPUSET_MAX))
		return -EINVAL;
	if (types[type].has_kib &&
		(!(word = str_next_word(&line)) || str_to_u64(word, &ret->kib) < 0))
		return -EINVAL;
	word = str_next_word(&line);
	if (str_next_word(&line) || cpuset_parse_list(word ? word : "", &ret->cpus) < 0)
		return -EINVAL;
	return 0;
}

/* Whether the part can be one more of its type; 'seen' is what the others have. */
static bool fits(int type, const struct topology_part *p, const struct cpuset *seen)
{
	if (type == TOPOLOGY_NODE)
		return !cpuset_has(seen, p->number);
	if (type == TOPOLOGY_DISTANCE)
		return p->kib <= INT_MAX;
	return !cpuset_is_empty(&p->cpus) && !cpuset_intersects(&p->cpus, seen);
}

int topology_parse(const char *text, struct topology *ret, struct err *e)
{
	CLEANUP(topology_done) struct topology t = { 0 };
	AUTO_FREE struct cpuset *seen = xcalloc(N_TOPOLOGY_TYPES, sizeof *seen);
	AUTO_FREE char *copy = xstrdup(text);
	char *next = copy;
	for (char *line; (line = str_next_line(&next));) {
		AUTO_FREE char *whole = xstrdup(line);
		struct topology_part p = { 0 };
		int type;
		if (parse_line(line, &type, &p) < 0 || !fits(type, &p, &seen[type]) ||
			t.parts[type].n == CPUSET_MAX)
			return err_say(e, -EINVAL, "damaged topology: '%.60s'", whole);
		*array_push(&t.parts[type]) = p;
		struct cpuset more = type == TOPOLOGY_NODE ? cpuset_of(p.number) : p.cpus;
		seen[type] = cpuset_or(&seen[type], &more);
	}
	*ret = t;
	t = (struct topology){ 0 };
	return 0;
}
