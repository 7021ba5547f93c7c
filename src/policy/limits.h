/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From which figure on check says something: one table, each number with its reason. They are the
 * keys of [check] in the policy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct limits {
	double softirq_share;   /* of a CPU's time */
	double interrupts_s;    /* of devices, per CPU */
	double wait_share;      /* of the time that a vCPU wanted to run */
	double hog_share;       /* of a CPU's time */
	double steal_share;     /* of a CPU's time */
	double idle_share;      /* of the host's CPUs */
	double io_pressure;     /* share of the time */
	double disk_busy;       /* share of the time */
	double disk_await_ms;   /* per request */
	double txg_sync_s;      /* to write a transaction group of ZFS */
	double throttled_share; /* of a quota's periods */
	double busy_share;      /* of a CPU's time */
	double frequency_share; /* of the highest frequency */
	double power_share;     /* of a processor's power limit */
	double remote_share;    /* of a VM's memory */
	double min_free_share;  /* of a node's memory */
	double idle_latency_us; /* to leave an idle state */
	double compare_ratio;   /* of two hosts' figures */
};

struct limit_row {
	const char *key, *unit, *why;
	double fallback, least, most;
	size_t offset; /* in struct limits */
};

const struct limit_row *limit_rows(size_t *ret_n);
struct limits limits_default(void);
/* Sets one from text. -ENOENT: no such key; -EINVAL: not a number between its row's. */
int limits_set(struct limits *l, const char *key, const char *text);
double limits_get(const struct limits *l, const struct limit_row *row);
