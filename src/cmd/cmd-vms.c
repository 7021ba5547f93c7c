/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/planning.h"

static json_t *thread_json(const struct vm_thread *t)
{
	AUTO_FREE char *allowed = t->allowed ? cpuset_format_list(t->allowed) : NULL;
	json_t *o = json_pack("{s:i, s:s, s:o, s:s?, s:s, s:s?, s:o}", "tid", t->tid, "role",
		thread_role_name(t->role), "index",
		t->index < 0 ? json_null() : json_integer(t->index), "id", t->id, "comm", t->comm,
		"allowed", allowed, "cpu", t->cpu < 0 ? json_null() : json_integer(t->cpu));
	return o;
}

/* Where the guest's memory really is costs a walk of its page tables: not asked here. */
static json_t *vm_json(const struct vm *vm)
{
	json_t *threads = json_array(), *notes = json_array();
	for (size_t i = 0; i < vm->n_threads; i++)
		json_array_append_new(threads, thread_json(&vm->threads[i]));
	for (size_t i = 0; i < vm->n_notes; i++)
		json_array_append_new(notes, json_string(vm->notes[i]));
	return json_pack("{s:s, s:s?, s:s?, s:s, s:i, s:i, s:s?, s:s?, s:n, s:o, s:o}", "id",
		vm->id, "name", vm->name, "uuid", vm->uuid, "manager", vm->manager, "pid", vm->pid,
		"vcpus", vm->n_vcpus, "accel", vm->accel, "cgroup", vm->cgroup, "memory", "threads",
		threads, "notes", notes);
}

static void report_vm(const struct vm *vm, json_t *o, struct report *r)
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
		vm->cgroup ? ", in " : "", vm->cgroup ? vm->cgroup : "");
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
	json_t *rows = json_array();
	json_object_set_new(report_json(c->report), "vms", rows);
	for (size_t i = 0; i < vms->n_vms; i++) {
		const struct vm *vm = &vms->vms[i];
		if (!is_wanted(c->args, vm))
			continue;
		json_t *o = vm_json(vm);
		json_array_append_new(rows, o);
		report_vm(vm, o, c->report);
	}
	if (!json_array_size(rows))
		report_text(c->report, "No VM runs here.");
	return EXIT_OK;
}

const struct command cmd_vms = {
	.name = "vms",
	.args = "[VM...]",
	.max_args = ARGS_ANY,
	.summary = "the VMs, and what each of their threads is for",
	.help = "Lists the running VMs with every thread: its role, where it is and where it may "
		"run.\n"
		"VM is an id, a name, a UUID or a glob.",
	.run = run,
};
