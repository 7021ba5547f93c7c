/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may run on claimed CPUs, and who would have to leave them. */
#pragma once

struct intruders;
struct report;

/* intruders[], and what stays for the kernel's reasons added to immovable[]; with text. Without
 * intruders (NULL: nothing is applied) both are empty. */
void intruders_report(const struct intruders *all, struct report *r);

/* displaced[]: who may run there now and will not after apply, by unit; displaced_pins[]: the
 * threads of them to which somebody gave CPUs there. */
void displaced_report(const struct intruders *before, struct report *r);
