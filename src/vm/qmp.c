/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the replies. The talking is in qmp-ask.c. */
#include "vm/qmp.h"

#include <errno.h>
#include <string.h>
#include <jansson.h>

#include "base/str.h"

enum { ID_MAX = 65535 }; /* of CPUs, cores, …: QEMU's own limits are lower */

/* The whole number of a key, or -1. */
static int number(const json_t *o, const char *key, json_int_t max)
{
	const json_t *n = json_object_get(o, key);
	json_int_t i = json_is_integer(n) ? json_integer_value(n) : -1;
	return i >= 0 && i <= max ? (int)i : -1;
}

static const char *text_of(const json_t *o, const char *key, struct arena *a)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s && *s ? arena_strdup(a, s) : NULL;
}

/* Levels between socket and thread, from the outside in. */
static const char *const levels[] = { "die-id", "cluster-id", "module-id", "core-id" };

/* core-id starts anew in each die: makes one number of all levels, unique in the socket. */
static int core_number(const json_t *props, const int *sizes)
{
	if (number(props, "core-id", ID_MAX) < 0)
		return -1;
	int64_t core = 0;
	for (size_t i = 0; i < N_ELEMENTS(levels); i++) {
		int id = number(props, levels[i], ID_MAX);
		core = core * sizes[i] + (id > 0 ? id : 0);
		if (core > ID_MAX)
			return -1;
	}
	return (int)core;
}

/* How many ids each level has, at least. */
static void size_levels(const json_t *rows, int *sizes)
{
	size_t i;
	json_t *row;
	for (size_t l = 0; l < N_ELEMENTS(levels); l++) {
		sizes[l] = 1;
		json_array_foreach (rows, i, row) {
			int id = number(json_object_get(row, "props"), levels[l], ID_MAX);
			if (id + 1 > sizes[l])
				sizes[l] = id + 1;
		}
	}
}

static void read_cpus(const json_t *rows, struct qmp_facts *facts)
{
	int sizes[N_ELEMENTS(levels)];
	size_t i;
	json_t *row;
	size_levels(rows, sizes);
	json_array_foreach (rows, i, row) {
		int index = number(row, "cpu-index", ID_MAX);
		int tid = number(row, "thread-id", INT32_MAX);
		const json_t *props = json_object_get(row, "props");
		if (index < 0 || tid <= 0)
			continue;
		*array_push(&facts->cpus) = (struct qmp_cpu){
			.index = index,
			.tid = tid,
			.socket = number(props, "socket-id", ID_MAX),
			.core = core_number(props, sizes),
			.thread = number(props, "thread-id", ID_MAX),
		};
	}
}

static void read_iothreads(const json_t *rows, struct arena *a, struct qmp_facts *facts)
{
	size_t i;
	json_t *row;
	json_array_foreach (rows, i, row) {
		const char *id = text_of(row, "id", a);
		int tid = number(row, "thread-id", INT32_MAX);
		if (id && tid > 0)
			*array_push(&facts->iothreads) = (struct qmp_iothread){ id, tid };
	}
	facts->has_iothreads = true;
}

static void read_reply(const json_t *reply, struct arena *a, struct qmp_facts *facts)
{
	static const char no_uuid[] = "00000000-0000-0000-0000-000000000000";
	const char *id = json_string_value(json_object_get(reply, "id"));
	const json_t *value = json_object_get(reply, "return");
	if (!id || !value)
		return;
	if (streq(id, "cpus") && !facts->cpus.n)
		read_cpus(value, facts);
	else if (streq(id, "iothreads") && json_is_array(value) && !facts->has_iothreads)
		read_iothreads(value, a, facts);
	else if (streq(id, "name"))
		facts->name = text_of(value, "name", a);
	else if (streq(id, "uuid"))
		facts->uuid = text_of(value, "UUID", a);
	if (facts->uuid && streq(facts->uuid, no_uuid))
		facts->uuid = NULL;
}

int qmp_parse(const char *text, struct arena *a, struct qmp_facts *ret, struct err *e)
{
	struct qmp_facts facts = { 0 };
	AUTO_FREE char *copy = xstrdup(text);
	for (char *rest = copy, *line; (line = str_next_line(&rest));) {
		json_auto_t *reply = json_loads(line, 0, NULL);
		if (reply)
			read_reply(reply, a, &facts);
	}
	if (!facts.cpus.n) {
		qmp_facts_done(&facts);
		return err_say(e, -EPROTO, "no vCPUs in the answer");
	}
	*ret = facts;
	return 0;
}

void qmp_facts_done(struct qmp_facts *facts)
{
	free(facts->cpus.v);
	free(facts->iothreads.v);
	*facts = (struct qmp_facts){ 0 };
}
