/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of CPU numbers as a value, and the kernel's two ways to write them.
 *
 *	cpulist  "0-3,8,10-11"	a set as ranges; empty text is the empty set
 *	cpumask  "ff,0000000f"	the same in hex, groups of 32 bits, highest first
 *
 * The size is that of the largest x86 kernel configuration, so there is nothing to allocate and
 * nothing to fail. The same type serves for sets of NUMA nodes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

enum {
	CPUSET_MAX = 8192, /* CPU numbers 0 … 8191 */
	CPUSET_WORDS = CPUSET_MAX / 64,
};

/* A host has far fewer CPUs than a set has room for: nothing looks at words behind the last. */
struct cpuset {
	int n_words; /* the members are in so many words, or fewer; all behind them are 0 */
	uint64_t w[CPUSET_WORDS];
};

#define CPUSET_EMPTY ((struct cpuset){ 0 })

void cpuset_add(struct cpuset *s, int cpu);
void cpuset_remove(struct cpuset *s, int cpu);
bool cpuset_has(const struct cpuset *s, int cpu); /* false for numbers out of range */
int cpuset_count(const struct cpuset *s);
bool cpuset_is_empty(const struct cpuset *s);
bool cpuset_equal(const struct cpuset *a, const struct cpuset *b);
bool cpuset_intersects(const struct cpuset *a, const struct cpuset *b);
bool cpuset_is_subset(const struct cpuset *sub, const struct cpuset *super);

/* The least member that is >= from, or -1. */
int cpuset_next(const struct cpuset *s, int from);
#define cpuset_first(s) cpuset_next((s), 0)
#define cpuset_for_each(cpu, s)                                                                    \
	for (int cpu = cpuset_next((s), 0); cpu >= 0; cpu = cpuset_next((s), cpu + 1))

struct cpuset cpuset_or(const struct cpuset *a, const struct cpuset *b);
struct cpuset cpuset_and(const struct cpuset *a, const struct cpuset *b);
struct cpuset cpuset_minus(const struct cpuset *a, const struct cpuset *b);
struct cpuset cpuset_of(int cpu);
/* The same without a new set. */
void cpuset_add_all(struct cpuset *s, const struct cpuset *others);
void cpuset_remove_all(struct cpuset *s, const struct cpuset *others);

/* From n bytes with a bit for each CPU, the lowest first: what sched_getaffinity(2) writes, and
 * systemd's "ay". -ERANGE: a CPU >= CPUSET_MAX. In this form a set's members are the bytes of w. */
int cpuset_of_bytes(const void *bytes, size_t n, struct cpuset *ret) MUST_CHECK;

/* A copy that lives as long as the arena, which has one of each set only: most settings of a host
 * are one of few. */
const struct cpuset *cpuset_keep(struct arena *a, const struct cpuset *s);

/* Parses a cpulist; surrounding white space (as in files) is allowed. Returns 0, -EINVAL (not a
 * list, or an inverted range) or -ERANGE (a number >= CPUSET_MAX). Writes *ret only on success. */
int cpuset_parse_list(const char *text, struct cpuset *ret) MUST_CHECK;

/* Parses a cpumask, with or without "0x" and commas. Returns as cpuset_parse_list(). */
int cpuset_parse_mask(const char *text, struct cpuset *ret) MUST_CHECK;

/* The set as text, malloc'ed. The mask is written in 32-bit groups without leading zero groups. */
char *cpuset_format_list(const struct cpuset *s) MUST_CHECK;
char *cpuset_format_mask(const struct cpuset *s) MUST_CHECK;
/* The list with its noun, for people: "CPU 4", "CPUs 4-5"; and the verb that goes with it: "is",
 * "are". */
char *cpuset_format_cpus(const struct cpuset *s) MUST_CHECK;
const char *cpuset_is_or_are(const struct cpuset *s);
