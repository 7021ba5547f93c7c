/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What undo, confirm, and recovery before every change say. */
#pragma once

struct confirmed;
struct recovery;
struct report;
struct undo;

/* restored[], gone[], failed[]. */
void undo_report(const struct undo *u, struct report *r);

/* Unfinished and overdue business that was ended first; nothing where there was none. */
void recovery_report(const struct recovery *begun, struct report *r);

void confirm_report(const struct confirmed *c, struct report *r);
