/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host, and who sits where: what show says. */
#pragma once

#include <stdbool.h>

struct ledger;
struct report;
struct snapshot;
struct vms;

/* What is shown; the settings need SNAPSHOT_ZONES, _TUNABLES and _POWER. */
struct host_parts {
	bool has_picture, has_irqs, has_cgroups, has_settings;
};

/* The snapshot needs SNAPSHOT_TASKS, _CGROUPS, _IRQS and _PCI. */
void host_report(const struct snapshot *s, const struct vms *vms, const struct ledger *l,
	const struct host_parts *parts, struct report *r);
