/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "base/file.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "measure/measure.h"
#include "model/snapshot.h"
#include "view/keys.h"
#include "view/measure.h"
#include "vm/lookup.h"

static void show_progress(void *context, uint64_t done_ns, uint64_t window_ns)
{
	progress_show(context, "measuring %.0f of %.0f s ", (double)done_ns / 1e9,
		(double)window_ns / 1e9);
}

static int select_named(const struct args *a, const struct vms *vms, const struct vm **ret,
	size_t *ret_n, struct err *e)
{
	AUTO_FREE bool *is_meant = xcalloc(vms->n_vms + 1, sizeof *is_meant);
	for (size_t i = 0; i < a->rest.n; i++) {
		int n = vms_select(vms, a->rest.v[i], is_meant, e);
		if (n <= 0)
			return n < 0 ? n : vms_say_none(vms, a->rest.v[i], e);
	}
	for (size_t k = 0; k < vms->n_vms; k++)
		if (is_meant[k])
			ret[(*ret_n)++] = &vms->vms[k];
	return 0;
}

static int save(struct context *c, const char *path, struct err *e)
{
	AUTO_NEW_FILE struct new_file file = { 0 };
	int r = new_file_open(&file, path, e);
	if (r == 0)
		r = report_print_json(c->report, file.f, e);
	return r < 0 ? r : new_file_keep(&file, e);
}

static int measure(struct context *c, const struct vms *vms, int seconds, struct err *e)
{
	AUTO_MEASURE struct measure *m = NULL;
	const char *path = args_get(c->args, "save");
	const struct vm **selected = xcalloc(vms->n_vms + 1, sizeof(void *));
	size_t n = 0;
	int r = select_named(c->args, vms, selected, &n, e);
	if (r == 0)
		r = measure_run(c->h,
			&(struct measure_options){ .vms = vms,
				.selected = n ? selected : NULL,
				.n_selected = n,
				.window_ns = (uint64_t)seconds * 1000000000,
				.progress = show_progress,
				.context = c },
			&m, e);
	free(selected);
	if (r == 0)
		r = measure_report(m, c->report);
	if (r == 0 && path)
		r = save(c, path, e);
	return r;
}

static int run(struct context *c, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = NULL;
	AUTO_VMS struct vms *vms = NULL;
	const struct vm_words words = { c->args->rest.v, c->args->rest.n };
	const char *text = args_get(c->args, "seconds");
	int seconds = 10;
	if (text && (str_to_int(text, &seconds) < 0 || seconds < 1 || seconds > 86400)) {
		err_say(e, -EINVAL, "--seconds wants 1 to 86400, not '%s'", text);
		return EXIT_USAGE;
	}
	if (snapshot_read(c->h, SNAPSHOT_ALL, &s, e) < 0 ||
		vms_find_about(c->h, s, vm_is_among, &words, &vms, e) < 0)
		return EXIT_UNCHANGED;
	if (!vms->n_vms && vms->unseen) {
		err_say(e, -ENOENT, "no VM is seen: %s", vms->unseen);
		return EXIT_UNCHANGED;
	}
	if (measure(c, vms, seconds, e) < 0)
		return EXIT_UNCHANGED;
	return EXIT_OK;
}

static const struct option_row options[] = {
	{ "seconds", "N", "how long (10)" },
	{ "save", "FILE", "write the measure as JSON, for compare" },
};

const struct command cmd_measure = {
	.name = "measure",
	.args = "[VM...] [--seconds N] [--save FILE]",
	.max_args = ARGS_ANY,
	.summary = "who takes time from which vCPU",
	.help = "Watches the VMs' threads for a while: how long each ran, and how long it wanted "
		"to run and could not; preemptions, migrations, interrupts, and who else was on "
		"its CPUs.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.keys = measure_keys,
	.run = run,
};
