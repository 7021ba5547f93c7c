/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What plan and apply say of the VMs: where each goes, or why not. */
#pragma once

struct planning;
struct report;

/* vms[], housekeeping, refused[], displaced[], the picture and its text; changes are
 * view/changes.h's. */
void plan_report(const struct planning *p, struct report *r);
