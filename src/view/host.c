/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/host.h"

#include "apply/ledger.h"
#include "base/str.h"
#include "model/snapshot.h"
#include "plan/claims.h"
#include "report/report.h"
#include "session/host-can.h"
#include "view/changes.h"
#include "view/host-can.h"
#include "view/host-lists.h"
#include "view/host-settings.h"
#include "view/json.h"
#include "view/placements-picture.h"
#include "vm/vm.h"

/* Who has CPUs: what is applied, and behind it VMs that somebody else pinned, with the CPUs of
 * their vCPUs. */
struct sitters {
	ARRAY(struct placement) v;
	size_t n_applied;
};

static void sitters_done(struct sitters *l)
{
	for (size_t i = l->n_applied; i < l->v.n; i++)
		free(l->v.v[i].vcpus);
	free(l->v.v);
}

static bool is_applied(const struct ledger *l, const struct vm *vm)
{
	array_for_each (p, &l->placements) {
		if (placement_is_of(p, vm))
			return true;
	}
	return false;
}

static void add_pinned(const struct snapshot *s, const struct claims *claims, const struct vm *vm,
	struct sitters *l)
{
	struct placement p = { .vm = vm->id, .name = vm->name };
	p.vcpus = xcalloc(vm->n_threads, sizeof *p.vcpus);
	for (size_t k = 0; k < vm->n_threads; k++) {
		const struct vm_thread *t = &vm->threads[k];
		if (!mask_is_pin(s, claims, vm, t))
			continue;
		p.claim_cpus = cpuset_or(&p.claim_cpus, t->allowed);
		if (t->index >= 0 && cpuset_count(t->allowed) == 1)
			p.vcpus[p.n_vcpus++] =
				(struct thread_place){ .vcpu = t->index, .cpus = *t->allowed };
	}
	if (cpuset_is_empty(&p.claim_cpus))
		free(p.vcpus);
	else
		*array_push(&l->v) = p;
}

static struct sitters sitters_of(
	const struct snapshot *s, const struct vms *vms, const struct ledger *l)
{
	struct sitters all = { .n_applied = l->placements.n };
	struct claims claims = claims_of(s, l->placements.v, l->placements.n, NULL);
	array_for_each (p, &l->placements)
		*array_push(&all.v) = *p;
	for (size_t i = 0; i < vms->n_vms; i++)
		if (!is_applied(l, &vms->vms[i]))
			add_pinned(s, &claims, &vms->vms[i], &all);
	return all;
}

static json_t *vms_on(const struct sitters *sitters, int cpu)
{
	json_t *ids = json_array();
	array_for_each (p, &sitters->v) {
		if (cpuset_has(&p->claim_cpus, cpu))
			json_array_append_new(ids, text_json(p->vm));
	}
	return ids;
}

static json_t *cpu_json(const struct snapshot *s, const struct sitters *sitters,
	const struct cpu *c, const double *interrupts)
{
	json_t *o = json_object();
	struct cpuset self = cpuset_of(c->cpu);
	json_object_set_new(o, "cpu", json_integer(c->cpu));
	json_object_set_new(o, "core", number_json(c->core));
	json_object_set_new(o, "socket", number_json(c->socket));
	json_object_set_new(o, "node", number_json(c->node < 0 ? -1 : s->nodes[c->node].node));
	json_object_set_new(o, "l3", number_json(c->l3));
	json_object_set_new(o, "l3_kib",
		c->l3 < 0 ? json_null() : json_integer((json_int_t)s->l3s[c->l3].size_kib));
	json_object_set_new(
		o, "siblings", cpus_json(c->core < 0 ? &self : &s->cores[c->core].cpus));
	json_object_set_new(
		o, "kind", c->is_online ? text_json(cpu_kind_name(c->kind)) : json_null());
	json_object_set_new(o, "rank", c->is_online ? json_integer(c->rank) : json_null());
	json_object_set_new(o, "online", json_boolean(c->is_online));
	json_object_set_new(o, "isolated", json_boolean(c->is_isolated));
	json_object_set_new(o, "vms", vms_on(sitters, c->cpu));
	json_object_set_new(o, "interrupts",
		interrupts && interrupts[c->cpu] >= 0 ? json_integer((json_int_t)interrupts[c->cpu])
						      : json_null());
	return o;
}

static json_t *memory_json(bool is_unknown, uint64_t kib)
{
	return is_unknown ? json_null() : json_integer((json_int_t)kib);
}

static json_t *node_json(const struct snapshot *s, const struct node *n)
{
	json_t *hugepages = json_array(), *distances = json_array();
	for (size_t i = 0; i < n->n_hugepages; i++)
		json_array_append_new(hugepages,
			OBJECT({ "size_kib", json_integer((json_int_t)n->hugepages[i].size_kib) },
				{ "total", json_integer((json_int_t)n->hugepages[i].total) },
				{ "free", json_integer((json_int_t)n->hugepages[i].free) },
				{ "surplus", json_integer((json_int_t)n->hugepages[i].surplus) }));
	for (size_t i = 0; n->distances && i < s->n_nodes; i++)
		json_array_append_new(distances, json_integer(n->distances[i]));
	return OBJECT({ "node", json_integer(n->node) }, { "cpus", cpus_json(&n->cpus) },
		{ "mem_total_kib", memory_json(n->is_memory_unknown, n->mem_total_kib) },
		{ "mem_free_kib", memory_json(n->is_free_unknown, n->mem_free_kib) },
		{ "distances", distances }, { "tier", number_json(n->tier) },
		{ "hugepages", hugepages });
}

static json_t *hex_json(int n)
{
	return n < 0 ? json_null() : format_json("%04x", (unsigned int)n);
}

/* Without bridges and other parts of the board. */
static json_t *devices_json(const struct snapshot *s)
{
	json_t *devices = json_array();
	for (size_t i = 0; i < s->n_pci_devices; i++) {
		const struct pci_device *d = &s->pci_devices[i];
		const char *kind = pci_class_name(d->class);
		if (!kind)
			continue;
		json_array_append_new(devices,
			OBJECT({ "address", text_json(d->address) }, { "kind", text_json(kind) },
				{ "class", format_json("%06x", d->class) },
				{ "vendor", hex_json(d->vendor) },
				{ "device", hex_json(d->device) }, { "node", number_json(d->node) },
				{ "driver", text_json(d->driver) },
				{ "iommu_group", number_json(d->iommu_group) }));
	}
	return devices;
}

static void put_host(const struct snapshot *s, const struct sitters *sitters,
	const double *interrupts, json_t *o)
{
	json_t *cpus = json_array(), *nodes = json_array(), *l3s = json_array();
	for (size_t i = 0; i < s->n_cpus; i++)
		json_array_append_new(cpus, cpu_json(s, sitters, &s->cpus[i], interrupts));
	for (size_t i = 0; i < s->n_nodes; i++)
		json_array_append_new(nodes, node_json(s, &s->nodes[i]));
	for (size_t i = 0; i < s->n_l3s; i++)
		json_array_append_new(l3s,
			OBJECT({ "l3", json_integer((int)i) },
				{ "cpus", cpus_json(&s->l3s[i].cpus) },
				{ "size_kib", json_integer((json_int_t)s->l3s[i].size_kib) }));
	json_object_set_new(o, "cpus", cpus);
	json_object_set_new(o, "nodes", nodes);
	json_object_set_new(o, "l3", l3s);
	json_object_set_new(o, "devices", devices_json(s));
}

/* Counts to shares of the busiest CPU's. */
static void to_heat(double *interrupts)
{
	double max = 0;
	for (int cpu = 0; cpu < CPUSET_MAX; cpu++)
		max = interrupts[cpu] > max ? interrupts[cpu] : max;
	for (int cpu = 0; cpu < CPUSET_MAX; cpu++)
		if (interrupts[cpu] > 0)
			interrupts[cpu] /= max;
}

static struct picture *draw(
	const struct snapshot *s, const struct sitters *sitters, double *interrupts)
{
	struct cpuset claimed = claims_sum(sitters->v.v, sitters->n_applied);
	struct cpuset rest = cpuset_minus(&s->online_cpus, &claimed);
	if (interrupts)
		to_heat(interrupts);
	struct heat heat = { interrupts, "device interrupts since boot, beside the busiest CPU's" };
	return placements_picture(s, sitters->v.v, sitters->v.n, sitters->n_applied ? &rest : NULL,
		interrupts ? &heat : NULL);
}

static void put_note(const char *note, json_t *notes, struct report *r)
{
	report_note(r, "%s", note);
	json_array_append_new(notes, text_json(note));
}

/* What could not be seen. */
static void put_notes(
	const struct snapshot *s, const struct vms *vms, const struct ledger *l, struct report *r)
{
	json_t *notes = json_array();
	for (size_t i = 0; i < s->n_notes; i++)
		put_note(s->notes[i], notes, r);
	for (size_t i = 0; i < vms->n_notes; i++)
		put_note(vms->notes[i], notes, r);
	if (l->is_hidden)
		put_note(LEDGER_HIDDEN, notes, r);
	json_object_set_new(report_json(r), "notes", notes);
}

/* "Levels here: pinned, fenced, isolated; …" */
static void report_levels(const struct snapshot *s, bool is_shown, struct report *r)
{
	struct host_level levels[LEVEL_ISOLATED + 1];
	const struct ability partition = partition_by_files(s);
	AUTO_STRBUF struct strbuf b = { 0 }, whys = { 0 };
	levels_judge(s, &partition, levels);
	for (enum level i = LEVEL_PINNED; i <= LEVEL_ISOLATED; i++) {
		if (levels[i].answer == ANSWER_YES)
			strbuf_printf(&b, "%s%s", b.n ? ", " : "", level_name(i));
		else
			strbuf_printf(&whys, "; not %s: %s", level_name(i), levels[i].why);
	}
	if (is_shown)
		report_text(r, "Levels here, by its files: %s%s", b.s, whys.n ? whys.s : "");
	json_object_set_new(report_json(r), "levels", levels_json(levels));
}

void host_report(const struct snapshot *s, const struct vms *vms, const struct ledger *l,
	const struct host_parts *parts, struct report *r)
{
	AUTO_FREE double *interrupts = interrupts_by_cpu(s);
	CLEANUP(sitters_done) struct sitters sitters = sitters_of(s, vms, l);
	put_host(s, &sitters, interrupts, report_json(r));
	if (parts->has_picture)
		report_picture(r, draw(s, &sitters, interrupts));
	report_levels(s, parts->has_picture, r);
	if (parts->has_irqs)
		show_irqs(s, r);
	if (parts->has_cgroups)
		show_cgroups(s, r);
	if (parts->has_settings)
		show_settings(s, r);
	put_notes(s, vms, l, r);
}
