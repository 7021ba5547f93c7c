/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What status says. */
#pragma once

struct report;
struct status;

/* applied[], intruders[], immovable[], drift[], unfinished, unconfirmed. */
void status_report(const struct status *s, struct report *r);
