/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What show --settings lists: the kernel's settings that disturb vCPUs or keep them undisturbed,
 * and who else changes them. */
#pragma once

struct report;
struct snapshot;

/* Needs SNAPSHOT_TASKS, _IRQS, _ZONES, _TUNABLES, _POWER; "devices" must be in the payload. */
void show_settings(const struct snapshot *s, struct report *r);
