/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/vm-json.h"

#include <string.h>

#include "vm/config.h"
#include "vm/memory.h"
#include "view/json.h"
#include "vm/vm.h"

static json_t *kib_json(int64_t kib)
{
	return kib < 0 ? json_null() : json_integer((json_int_t)kib);
}

static json_t *ns_json(const struct vm_thread *t, uint64_t ns)
{
	return t->has_times ? json_integer((json_int_t)ns) : json_null();
}

/* What the threads of a VM mostly have in common is made once: there may be ten thousand. They come
 * by role, so the last value is enough to remember. */
struct shared {
	const void *from;
	json_t *value;
};

struct common {
	struct shared role, allowed, policy, cgroup;
};

static bool is_new(struct shared *s, const void *from)
{
	if (s->value && s->from == from)
		return false;
	json_decref(s->value);
	s->from = from;
	return true;
}

static json_t *shared_text(struct shared *s, const char *text)
{
	if (is_new(s, text))
		s->value = text_json(text);
	return json_incref(s->value);
}

static json_t *shared_cpus(struct shared *s, const struct cpuset *cpus)
{
	if (is_new(s, cpus))
		s->value = cpus_json(cpus);
	return json_incref(s->value);
}

static void common_done(struct common *c)
{
	json_decref(c->role.value);
	json_decref(c->allowed.value);
	json_decref(c->policy.value);
	json_decref(c->cgroup.value);
}

static void put(json_t *o, const char *key, json_t *value)
{
	json_object_set_new_nocheck(o, key, value);
}

static json_t *thread_json(const struct vm_thread *t, struct common *c)
{
	json_t *o = json_object();
	put(o, "tid", json_integer(t->tid));
	put(o, "role", shared_text(&c->role, thread_role_name(t->role)));
	put(o, "index", number_json(t->index));
	put(o, "id", text_json(t->id));
	put(o, "comm", text_json(t->comm));
	put(o, "allowed", shared_cpus(&c->allowed, t->allowed));
	put(o, "cpu", number_json(t->cpu));
	put(o, "policy", shared_text(&c->policy, t->policy));
	put(o, "priority", json_integer(t->priority));
	put(o, "nice", json_integer(t->nice));
	put(o, "cgroup", shared_text(&c->cgroup, t->cgroup));
	put(o, "run_ns", ns_json(t, t->run_ns));
	put(o, "wait_ns", ns_json(t, t->wait_ns));
	return o;
}

static json_t *device_json(const struct vm_device *d)
{
	json_t *irqs = json_array();
	for (size_t i = 0; i < d->n_irqs; i++) {
		const struct vm_irq *irq = &d->irqs[i];
		json_array_append_new(irqs,
			OBJECT({ "irq", json_integer(irq->irq) },
				{ "vector", json_integer(irq->vector) },
				{ "kind", text_json(irq->kind) },
				{ "affinity", cpus_json(irq->affinity) }));
	}
	return OBJECT({ "address", text_json(d->address) }, { "id", text_json(d->id) },
		{ "mapping", text_json(d->mapping) }, { "kind", text_json(d->kind) },
		{ "part", text_json(d->part) }, { "driver", text_json(d->driver) },
		{ "node", number_json(d->node) }, { "irqs", irqs });
}

/* 0 is for what nobody knows: no guest has none of it. */
static json_t *known_json(int64_t n)
{
	return n ? json_integer((json_int_t)n) : json_null();
}

static json_t *hugepages_json(int64_t kib)
{
	if (kib == HUGEPAGES_ANY)
		return text_json("any");
	if (kib == HUGEPAGES_MIXED)
		return text_json("mixed");
	return kib ? json_integer(kib) : json_null();
}

static void put_nodes(const struct vm_config *c, json_t *o)
{
	json_t *nodes = json_array();
	array_for_each (n, &c->nodes)
		json_array_append_new(nodes,
			OBJECT({ "node", json_integer(n->node) }, { "cpus", text_json(n->cpus) },
				{ "memory_kib", known_json((int64_t)n->mib * 1024) },
				{ "hostnodes", text_json(n->hostnodes) },
				{ "policy", text_json(n->policy) },
				{ "hugepages_kib", hugepages_json(n->hugepages_kib) }));
	json_object_set_new(o, "numa_nodes", nodes);
}

static void put_devices(const struct vm_config *c, json_t *o)
{
	json_t *disks = json_array(), *nets = json_array(), *pci = json_array();
	array_for_each (d, &c->disks)
		json_array_append_new(disks,
			OBJECT({ "id", text_json(d->id) }, { "iothread", text_json(d->iothread) },
				{ "iothreads", strings_json(d->iothreads.v, d->iothreads.n) },
				{ "queues", d->queues ? json_integer(d->queues) : json_null() }));
	array_for_each (n, &c->nets)
		json_array_append_new(nets,
			OBJECT({ "id", text_json(n->id) }, { "model", text_json(n->model) },
				{ "queues", json_integer(n->queues) },
				{ "vhost", json_boolean(n->has_vhost) }));
	array_for_each (p, &c->pci)
		json_array_append_new(pci,
			OBJECT({ "id", text_json(p->id) }, { "address", text_json(p->address) },
				{ "mapping", text_json(p->mapping) }));
	json_object_set_new(o, "disks", disks);
	json_object_set_new(o, "nets", nets);
	json_object_set_new(o, "hostpci", pci);
}

static void put_managers_part(const struct vm_config *c, json_t *o)
{
	json_t *pins = json_array(), *pending = json_array();
	array_for_each (p, &c->pins)
		json_array_append_new(pins,
			OBJECT({ "what", text_json(p->what) }, { "value", text_json(p->value) }));
	array_for_each (p, &c->pending)
		json_array_append_new(pending,
			OBJECT({ "key", text_json(p->key) }, { "value", text_json(p->value) }));
	json_object_set_new(o, "pins", pins);
	json_object_set_new(o, "pending", pending);
	json_object_set_new(o, "tags", strings_json(c->tags.v, c->tags.n));
	json_object_set_new(o, "affinity", text_json(c->affinity));
	json_object_set_new(o, "cpuunits", c->cpuunits ? json_integer(c->cpuunits) : json_null());
	json_object_set_new(o, "cpulimit", c->cpulimit > 0 ? json_real(c->cpulimit) : json_null());
	json_object_update_new(o,
		OBJECT({ "scsihw", text_json(c->scsihw) },
			{ "hookscript", text_json(c->hookscript) }, { "args", text_json(c->args) },
			{ "lock", text_json(c->lock) }, { "numa_mode", text_json(c->numa_mode) },
			{ "numa_hostnodes", text_json(c->numa_nodes) },
			{ "description", text_json(c->description) }));
}

static json_t *config_json(const struct vm_config *c)
{
	json_t *o = OBJECT({ "source", text_json(c->source) },
		{ "sockets", known_json(c->sockets) }, { "cores", known_json(c->cores) },
		{ "threads", known_json(c->threads) }, { "vcpus", known_json(c->vcpus) },
		{ "max_vcpus", known_json(c->max_vcpus) }, { "cpu", text_json(c->cpu) },
		{ "memory_kib", known_json((int64_t)c->memory_mib * 1024) },
		{ "numa", json_boolean(c->has_numa) },
		{ "hugepages_kib", hugepages_json(c->hugepages_kib) },
		{ "keephugepages", json_boolean(c->keeps_hugepages) },
		{ "locked", json_boolean(c->is_memory_locked) },
		{ "balloon", json_boolean(c->has_balloon) });
	json_object_set_new(o, "balloon_kib",
		c->balloon_mib ? json_integer((json_int_t)(c->balloon_mib * 1024)) : json_null());
	json_object_set_new(o, "iothreads", strings_json(c->iothreads.v, c->iothreads.n));
	put_nodes(c, o);
	put_devices(c, o);
	put_managers_part(c, o);
	return o;
}

static json_t *disagreements_json(const struct vm_config *c)
{
	json_t *all = json_array();
	array_for_each (x, &c->disagreements) {
		json_t *said = json_array();
		for (size_t i = 0; i < N_ELEMENTS(x->said); i++)
			json_array_append_new(said,
				OBJECT({ "source", text_json(x->said[i].source) },
					{ "value", text_json(x->said[i].value) }));
		json_array_append_new(
			all, OBJECT({ "what", text_json(x->what) }, { "said", said }));
	}
	return all;
}

static json_t *memory_json(const struct vm_memory *m)
{
	if (!m->source)
		return json_null();
	json_t *nodes = json_array();
	array_for_each (n, &m->nodes) {
		json_t *pages = json_array();
		array_for_each (p, &n->pages)
			json_array_append_new(pages,
				OBJECT({ "size_kib", json_integer((json_int_t)p->page_kib) },
					{ "kib", json_integer((json_int_t)p->kib) }));
		json_array_append_new(nodes,
			OBJECT({ "node", json_integer(n->node) },
				{ "kib", json_integer((json_int_t)n->kib) }, { "pages", pages }));
	}
	return nodes;
}

json_t *vm_json(const struct vm *vm, const struct vm_memory *m)
{
	json_t *threads = json_array(), *devices = json_array();
	struct common common = { 0 };
	for (size_t i = 0; i < vm->n_threads; i++)
		json_array_append_new(threads, thread_json(&vm->threads[i], &common));
	for (size_t i = 0; i < vm->n_helpers; i++)
		json_array_append_new(threads, thread_json(&vm->helpers[i], &common));
	common_done(&common);
	for (size_t i = 0; i < vm->n_devices; i++)
		json_array_append_new(devices, device_json(&vm->devices[i]));
	json_t *o = OBJECT({ "id", text_json(vm->id) }, { "name", text_json(vm->name) },
		{ "uuid", text_json(vm->uuid) }, { "manager", text_json(vm->manager) },
		{ "pid", json_integer(vm->pid) }, { "vcpus", known_json(vm->n_vcpus) },
		{ "accel", text_json(vm->accel) }, { "cgroup", text_json(vm->cgroup) });
	json_object_update_new(o,
		OBJECT({ "memory", memory_json(m) }, { "memory_source", text_json(m->source) },
			{ "memory_policy", text_json(m->policy) },
			{ "mems_allowed", cpus_json(m->mems_allowed) },
			{ "locked_kib", kib_json(m->locked_kib) },
			{ "hugetlb_kib", kib_json(m->hugetlb_kib) }));
	json_object_set_new(o, "user", text_json(vm->user));
	json_object_set_new(o, "uid", number_json(vm->uid));
	json_object_set_new(o, "in_container", json_boolean(vm->is_in_container));
	json_object_set_new(o, "managed", json_boolean(vm->is_managed));
	json_object_set_new(o, "config", config_json(vm->config));
	json_object_set_new(o, "disagreements", disagreements_json(vm->config));
	json_object_set_new(o, "devices", devices);
	json_object_set_new(o, "threads", threads);
	json_object_set_new(o, "notes", strings_json(vm->notes, vm->n_notes));
	return o;
}
