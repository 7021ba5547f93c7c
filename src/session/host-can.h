/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this host can give, and who else changes what wideberth sets. */
#pragma once

#include "apply/probe.h"
#include "model/snapshot.h"
#include "policy/policy.h"

struct host_level {
	enum answer answer;
	const char *why; /* in words, where it is not yes; or NULL */
};

struct host_can {
	struct arena arena;
	struct host_level levels[LEVEL_ISOLATED + 1]; /* by enum level; LEVEL_NONE is not filled */
	struct abilities abilities;
	struct service services[SERVICES_MAX];
	size_t n_services;
	const char *tuned_profile; /* NULL: tuned does not run, or has none */
	bool is_tuned_fighting;    /* it keeps CPUs to itself, as wideberth does */
};

/* Tries what can be tried, see apply/probe.h. */
int host_can_read(struct host *h, struct host_can *ret, struct err *e) MUST_CHECK;
void host_can_done(struct host_can *c);
#define AUTO_HOST_CAN CLEANUP(host_can_done)

/* The active profile of tuned into the arena, where it runs, or NULL; whether it, or one that it
 * includes, gives CPUs to what it is told and keeps others off. */
const char *tuned_profile(
	struct host *h, const struct snapshot *s, struct arena *a, bool *ret_is_fighting);
/* What to do about one that does: "tuned's profile … keeps …" */
char *tuned_advice(const char *profile) MUST_CHECK;
/* Levels by what can be seen, one for each from LEVEL_PINNED on. */
void levels_judge(
	const struct snapshot *s, const struct ability *partition, struct host_level *ret);
