/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes as JSON and as people read them. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct ledger;

/* What another version of this program set: {knob, key}. */
json_t *strangers_json(const struct ledger *l);

/* Of a ledger_look(). */
#define LEDGER_HIDDEN "only root may read what is applied: this is without it"

struct changes;
struct report;

/* changes[] and immovable[], and, unless they were made, a table; with results when they were. */
void changes_report(const struct changes *changes, bool is_made, struct report *r);

/* failed[]: what could not be put back. */
json_t *residue_json(const struct changes *back);
