/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands print with --json, for the man page. */
#pragma once

#include <stddef.h>

/* A member of the JSON: "cpus[].core". */
struct key_row {
	const char *key, *help; /* help: "" where the name says it */
};

/* Some of them, whose keys stand behind 'at': "vms[].", or "". */
struct key_part {
	const char *at;
	const struct key_row *rows;
	size_t n;
};

/* Of every object that a command prints. */
const struct key_part *common_keys(size_t *ret_n);
/* Of each command its own. */
const struct key_part *show_keys(size_t *ret_n);
const struct key_part *check_keys(size_t *ret_n);
const struct key_part *vms_keys(size_t *ret_n);
const struct key_part *plan_keys(size_t *ret_n);
const struct key_part *apply_keys(size_t *ret_n);
const struct key_part *status_keys(size_t *ret_n);
const struct key_part *undo_keys(size_t *ret_n);
const struct key_part *confirm_keys(size_t *ret_n);
const struct key_part *measure_keys(size_t *ret_n);
const struct key_part *compare_keys(size_t *ret_n);
const struct key_part *events_keys(size_t *ret_n);
const struct key_part *daemon_keys(size_t *ret_n);
const struct key_part *explain_keys(size_t *ret_n);
const struct key_part *hook_keys(size_t *ret_n);
