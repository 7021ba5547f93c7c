/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/placement.h"

#include "plan/claims.h"
#include "view/json.h"

static json_t *notes_json(const struct placement *p)
{
	const char *const notes[] = { p->why_less, p->place_note, p->verdict };
	json_t *array = json_array();
	for (size_t i = 0; i < N_ELEMENTS(notes); i++)
		if (notes[i])
			json_array_append_new(array, text_json(notes[i]));
	return array;
}

json_t *explanation_json(const struct explanation *x)
{
	json_t *terms = json_array();
	for (enum plan_term t = 0; t < N_TERMS; t++)
		json_array_append_new(terms,
			OBJECT({ "term", text_json(plan_term_key(t)) },
				{ "text", text_json(plan_term_name(t)) },
				{ "chosen", json_integer((json_int_t)x->chosen[t]) },
				{ "runner_up",
					x->runner_up ? json_integer((json_int_t)x->other[t])
						     : json_null() }));
	return OBJECT({ "place", text_json(x->place) }, { "runner_up", text_json(x->runner_up) },
		{ "decided",
			x->decided == N_TERMS ? json_null()
					      : text_json(plan_term_key(x->decided)) },
		{ "terms", terms });
}

struct cpuset placement_rest(
	const struct placement *p, const struct claims *claims, const struct cpuset *own)
{
	return cpuset_is_empty(own) ? claims_housekeeping(claims, p) : *own;
}

static json_t *iothreads_json(
	const struct placement *p, const struct cpuset *rest, const struct vm *vm)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		if (t->role != ROLE_IOTHREAD)
			continue;
		const struct cpuset *own = placement_place(p, t->role, t->tid, t->start);
		json_array_append_new(rows,
			OBJECT({ "id", text_json(t->id) }, { "cpus", cpus_json(own ? own : rest) },
				{ "tid", json_integer(t->tid) },
				{ "start", json_integer((json_int_t)t->start) }));
	}
	return rows;
}

json_t *placement_json(const struct placement *p, const struct claims *claims, const struct vm *vm)
{
	struct cpuset emulator = placement_rest(p, claims, &p->emulator_cpus),
		      iothreads = placement_rest(p, claims, &p->iothread_cpus);
	json_t *o = json_object();
	placement_add_identity(o, p, text_json);
	json_object_set_new(o, "notes", notes_json(p));
	if (p->explanation)
		json_object_set_new(o, "explanation", explanation_json(p->explanation));
	placement_add_places(o, p, text_json);
	json_object_set_new(o, "emulator", cpus_json(&emulator));
	json_object_set_new(o, "vhost", cpus_json(&emulator)); /* they go with it */
	if (vm)
		json_object_set_new(o, "iothreads", iothreads_json(p, &iothreads, vm));
	return o;
}
