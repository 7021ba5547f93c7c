/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory tree that behaves like a kernel when it is written to. A program that is linked with
 *it before the product has it in place of trees that are only read (host/internal.h).
 *
 * All state is in the tree, so that it survives the process. Beside the kernel's own files there
 * are a few that a kernel keeps in its memory:
 *
 *	.kernel		words: how this kernel differs from 6.12 (see tree_has())
 *	.leaked		CPUs that a kernel lost track of
 *	.clock		CLOCK_MONOTONIC, in ns; without it no time passes
 *	.systemd	what systemd has read of its units: lines "UNIT PROPERTY VALUE"
 *	proc/PID/task/TID/asked	the mask that a thread was given, where Cpus_allowed_list does not
 *			tell: it was trimmed since, or equals what the thread's group has anyway
 */
#pragma once

#include "base/alloc.h"
#include "host/internal.h"

#define TREE_CGROUPS "sys/fs/cgroup"

/* True when .kernel has the word: "forgets-pins" (before 6.2), "no-exclusive" (before 6.7),
 * "clears-cpus" (from 7.0), "refuses-partitions" (always "isolated invalid (…)"). */
bool tree_has(struct host *h, const char *word);

/* The file, trimmed; -ENOENT when it is absent. */
int tree_read(struct host *h, const char *path, char **ret) MUST_CHECK;
/* Creates or replaces a file, unless it has this text already. */
int tree_put(struct host *h, const char *path, const char *text) MUST_CHECK;
/* Removes it; fine when it is absent. */
int tree_remove(struct host *h, const char *path) MUST_CHECK;
bool tree_exists(struct host *h, const char *path);
/* The list in the file; empty when it is absent or not a list. */
struct cpuset tree_read_list(struct host *h, const char *path);
int tree_put_list(struct host *h, const char *path, const struct cpuset *set) MUST_CHECK;
/* Hex digits, at least as many as 'width' with the commas; malloc'ed. */
char *tree_format_mask(const struct cpuset *set, size_t width) MUST_CHECK;
/* As hex digits, as many as the file has. */
int tree_put_mask(struct host *h, const char *path, const struct cpuset *set) MUST_CHECK;
int tree_mkdir_plain(struct host *h, const char *path) MUST_CHECK;
int tree_rmdir_plain(struct host *h, const char *path) MUST_CHECK;

/* ---- task.c ---- */

/* "proc/3085/task/3089", malloc'ed; -ESRCH. */
int tree_task_dir(struct host *h, int tid, char **ret) MUST_CHECK;
/* The cgroup of a thread below the mount, malloc'ed. */
int tree_task_cgroup(struct host *h, int tid, char **ret) MUST_CHECK;
int tree_set_task_cgroup(struct host *h, int tid, const char *group) MUST_CHECK;
int tree_set_affinity(struct host *h, int tid, const struct cpuset *cpus) MUST_CHECK;
/* The thread's group had the CPUs 'before' and has 'now'. */
int tree_refresh_task(struct host *h, int tid, const struct cpuset *before,
	const struct cpuset *now, bool forgets) MUST_CHECK;

/* ---- cgroup.c ---- */

struct tree_group {
	char *path;                    /* "" is the root */
	int parent;                    /* index, or -1 */
	bool has_cpuset, gives_cpuset; /* itself; to its children */
	bool is_live;                  /* an isolated (or root) partition that is valid */
	bool is_remote;
	struct cpuset cpus, exclusive;
	struct cpuset before, now; /* what its threads may use */
};

struct tree_groups {
	ARRAY(struct tree_group) v; /* parents before children */
};

int tree_groups_load(struct host *h, struct tree_groups *ret) MUST_CHECK;
void tree_groups_done(struct tree_groups *g);
/* After any change of a cpuset: works out what every group and thread has now. */
int tree_recompute(struct host *h, struct tree_groups *g) MUST_CHECK;
/* Why the group cannot be a partition, in the kernel's words; NULL when it can. */
const char *tree_why_invalid(struct host *h, const struct tree_groups *g, size_t i);

/* "sys/fs/cgroup/GROUP/FILE" */
char *tree_group_file(const char *group, const char *file) MUST_CHECK;

/* ---- cgroup-write.c: writes to the files of a group ---- */

int tree_write_cgroup(
	struct host *h, const char *group, const char *file, const char *text) MUST_CHECK;
int tree_mkdir_cgroup(struct host *h, const char *path) MUST_CHECK;
int tree_rmdir_cgroup(struct host *h, const char *path) MUST_CHECK;

/* A process that does nothing, in the group. */
int tree_start_idle(struct host *h, const char *group, int *ret_pid) MUST_CHECK;
void tree_end_idle(struct host *h, int pid);

/* ---- systemd.c: systemd ---- */

int tree_get_unit(struct host *h, const char *unit, const char *property, char **ret) MUST_CHECK;
int tree_set_unit_list(struct host *h, const char *unit, const char *property,
	const struct cpuset *set) MUST_CHECK;
int tree_reload_units(struct host *h) MUST_CHECK;
