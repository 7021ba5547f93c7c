/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/placement.h"

#include "plan/plan.h"
#include "view/json.h"

static json_t *threads_json(const struct thread_place *v, size_t n, bool is_vcpus)
{
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();
		if (is_vcpus)
			json_object_set_new(o, "vcpu", number_json(v[i].vcpu));
		else
			json_object_set_new(o, "id", text_json(v[i].id));
		json_object_set_new(o, "cpus", cpus_json(&v[i].cpus));
		json_object_set_new(o, "tid", json_integer(v[i].tid));
		json_object_set_new(o, "start", json_integer((json_int_t)v[i].start));
		json_array_append_new(array, o);
	}
	return array;
}

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

json_t *placement_json(const struct placement *p)
{
	json_t *o = json_object();
	json_object_set_new(o, "vm", text_json(p->vm));
	json_object_set_new(o, "name", text_json(p->name));
	json_object_set_new(o, "pid", json_integer(p->pid));
	json_object_set_new(o, "start", json_integer((json_int_t)p->start));
	json_object_set_new(o, "cgroup", text_json(p->cgroup));
	json_object_set_new(o, "wanted", text_json(level_name(p->wish.isolation)));
	json_object_set_new(o, "level", text_json(level_name(p->level)));
	json_object_set_new(o, "why_less", text_json(p->why_less));
	json_object_set_new(o, "place_note", text_json(p->place_note));
	json_object_set_new(o, "notes", notes_json(p));
	if (p->explanation)
		json_object_set_new(o, "explanation", explanation_json(p->explanation));
	json_object_set_new(o, "claim", cpus_json(&p->claim_cpus));
	json_object_set_new(o, "vcpus", threads_json(p->vcpus, p->n_vcpus, true));
	json_object_set_new(o, "emulator", cpus_json(&p->emulator_cpus));
	json_object_set_new(o, "iothread_cpus", cpus_json(&p->iothread_cpus));
	json_object_set_new(o, "iothreads", threads_json(p->iothreads, p->n_iothreads, false));
	json_object_set_new(o, "vhost", cpus_json(&p->emulator_cpus)); /* they go with it */
	json_object_set_new(o, "spare", cpus_json(&p->spare_cpus));
	json_object_set_new(o, "memory", json_null());
	return o;
}
