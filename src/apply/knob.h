/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The knobs: every kind of setting that wideberth changes, a row each.
 *
 * A value is text: a cpulist, a word, a path; "-" where the host has no such thing (a directory
 * that does not exist, a file of a controller that is not enabled). Dry run, apply, read back,
 * undo, drift, explain and the man page are loops over this table.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct host;
struct host_names;

#define KNOB_ABSENT "-"

/* Which setting: see struct setting. */
struct target {
	const char *key, *id; /* id may be NULL */
};

struct knob {
	const char *name;
	const char *summary; /* one line */
	const char *source;  /* the file or call, and the document that describes it */

	/* The value now, malloc'ed. -ENOENT or -ESRCH: the object is gone, or another one has its
	 * name. */
	int (*read)(struct host *h, const struct target *t, char **ret);
	/* One change. "-" asks for what the setting is when nobody ever set it. */
	int (*write)(struct host *h, const struct target *t, const char *value);

	/* The value to come back to, where that is not what read() says; NULL: it is. */
	int (*read_baseline)(struct host *h, const struct target *t, char **ret);
	/* True when 'now' is the value wanted; NULL: when the texts are the same. */
	bool (*is_same)(
		struct host *h, const struct target *t, const char *wanted, const char *now);
	/* True when 'now' can come from us having written 'ours'; NULL: as is_same. */
	bool (*is_ours)(struct host *h, const struct target *t, const char *ours, const char *now);
	/* After a row of changes backwards. */
	int (*settle)(struct host *h);

	/* Why the kernel refuses with this errno (negative), or NULL. */
	const char *(*explain)(int error);

	bool is_cpulist; /* the value is one, and "" or "-" means all CPUs where empty_is_all */
	bool empty_is_all;
	bool is_deferred;   /* a write shows only later: always write, and do not read back */
	bool is_collateral; /* the kernel changes it too, as a consequence of other knobs */
};

/* The rows; also for explain and the man page. */
const struct knob *const *knobs(size_t *ret_n);
/* NULL when there is no such knob. */
const struct knob *knob_find(const char *name);

/* True when both set the same thing, seen by different rules: a thread's mask. */
bool knob_is_same_thing(const char *a, const char *b);
/* True when both knobs set the same thing of the same target. */
bool target_is_same(
	const char *knob_a, const struct target *a, const char *knob_b, const struct target *b);

bool knob_is_same(const struct knob *k, struct host *h, const struct target *t, const char *wanted,
	const char *now);
/* True when 'now' is wanted, or does as well: it is a set without the CPUs to avoid (or NULL). */
bool knob_holds(const struct knob *k, struct host *h, const struct target *t, const char *wanted,
	const char *avoid, const char *now);
bool knob_is_ours(const struct knob *k, struct host *h, const struct target *t, const char *ours,
	const char *now);
/* True when read() or write() says that the object is gone. */
bool knob_is_gone(int error);
/* The errno in words: the knob's, else the C library's. */
const char *knob_explain(const struct knob *k, int error);

/* Rows of the other files of this room. */
extern const struct knob knob_irqbalance, knob_irq_default, knob_irq, knob_workqueue;
extern const struct knob knob_unit_cpus, knob_unit_delegate;
extern const struct knob knob_cgroup_cpuset, knob_cgroup_cpus, knob_cgroup_dir, knob_cgroup_type,
	knob_cgroup_exclusive, knob_cgroup_partition;
extern const struct knob knob_thread_cgroup, knob_thread_affinity, knob_task_affinity,
	knob_kthread_affinity;

/* What several knobs share. */
bool cpulist_is_same(struct host *h, const struct target *t, const char *wanted, const char *now);
bool cpulist_is_part(struct host *h, const struct target *t, const char *ours, const char *now);
/* CPUs of a file in list or mask form, as cpulist text. */
int knob_read_mask(struct host *h, char **ret, const char *path) MUST_CHECK;
int knob_read_list(struct host *h, char **ret, const char *path) MUST_CHECK;
int knob_write_mask(struct host *h, const char *path, const char *list) MUST_CHECK;
/* The set of CPUs that a cgroup gives to its threads, walking up to where cpuset is enabled. */
int cgroup_effective(struct host *h, const char *group, char **ret) MUST_CHECK;
/* True when the thread needs no mask: it had none, and the fence around its group holds it. */
bool thread_is_fenced(struct host *h, const struct knob *k, const struct target *t,
	const char *baseline) MUST_CHECK;
/* The process of a thread, or -ESRCH. */
int thread_process(struct host *h, const struct target *t) MUST_CHECK;
/* The path of a thread's cgroup below the mount, malloc'ed. */
int thread_cgroup(struct host *h, int tid, char **ret) MUST_CHECK;
#define CGROUP_MOUNT "sys/fs/cgroup"
