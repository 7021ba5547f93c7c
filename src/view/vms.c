/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/vms.h"

#include "base/str.h"
#include "report/report.h"
#include "view/json.h"
#include "view/vm-json.h"
#include "vm/config.h"
#include "vm/memory.h"
#include "vm/vm.h"

static void add_count(struct strbuf *b, int n, const char *what)
{
	strbuf_printf(b, "%s%d %s%s", b->n ? " x " : "guest: ", n, what, n == 1 ? "" : "s");
}

/* "guest: 1 socket x 4 cores x 2 threads; 4 GiB in huge pages" */
static struct strbuf describe(const struct vm_config *c)
{
	struct strbuf b = { 0 };
	AUTO_FREE char *memory = unit_format(UNIT_KIB, (double)c->memory_mib * 1024);
	if (c->sockets) {
		add_count(&b, c->sockets, "socket");
		add_count(&b, c->cores, "core");
		add_count(&b, c->threads, "thread");
	} else {
		strbuf_puts(&b, "guest: sockets, cores and threads unknown");
	}
	if (c->max_vcpus > c->vcpus)
		strbuf_printf(&b, ", %d of %d vCPUs present", c->vcpus, c->max_vcpus);
	strbuf_printf(&b, "; %s", c->memory_mib ? memory : "memory unknown");
	if (c->hugepages_kib == HUGEPAGES_ANY)
		strbuf_puts(&b, " in huge pages");
	if (c->hugepages_kib == HUGEPAGES_MIXED)
		strbuf_puts(&b, " in pages of different sizes");
	AUTO_FREE char *page = unit_format(UNIT_KIB, (double)c->hugepages_kib);
	if (c->hugepages_kib > 0)
		strbuf_printf(&b, " in pages of %s", page);
	array_for_each (n, &c->nodes)
		if (n->hostnodes)
			strbuf_printf(&b, ", guest node %d on host node %s (%s)", n->node,
				n->hostnodes, n->policy ? n->policy : "no policy");
	if (c->numa_nodes)
		strbuf_printf(&b, ", on host node %s (%s)", c->numa_nodes,
			c->numa_mode ? c->numa_mode : "strict");
	if (c->affinity)
		strbuf_printf(&b, "; affinity %s", c->affinity);
	return b;
}

static void report_pending(const struct vm_config *c, struct report *r)
{
	array_for_each (p, &c->pending)
		report_more(r, "at next start: %s%s%s", p->key, p->value ? " = " : " is deleted",
			p->value ? p->value : "");
}

/* Why nothing is said of where the memory is. */
static const char *why_unknown(const struct vm_memory *m, bool is_exact)
{
	if (is_exact)
		return "its numa_maps cannot be read; root may";
	if (m->hugetlb_kib > 0)
		return "huge pages are not counted so; --memory asks numa_maps";
	return "no cgroup of its own counts it; --memory asks numa_maps";
}

/* "4 GiB on node 0 (3 GiB in pages of 2 MiB, 1 GiB in pages of 4 KiB)" */
static void add_node(const struct memory_node *n, struct strbuf *b)
{
	AUTO_FREE char *sum = unit_format(UNIT_KIB, (double)n->kib);
	strbuf_printf(b, "%s on node %d", sum, n->node);
	if (n->pages.n < 2)
		return;
	array_for_each (p, &n->pages) {
		AUTO_FREE char *size = unit_format(UNIT_KIB, (double)p->page_kib);
		AUTO_FREE char *part = unit_format(UNIT_KIB, (double)p->kib);
		strbuf_printf(b, "%s%s in pages of %s", p == n->pages.v ? " (" : ", ", part, size);
	}
	strbuf_puts(b, ")");
}

static void add_memory(const struct vm_memory *m, bool is_exact, struct strbuf *b)
{
	AUTO_FREE char *locked = unit_format(UNIT_KIB, (double)m->locked_kib);
	strbuf_puts(b, "memory: ");
	array_for_each (n, &m->nodes) {
		strbuf_puts(b, n == m->nodes.v ? "" : ", ");
		add_node(n, b);
	}
	if (!m->source)
		strbuf_printf(b, "not known by node (%s)", why_unknown(m, is_exact));
	else if (!m->nodes.n)
		strbuf_puts(b, "none");
	if (m->policy && !streq(m->policy, "default"))
		strbuf_printf(b, ", policy %s", m->policy);
	if (m->locked_kib > 0)
		strbuf_printf(b, "; %s locked", locked);
}

/* A row for each interrupt of the devices. */
static json_t *interrupt_rows(const json_t *devices)
{
	json_t *rows = json_array(), *device, *irq;
	size_t i, k;
	json_array_foreach (devices, i, device) {
		json_array_foreach (json_object_get(device, "irqs"), k, irq) {
			json_t *row = json_copy(irq);
			json_object_set(row, "address", json_object_get(device, "address"));
			json_array_append_new(rows, row);
		}
	}
	return rows;
}

static void report_devices(json_t *devices, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "address", .head = "DEVICE" },
		{ .key = "id", .head = "ID" },
		{ .key = "mapping", .head = "MAPPING" },
		{ .key = "kind", .head = "KIND" },
		{ .key = "driver", .head = "DRIVER" },
		{ .key = "node", .head = "NODE", .is_right = true },
	};
	static const struct column irq_columns[] = {
		{ .key = "address", .head = "DEVICE" },
		{ .key = "kind", .head = "KIND" },
		{ .key = "vector", .head = "VECTOR", .is_right = true },
		{ .key = "irq", .head = "IRQ", .is_right = true },
		{ .key = "affinity", .head = "MAY GO TO", .may_wrap = true },
	};
	if (!json_array_size(devices))
		return;
	report_table(r, devices, columns, N_ELEMENTS(columns));
	json_t *rows = interrupt_rows(devices);
	if (json_array_size(rows))
		report_table(r, rows, irq_columns, N_ELEMENTS(irq_columns));
	json_decref(rows);
}

/* Columns that say something of no thread are left out. */
struct shown {
	bool has_id, has_policy, has_priority, has_nice;
};

static struct shown shown_of(const struct vm *vm)
{
	struct shown s = { 0 };
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		s.has_id |= t->id != NULL;
		s.has_policy |= t->policy && !streq(t->policy, "other");
		s.has_priority |= t->priority != 0;
		s.has_nice |= t->nice != 0;
	}
	return s;
}

/* Times are shown of VMs that were asked for by name. */
static void report_threads(const struct vm *vm, bool has_times, json_t *o, struct report *r)
{
	struct shown s = shown_of(vm);
	const struct {
		bool is_shown;
		struct column column;
	} all[] = {
		{ true, { .key = "tid", .head = "TID", .is_right = true } },
		{ true, { .key = "role", .head = "ROLE" } },
		{ true, { .key = "index", .head = "#", .is_right = true } },
		{ s.has_id, { .key = "id", .head = "ID" } },
		{ true, { .key = "comm", .head = "THREAD" } },
		{ s.has_policy, { .key = "policy", .head = "POLICY" } },
		{ s.has_priority, { .key = "priority", .head = "PRIO", .is_right = true } },
		{ s.has_nice, { .key = "nice", .head = "NICE", .is_right = true } },
		{ has_times, { "run_ns", "RAN", .unit = UNIT_NS, .is_right = true } },
		{ has_times, { "wait_ns", "WAITED", .unit = UNIT_NS, .is_right = true } },
		{ true, { .key = "cpu", .head = "ON", .is_right = true } },
		{ true, { .key = "allowed", .head = "MAY RUN ON", .may_wrap = true } },
	};
	struct column columns[N_ELEMENTS(all)];
	size_t n = 0;
	for (size_t i = 0; i < N_ELEMENTS(all); i++)
		if (all[i].is_shown)
			columns[n++] = all[i].column;
	report_table(r, json_object_get(o, "threads"), columns, n);
}

json_t *vm_report(const struct vm *vm, const struct vm_memory *memory, const struct vm_detail *d,
	struct report *r)
{
	json_t *o = vm_json(vm, memory);
	AUTO_FREE char *label = vm_label(vm->id, vm->name);
	AUTO_FREE char *vcpus = vm->n_vcpus
		? xasprintf("%d vCPU%s", vm->n_vcpus, vm->n_vcpus == 1 ? "" : "s")
		: xstrdup("vCPUs unknown");
	report_heading(r, "%s: %s, pid %d%s%s%s, %s%s%s", label, vm->manager, vm->pid,
		vm->user ? ", user " : "", vm->user ? vm->user : "",
		vm->is_in_container ? " in a container" : "", vcpus,
		vm->cgroup && *vm->cgroup ? ", in " : "", vm->cgroup ? vm->cgroup : "");
	AUTO_STRBUF struct strbuf b = describe(vm->config);
	AUTO_STRBUF struct strbuf where = { 0 };
	add_memory(memory, d->is_memory_exact, &where);
	report_text(r, "%s", b.s);
	report_more(r, "%s", where.s);
	report_pending(vm->config, r);
	report_devices(json_object_get(o, "devices"), r);
	report_threads(vm, d->has_times, o, r);
	array_for_each (x, &vm->config->disagreements)
		report_note(r, "its sources disagree on its %s: %s by %s, %s by %s", x->what,
			x->said[0].value, x->said[0].source, x->said[1].value, x->said[1].source);
	for (size_t i = 0; i < vm->n_notes; i++)
		report_note(r, "%s", vm->notes[i]);
	return o;
}

void vms_report_notes(const struct vms *vms, struct report *r)
{
	for (size_t i = 0; i < vms->n_notes; i++)
		report_note(r, "%s", vms->notes[i]);
	json_object_set_new(report_json(r), "notes", strings_json(vms->notes, vms->n_notes));
}
