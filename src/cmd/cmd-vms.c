/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/cmd.h"
#include "model/snapshot.h"
#include "vm/config.h"
#include "vm/memory.h"
#include "vm/vm-json.h"
#include "vm/vm.h"

/* "4 vCPUs as 1 socket of 4 cores; 4 GiB, huge pages" */
static char *describe(const struct vm_config *c)
{
	struct strbuf b = { 0 };
	AUTO_FREE char *memory = unit_format(UNIT_KIB, (double)c->memory_mib * 1024);
	strbuf_printf(&b, "guest: %d x %d x %d (sockets, cores, threads)", c->sockets, c->cores,
		c->threads);
	if (c->max_vcpus > c->vcpus)
		strbuf_printf(&b, ", %d of %d vCPUs present", c->vcpus, c->max_vcpus);
	strbuf_printf(&b, "; %s", memory);
	if (c->hugepages_kib == HUGEPAGES_ANY)
		strbuf_puts(&b, " in huge pages");
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
	return b.s;
}

static void report_pending(const struct vm_config *c, struct report *r)
{
	array_for_each (p, &c->pending)
		report_text(r, "at next start: %s%s%s", p->key, p->value ? " = " : " is deleted",
			p->value ? p->value : "");
}

static void report_memory(const struct vm_memory *m, struct report *r)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	array_for_each (n, &m->nodes) {
		AUTO_FREE char *sum = unit_format(UNIT_KIB, (double)n->kib);
		strbuf_printf(&b, "%s%s on node %d", b.n ? ", " : "memory: ", sum, n->node);
		array_for_each (p, &n->pages) {
			AUTO_FREE char *size = unit_format(UNIT_KIB, (double)p->page_kib);
			AUTO_FREE char *part = unit_format(UNIT_KIB, (double)p->kib);
			if (n->pages.n > 1)
				strbuf_printf(&b, " %s%s in pages of %s",
					p == n->pages.v ? "(" : "", part, size);
			if (n->pages.n > 1)
				strbuf_puts(&b, p == n->pages.v + n->pages.n - 1 ? ")" : ",");
		}
	}
	if (b.n)
		report_text(r, "%s", b.s);
}

static void report_devices(json_t *devices, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "address", .head = "DEVICE" },
		{ .key = "id", .head = "ID" },
		{ .key = "node", .head = "NODE", .is_right = true },
	};
	if (json_array_size(devices))
		report_table(r, devices, columns, N_ELEMENTS(columns));
}

static void report_vm(
	const struct vm *vm, const struct vm_memory *memory, json_t *o, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "tid", .head = "TID", .is_right = true },
		{ .key = "role", .head = "ROLE" },
		{ .key = "index", .head = "#", .is_right = true },
		{ .key = "id", .head = "ID" },
		{ .key = "comm", .head = "THREAD" },
		{ .key = "cpu", .head = "ON", .is_right = true },
		{ .key = "allowed", .head = "MAY RUN ON", .may_wrap = true },
	};
	report_heading(r, "%s: %s, pid %d, %d vCPUs%s%s", vm->id, vm->manager, vm->pid, vm->n_vcpus,
		vm->cgroup && *vm->cgroup ? ", in " : "", vm->cgroup ? vm->cgroup : "");
	AUTO_FREE char *guest = describe(vm->config);
	report_text(r, "%s", guest);
	report_memory(memory, r);
	report_pending(vm->config, r);
	report_devices(json_object_get(o, "devices"), r);
	report_table(r, json_object_get(o, "threads"), columns, N_ELEMENTS(columns));
	for (size_t i = 0; i < vm->n_notes; i++)
		report_note(r, "%s", vm->notes[i]);
}

static bool is_wanted(const struct args *a, const struct vm *vm)
{
	for (size_t i = 0; i < a->rest.n; i++)
		if (vm_matches(vm, a->rest.v[i]))
			return true;
	return !a->rest.n;
}

static int run(struct context *c, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = NULL;
	AUTO_VMS struct vms *vms = NULL;
	if (snapshot_read(c->h, SNAPSHOT_TASKS | SNAPSHOT_CGROUPS, &s, e) < 0 ||
		vms_find(c->h, s, &vms, e) < 0)
		return EXIT_UNCHANGED;
	for (size_t i = 0; i < c->args->rest.n; i++)
		if (!vms_lookup(vms, c->args->rest.v[i])) {
			err_say(e, -ENOENT, "no running VM matches '%s'", c->args->rest.v[i]);
			return EXIT_UNCHANGED;
		}
	if (c->is_json)
		vms_read_times(c->h, vms);
	json_t *rows = json_array();
	json_object_set_new(report_json(c->report), "vms", rows);
	for (size_t i = 0; i < vms->n_vms; i++) {
		const struct vm *vm = &vms->vms[i];
		if (!is_wanted(c->args, vm))
			continue;
		struct vm_memory memory;
		vm_memory_read(c->h, vms, vm, args_get(c->args, "memory"), &memory);
		json_t *o = vm_json(vm, &memory);
		json_array_append_new(rows, o);
		report_vm(vm, &memory, o, c->report);
	}
	if (!json_array_size(rows))
		report_text(c->report, "No VM runs here.");
	return EXIT_OK;
}

static const struct option_row options[] = {
	{ "memory", NULL, "walk the page tables for where the memory is, by page size" },
};

const struct command cmd_vms = {
	.name = "vms",
	.args = "[VM...] [--memory]",
	.max_args = ARGS_ANY,
	.summary = "the VMs, and what each of their threads is for",
	.help = "Lists the running VMs with every thread: its role, where it is and where it may "
		"run.\n"
		"VM is an id, a name, a UUID or a glob.\n"
		"Where the memory is comes from the VM's cgroup, if it has one for itself; "
		"--memory asks\n"
		"numa_maps, which costs about 15 ms per GiB of small pages and holds up the VM's "
		"own\n"
		"mapping of memory meanwhile.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.run = run,
};
