/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "apply/ledger.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "model/snapshot.h"
#include "view/host.h"
#include "view/keys.h"
#include "vm/vm.h"

static int write_svg(struct context *c, const char *path, struct err *e)
{
	AUTO_NEW_FILE struct new_file file = { 0 };
	int r = new_file_open(&file, path, e);
	if (r == 0)
		r = report_print_svg(c->report, file.f, e);
	return r < 0 ? r : new_file_keep(&file, e);
}

static int run(struct context *c, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = NULL;
	AUTO_VMS struct vms *vms = NULL;
	AUTO_LEDGER struct ledger *l = NULL;
	enum {
		PARTS = SNAPSHOT_ALL | SNAPSHOT_PCI,
		SETTINGS = SNAPSHOT_ZONES | SNAPSHOT_TUNABLES | SNAPSHOT_POWER
	};
	const char *svg = args_get(c->args, "svg");
	struct host_parts parts = {
		.has_irqs = args_get(c->args, "irqs"),
		.has_cgroups = args_get(c->args, "cgroups"),
		.has_settings = args_get(c->args, "settings"),
	};
	parts.has_picture = svg || !(parts.has_irqs || parts.has_cgroups || parts.has_settings);
	if (snapshot_read(c->h, PARTS | (parts.has_settings ? SETTINGS : 0), &s, e) < 0 ||
		vms_find(c->h, s, &vms, e) < 0 || ledger_look(c->h, &l, e) < 0)
		return EXIT_UNCHANGED;
	host_report(s, vms, l, &parts, c->report);
	return svg && write_svg(c, svg, e) < 0 ? EXIT_UNCHANGED : EXIT_OK;
}

static const struct option_row options[] = {
	{ "svg", "FILE", "also draw the picture to an SVG file" },
	{ "irqs", NULL, "list interrupts instead, by the CPUs that take most" },
	{ "cgroups", NULL, "list cgroups instead, with the state of their partitions" },
	{ "settings", NULL,
		"list the kernel's settings instead: boot parameters and what became of them, "
		"memory, "
		"scheduler, power, KVM, services, resctrl, PCI devices" },
};

const struct command cmd_show = {
	.name = "show",
	.args = "[--svg FILE] [--irqs] [--cgroups] [--settings]",
	.summary = "the host: sockets, NUMA nodes, L3 domains, cores, and who sits where",
	.help = "Draws the host. A CPU is coloured by who has it: a VM that is applied, a VM that "
		"somebody pinned there, or nobody.",
	.options = options,
	.n_options = N_ELEMENTS(options),
	.keys = show_keys,
	.run = run,
};
