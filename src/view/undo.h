/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What undo, confirm, and recovery before every change say. */
#pragma once

struct confirmed;
struct recovery;
struct report;
struct undo;

/* restored[], gone[], failed[], behind those of a recovery; damaged. */
void undo_report(const struct undo *u, struct report *r);

/* Unfinished and overdue business that was ended first: restored[], gone[], failed[] of both,
 * overdue[] {vm, is_back}, is_unfinished_ended. */
void recovery_report(const struct recovery *begun, struct report *r);

void confirm_report(const struct confirmed *c, struct report *r);
