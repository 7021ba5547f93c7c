/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A placement as the ledger keeps it; what users read of it, view/placement.c, has the same members
 * and some of its own.
 *
 *	{ "vm": "100", "name": "db01", "pid": 4711, "start": 81234,
 *	  "cgroup": "qemu.slice/100.scope", "wanted": "isolated", "level": "fenced",
 *	  "why_less": "…", "place_note": null, "claim": "4-5,12-13",
 *	  "vcpus": [ { "vcpu": 0, "cpus": "4", "tid": 4720, "start": 81240 }, … ],
 *	  "emulator": "", "iothreads": [ { "id": "io1", "cpus": "5", … } ], "spare": "",
 *	  "memory": { "nodes": "1", "mode": "strict" }, "iothread_cpus": "", "housekeeping": "",
 *	  "wish": { "cores": "full", "place": "one-l3", "isolation": "isolated", … } }
 */
#include <errno.h>

#include "plan/plan.h"

/* Any bytes: who writes the object down escapes them. */
static json_t *text(const char *s)
{
	return s ? json_string_nocheck(s) : json_null();
}

static json_t *cpus(const struct cpuset *set)
{
	AUTO_FREE char *list = cpuset_format_list(set);
	return json_string(list);
}

static json_t *threads_to_json(
	const struct thread_place *v, size_t n, bool is_vcpus, placement_text_fn *text_of)
{
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();
		if (is_vcpus)
			json_object_set_new(
				o, "vcpu", v[i].vcpu < 0 ? json_null() : json_integer(v[i].vcpu));
		else
			json_object_set_new(o, "id", text_of(v[i].id));
		json_object_set_new(o, "cpus", cpus(&v[i].cpus));
		json_object_set_new(o, "tid", json_integer(v[i].tid));
		json_object_set_new(o, "start", json_integer((json_int_t)v[i].start));
		json_array_append_new(array, o);
	}
	return array;
}

void placement_add_identity(json_t *o, const struct placement *p, placement_text_fn *text_of)
{
	json_object_set_new(o, "vm", text_of(p->vm));
	json_object_set_new(o, "name", text_of(p->name));
	json_object_set_new(o, "pid", json_integer(p->pid));
	json_object_set_new(o, "start", json_integer((json_int_t)p->start));
	json_object_set_new(o, "cgroup", text_of(p->cgroup));
	json_object_set_new(o, "wanted", json_string(level_name(p->wish.isolation)));
	json_object_set_new(o, "level", json_string(level_name(p->level)));
	json_object_set_new(o, "why_less", text_of(p->why_less));
	json_object_set_new(o, "place_note", text_of(p->place_note));
}

void placement_add_places(json_t *o, const struct placement *p, placement_text_fn *text_of)
{
	json_object_set_new(o, "claim", cpus(&p->claim_cpus));
	json_object_set_new(o, "vcpus", threads_to_json(p->vcpus, p->n_vcpus, true, text_of));
	json_object_set_new(o, "emulator", cpus(&p->emulator_cpus));
	json_object_set_new(
		o, "iothreads", threads_to_json(p->iothreads, p->n_iothreads, false, text_of));
	json_object_set_new(o, "spare", cpus(&p->spare_cpus));
	bool is_bound = !cpuset_is_empty(&p->memory_nodes);
	json_object_set_new(o, "memory",
		is_bound
			? json_pack("{s:o, s:s}", "nodes", cpus(&p->memory_nodes), "mode", "strict")
			: json_null());
}

/* As it would stand in a [vm] section. */
static json_t *wish_to_json(const struct vm_wish *wish)
{
	json_t *o = json_object();
	size_t n;
	const struct policy_key *keys = policy_keys(&n);
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *value = policy_wish_format(wish, i);
		if (value)
			json_object_set_new(o, keys[i].key, text(value));
	}
	return o;
}

json_t *placement_to_json(const struct placement *p)
{
	json_t *o = json_object();
	placement_add_identity(o, p, text);
	placement_add_places(o, p, text);
	json_object_set_new(o, "iothread_cpus", cpus(&p->iothread_cpus));
	json_object_set_new(o, "housekeeping", cpus(&p->housekeeping_cpus));
	json_object_set_new(o, "wish", wish_to_json(&p->wish));
	json_object_set_new(o, "confirm_ns", json_integer((json_int_t)p->confirm_ns));
	return o;
}

/* Every get_…() returns false when the member is not there or not of its type. */
static bool get_list(const json_t *o, const char *key, struct cpuset *ret)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text && cpuset_parse_list(text, ret) == 0;
}

static bool get_text(const json_t *o, const char *key, struct arena *a, const char **ret)
{
	const json_t *value = json_object_get(o, key);
	if (!json_is_string(value) && !json_is_null(value))
		return false;
	*ret = arena_strdup(a, json_string_value(value));
	return true;
}

static bool get_start(const json_t *o, uint64_t *ret)
{
	const json_t *value = json_object_get(o, "start");
	*ret = (uint64_t)json_integer_value(value);
	return json_is_integer(value) && json_integer_value(value) >= 0;
}

/* Absent is confirmed. */
static bool get_confirm(const json_t *o, uint64_t *ret)
{
	const json_t *value = json_object_get(o, "confirm_ns");
	*ret = (uint64_t)json_integer_value(value);
	return !value || (json_is_integer(value) && json_integer_value(value) >= 0);
}

static bool get_int(const json_t *o, const char *key, int *ret)
{
	const json_t *value = json_object_get(o, key);
	json_int_t n = json_integer_value(value);
	*ret = (int)n;
	return json_is_integer(value) && n >= 0 && n <= INT32_MAX;
}

static bool get_level(const json_t *o, const char *key, enum level *ret)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text && level_parse(text, ret) == 0;
}

/* What was placed before wishes were kept has the default one. */
static bool get_wish(const json_t *o, struct arena *a, struct placement *p)
{
	const json_t *wish = json_object_get(o, "wish");
	const char *key;
	json_t *value;
	if (!wish)
		return true;
	json_object_foreach ((json_t *)(uintptr_t)wish, key, value) {
		const char *word = arena_strdup(a, json_string_value(value));
		if (!word || policy_wish_parse(key, word, &p->wish) < 0)
			return false;
	}
	return json_is_object(wish);
}

/* null, or nothing: nobody knows which it is. */
static bool get_vcpu(const json_t *o, int *ret)
{
	const json_t *value = json_object_get(o, "vcpu");
	return !value || json_is_null(value) || get_int(o, "vcpu", ret);
}

/* Null, or nothing: its memory is not held. */
static bool get_memory(const json_t *o, struct cpuset *ret)
{
	const json_t *memory = json_object_get(o, "memory");
	return !memory || json_is_null(memory) || get_list(memory, "nodes", ret);
}

static bool get_threads(const json_t *o, const char *key, bool is_vcpus, struct arena *a,
	struct thread_place **ret, size_t *ret_n)
{
	const json_t *array = json_object_get(o, key);
	if (!json_is_array(array))
		return false;
	size_t n = json_array_size(array);
	struct thread_place *v = n ? arena_alloc(a, n * sizeof *v) : NULL;
	for (size_t i = 0; i < n; i++) {
		const json_t *t = json_array_get(array, i);
		v[i].vcpu = -1;
		bool is_named = is_vcpus ? get_vcpu(t, &v[i].vcpu) : get_text(t, "id", a, &v[i].id);
		/* tid 0 would be ourselves: a set affinity of nobody must never become ours */
		if (!is_named || !get_list(t, "cpus", &v[i].cpus) || !get_start(t, &v[i].start) ||
			!get_int(t, "tid", &v[i].tid) || v[i].tid == 0)
			return false;
	}
	*ret = v;
	*ret_n = n;
	return true;
}

int placement_from_json(const json_t *o, struct arena *a, struct placement *ret)
{
	struct placement p = { 0 };
	bool is_ours = get_text(o, "vm", a, &p.vm) && p.vm && get_text(o, "name", a, &p.name) &&
		get_int(o, "pid", &p.pid) && p.pid > 0 && get_start(o, &p.start) &&
		get_text(o, "cgroup", a, &p.cgroup) && get_level(o, "wanted", &p.wish.isolation) &&
		get_level(o, "level", &p.level) && get_text(o, "why_less", a, &p.why_less) &&
		get_text(o, "place_note", a, &p.place_note) &&
		get_list(o, "claim", &p.claim_cpus) &&
		get_threads(o, "vcpus", true, a, &p.vcpus, &p.n_vcpus) &&
		get_list(o, "emulator", &p.emulator_cpus) &&
		get_list(o, "iothread_cpus", &p.iothread_cpus) &&
		get_threads(o, "iothreads", false, a, &p.iothreads, &p.n_iothreads) &&
		get_wish(o, a, &p) &&
		(!json_object_get(o, "spare") || get_list(o, "spare", &p.spare_cpus)) &&
		(!json_object_get(o, "housekeeping") ||
			get_list(o, "housekeeping", &p.housekeeping_cpus)) &&
		get_memory(o, &p.memory_nodes) && get_confirm(o, &p.confirm_ns);
	if (!is_ours)
		return -EINVAL;
	for (size_t i = 0; i < p.n_vcpus; i++)
		p.vcpu_cpus = cpuset_or(&p.vcpu_cpus, &p.vcpus[i].cpus);
	*ret = p;
	return 0;
}
