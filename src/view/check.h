/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What check found, and its rules. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"

struct check;
struct report;
struct rule;
struct snapshot;

/* The findings of a host. has_picture: with a picture that marks them. */
void check_report(
	const struct check *c, const struct snapshot *s, bool has_picture, struct report *r);
/* All rules, a line each. */
void check_list_report(struct report *r);
/* The page of one rule. */
void check_rule_report(const struct rule *rule, struct report *r);
