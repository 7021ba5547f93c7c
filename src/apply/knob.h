/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other half of the knobs (plan/knobs.h): how each is read and written. A row without functions
 * of its own is a file that is read and written as it is.
 *
 * What is no error has a positive code of its own; an errno always is a failure, and what failed
 * may have to be done again later. A bus that does not answer is no "gone".
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "plan/knobs.h"

struct host;

enum knob_outcome {
	KNOB_GONE = 1, /* the object ended, or another one has its name */
	KNOB_LATER,    /* done as far as it can be before others of ours went back */
};

/* Which setting: see struct setting. */
struct target {
	const char *key, *id; /* id may be NULL */
};

typedef int knob_settle_fn(struct host *h);

struct knob_ops {
	const char *name; /* of the row */

	/* The value now. 0, KNOB_GONE, or a negative errno. */
	int (*read)(struct host *h, const struct knob *k, const struct target *t, struct arena *a,
		struct value *ret);
	/* One change. 0, KNOB_GONE, KNOB_LATER, or a negative errno. */
	int (*write)(struct host *h, const struct knob *k, const struct target *t,
		const struct value *v);

	/* The rest may be NULL. */

	/* The property of systemd's units that this set comes from. */
	const char *unit_property;
	/* True when nobody chose the value that is there now. */
	bool (*is_unset)(struct host *h, const struct target *t, const struct value *now);
	/* True when 'now' is the value wanted; NULL: when they are equal. */
	bool (*is_same)(struct host *h, const struct target *t, const struct value *wanted,
		const struct value *now);
	/* True when 'now' can come from us having written 'ours'; NULL: as is_same. */
	bool (*is_ours)(struct host *h, const struct target *t, const struct value *ours,
		const struct value *now);
	/* Where the kernel shows what is left of a value, and remembers all of it: true when 'now'
	 * is what is left of the value that was written. */
	bool (*is_left)(struct host *h, const struct target *t, const struct value *written,
		const struct value *now);
	/* True when a program sets it too that was told which CPUs to avoid, and does: its value is
	 * as good as ours, nobody's wish, and goes back as ours does. */
	bool (*has_manager)(struct host *h);
	/* The key of that whose value a new one starts with: a thread's is its process. Into the
	 * arena; NULL when there is none. */
	const char *(*parent)(struct host *h, const struct target *t, struct arena *a);
	/* Why "nobody chose" cannot be given back where it is in use; NULL: it can. */
	const char *(*stays)(struct host *h);
	/* After a row of changes backwards. 0 or a negative errno. */
	knob_settle_fn *settle;
};

/* True when both knobs set the same thing of the same target. */
bool target_is_same(const struct knob *knob_a, const struct target *a, const struct knob *knob_b,
	const struct target *b);

/* The value now; of a thread without an id that of whoever has the number. 0, KNOB_GONE, or a
 * negative errno. */
int knob_read(struct host *h, const struct knob *k, const struct target *t, struct arena *a,
	struct value *ret) MUST_CHECK;
int knob_write(struct host *h, const struct knob *k, const struct target *t,
	const struct value *v) MUST_CHECK;
/* The value to come back to, made of what read() says now. */
struct value knob_baseline(
	struct host *h, const struct knob *k, const struct target *t, const struct value *now);
const char *knob_parent(
	struct host *h, const struct knob *k, const struct target *t, struct arena *a);
/* Why an UNSET value that is in use will not be given back, or NULL. */
const char *knob_stays(struct host *h, const struct knob *k);
/* NULL when there is nothing to settle. */
knob_settle_fn *knob_settle(const struct knob *k);

bool knob_is_same(struct host *h, const struct knob *k, const struct target *t,
	const struct value *wanted, const struct value *now);
/* True when 'now' is wanted, or does as well: it is a set without the CPUs to avoid (or NULL). */
bool knob_holds(struct host *h, const struct knob *k, const struct target *t,
	const struct value *wanted, const struct cpuset *avoid, const struct value *now);
/* True when 'now' can come from us having written 'ours', to keep off 'avoid' (or NULL). */
bool knob_is_ours(struct host *h, const struct knob *k, const struct target *t,
	const struct value *ours, const struct cpuset *avoid, const struct value *now);
/* True when 'now' is what the kernel shows of the value that was written to go back. */
bool knob_is_back(struct host *h, const struct knob *k, const struct target *t,
	const struct value *written, const struct value *now);
/* The property of systemd's units that has this set; NULL: none. */
const char *knob_unit_property(const struct knob *k);
/* The errno in words: the knob's, else the C library's. */
const char *knob_explain(const struct knob *k, int error);

/* ---- for the files of this room that have functions of rows ---- */

extern const struct knob_ops irq_ops, irqbalance_ops, workqueue_ops;
extern const struct knob_ops unit_cpus_ops, unit_mems_ops, unit_delegate_ops;
extern const struct knob_ops cgroup_cpuset_ops, cgroup_cpus_ops, cgroup_mems_ops, cgroup_dir_ops,
	cgroup_type_ops, cgroup_exclusive_ops, cgroup_partition_ops;
extern const struct knob_ops thread_cgroup_ops, thread_affinity_ops, task_affinity_ops,
	kthread_affinity_ops;

/* The row's file of this target, malloc'ed. */
char *knob_path(const struct knob *k, const struct target *t) MUST_CHECK;
/* A text as the row's type has it: a list or mask, a number, a word. -EINVAL. */
int knob_parse_file(
	const struct knob *k, char *text, struct arena *a, struct value *ret) MUST_CHECK;
/* And back, malloc'ed. */
char *knob_format_file(const struct knob *k, const struct value *v) MUST_CHECK;
/* The row's file, read and written as it is. KNOB_GONE when it is not there. */
int knob_read_file(struct host *h, const struct knob *k, const struct target *t, struct arena *a,
	struct value *ret) MUST_CHECK;
int knob_write_file(struct host *h, const struct knob *k, const struct target *t,
	const struct value *v) MUST_CHECK;
/* -EROFS, with its text, where the row is a file that nobody can change; else 0. */
int knob_check_writable(
	struct host *h, const struct knob *k, const struct target *t, struct err *e) MUST_CHECK;
/* A set as a value in the arena. */
struct value knob_keep_cpus(struct arena *a, const struct cpuset *cpus);

/* A file that holds a cpulist. */
int read_list_file(struct host *h, const char *path, struct cpuset *ret) MUST_CHECK;
/* The CPUs that a cgroup gives to its threads, walking up to where cpuset is enabled. */
int cgroup_effective(struct host *h, const char *group, struct cpuset *ret) MUST_CHECK;
#define CGROUP_MOUNT "sys/fs/cgroup"
