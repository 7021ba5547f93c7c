/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A measure as the payload of "wideberth.measure/1". */
#include "measure/measure.h"
#include "view/json.h"
#include "view/measure.h"

static json_t *maybe_int(struct maybe v)
{
	return v.is_known ? json_integer((json_int_t)v.value) : json_null();
}

/* Shares and rates: six digits are more than they are worth, and keep the text short. */
static json_t *maybe_real(struct maybe v)
{
	return v.is_known ? json_real((double)(int64_t)(v.value * 1e6 + 0.5) / 1e6) : json_null();
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *thread_json(const struct measured_thread *t)
{
	json_t *j = json_object();
	if (t->role == ROLE_VCPU) {
		set(j, "vcpu", json_integer(t->index));
	} else {
		set(j, "role", text_json(thread_role_name(t->role)));
		set(j, "id", text_json(t->id));
		set(j, "comm", text_json(t->comm));
	}
	set(j, "tid", json_integer(t->tid));
	set(j, "cpus", cpus_json(&t->cpus));
	set(j, "seen_on_cpus", cpus_json(&t->seen_cpus));
	set(j, "run_ns", maybe_int(t->run_ns));
	set(j, "wait_ns", maybe_int(t->wait_ns));
	set(j, "stolen", maybe_real(t->stolen));
	set(j, "preemptions", maybe_int(t->preemptions));
	set(j, "migrations", maybe_int(t->migrations));
	return j;
}

/* What only eBPF can tell stands there too, as null: one shape for both sources. */
static json_t *vcpu_json(const struct measured_thread *t)
{
	static const char *const unknown[] = { "in_place_ns", "wait_p50_ns", "wait_p99_ns",
		"wait_p999_ns", "wait_max_ns" };
	json_t *j = thread_json(t);
	set(j, "always_runnable", json_boolean(t->was_always_runnable));
	set(j, "interrupts_per_cpu_s", maybe_real(t->interrupts_per_cpu_s));
	for (size_t i = 0; i < N_ELEMENTS(unknown); i++)
		set(j, unknown[i], json_null());
	set(j, "thieves", json_array());
	return j;
}

static json_t *counts_json(const struct measured_counts *c, bool has_label)
{
	json_t *all = json_array();
	for (size_t i = 0; i < c->n; i++) {
		const struct measured_count *v = &c->v[i];
		json_t *j = json_object();
		set(j, "name", text_json(v->name));
		if (has_label) {
			set(j, "label", text_json(v->label));
			set(j, "is_device", json_boolean(v->is_device));
		}
		set(j, "count", json_integer((json_int_t)v->count));
		json_array_append_new(all, j);
	}
	return all;
}

static json_t *foreign_json(const struct foreign *f)
{
	json_t *j = json_object();
	set(j, "class", text_json(f->class));
	set(j, "name", text_json(f->comm));
	set(j, "owner", text_json(f->owner));
	set(j, "pid", json_integer(f->pid));
	set(j, "tid", json_integer(f->tid));
	set(j, "run_ns", json_integer((json_int_t)f->run_ns));
	set(j, "n_looks", json_integer(f->n_looks));
	set(j, "seen_on_cpus", cpus_json(&f->seen_cpus));
	return j;
}

static json_t *vm_json(const struct measured_vm *v)
{
	json_t *j = json_object(), *vcpus = json_array(), *helpers = json_array();
	json_t *foreign = json_array();
	for (size_t i = 0; i < v->n_threads; i++)
		json_array_append_new(i < v->n_vcpus ? vcpus : helpers,
			i < v->n_vcpus ? vcpu_json(&v->threads[i]) : thread_json(&v->threads[i]));
	for (size_t i = 0; i < v->n_foreign; i++)
		json_array_append_new(foreign, foreign_json(&v->foreign[i]));
	set(j, "vm", text_json(v->id));
	set(j, "name", text_json(v->name));
	set(j, "cpus", cpus_json(&v->cpus));
	set(j, "stolen", maybe_real(v->stolen));
	set(j, "worst_vcpu", v->worst_vcpu < 0 ? json_null() : json_integer(v->worst_vcpu));
	set(j, "vcpus", vcpus);
	set(j, "helpers", helpers);
	set(j, "remote_kib", json_null());
	set(j, "others_ns", maybe_int(v->others_ns));
	set(j, "interrupts_per_cpu_s", maybe_real(v->interrupts_per_cpu_s));
	set(j, "device_interrupts_per_cpu_s", maybe_real(v->device_interrupts_per_cpu_s));
	set(j, "interrupts", counts_json(&v->interrupts, true));
	set(j, "softirqs", counts_json(&v->softirqs, false));
	set(j, "foreign", foreign);
	return j;
}

static json_t *cpu_json(const struct measured_cpu *c)
{
	json_t *j = json_object();
	set(j, "cpu", json_integer(c->cpu));
	set(j, "busy_ns", maybe_int(c->busy_ns));
	set(j, "irq_ns", maybe_int(c->irq_ns));
	set(j, "softirq_ns", maybe_int(c->softirq_ns));
	set(j, "steal_ns", maybe_int(c->steal_ns));
	set(j, "interrupts", counts_json(&c->interrupts, true));
	set(j, "softirqs", counts_json(&c->softirqs, false));
	return j;
}

json_t *measure_json(const struct measure *m)
{
	json_t *j = json_object(), *vms = json_array(), *cpus = json_array(), *notes = json_array();
	for (size_t i = 0; i < m->n_vms; i++)
		json_array_append_new(vms, vm_json(&m->vms[i]));
	for (size_t i = 0; i < m->n_cpus; i++)
		json_array_append_new(cpus, cpu_json(&m->cpus[i]));
	for (size_t i = 0; i < m->n_notes; i++)
		json_array_append_new(notes, text_json(m->notes[i]));
	set(j, "window_ns", json_integer((json_int_t)m->window_ns));
	set(j, "source", text_json(m->source));
	set(j, "coverage", maybe_real(m->coverage));
	set(j, "host_steal", maybe_real(m->host_steal));
	set(j, "is_absolute", json_boolean(m->is_absolute));
	set(j, "cost_ns", maybe_int(m->cost_ns));
	set(j, "n_looks", json_integer((json_int_t)m->n_looks));
	set(j, "vms", vms);
	set(j, "cpus", cpus);
	set(j, "notes", notes);
	return j;
}
