/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cmd/cmd.h"
#include "view/keys.h"
#include "view/vms.h"
#include "model/snapshot.h"
#include "vm/lookup.h"
#include "vm/memory.h"

/* To look at them, all that are called so are meant. */
static int select_named(const struct args *a, const struct vms *vms, bool *is_meant, struct err *e)
{
	for (size_t i = 0; i < a->rest.n; i++) {
		const char *word = a->rest.v[i];
		int n = vms_select(vms, word, is_meant, e);
		for (size_t k = 0; n == -ENOTUNIQ && k < vms->n_vms; k++)
			is_meant[k] |= vm_matches(&vms->vms[k], word);
		if (!n)
			return vms_say_none(vms, word, e);
	}
	*e = (struct err){ 0 };
	return 0;
}

static int run(struct context *c, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = NULL;
	AUTO_VMS struct vms *vms = NULL;
	const struct vm_words words = { c->args->rest.v, c->args->rest.n };
	if (snapshot_read(c->h, SNAPSHOT_TASKS | SNAPSHOT_CGROUPS, &s, e) < 0 ||
		vms_find_about(c->h, s, vm_is_among, &words, &vms, e) < 0)
		return EXIT_UNCHANGED;
	AUTO_FREE bool *is_meant = xcalloc(vms->n_vms + 1, sizeof *is_meant);
	if (select_named(c->args, vms, is_meant, e) < 0)
		return EXIT_UNCHANGED;
	const struct vm_detail detail = { c->args->rest.n, args_get(c->args, "memory") };
	json_t *rows = json_array();
	json_object_set_new(report_json(c->report), "vms", rows);
	for (size_t i = 0; i < vms->n_vms; i++) {
		struct vm *vm = &vms->vms[i];
		if (c->args->rest.n && !is_meant[i])
			continue;
		if (c->is_json || c->args->rest.n)
			vm_read_times(c->h, vm);
		struct vm_memory memory;
		vm_memory_read(c->h, vms, vm, args_get(c->args, "memory"), &memory);
		json_array_append_new(rows, vm_report(vm, &memory, &detail, c->report));
	}
	const char *first;
	bool is_unsure = vms->n_notes || host_unanswered(c->h, &first);
	if (!json_array_size(rows))
		report_text(c->report, is_unsure ? "No VM is seen here." : "No VM runs here.");
	vms_report_notes(vms, c->report);
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
		"run. VM is an id, a name, a UUID or a glob; of those that are named, also how "
		"long each thread ran and waited for a CPU. Where the memory is comes from the "
		"VM's cgroup, if it has one for itself; --memory asks numa_maps, which costs about "
		"15 ms per GiB of small pages and holds up the VM's own mapping of memory "
		"meanwhile.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.keys = vms_keys,
	.run = run,
};
