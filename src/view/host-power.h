/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frequency, idle states and throttling for show --settings: CPUs with the same values are a row.
 */
#pragma once

struct report;
struct snapshot;

/* Needs SNAPSHOT_POWER. */
void show_power(const struct snapshot *s, struct report *r);
