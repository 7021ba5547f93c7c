/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share; not for others. */
#pragma once

#include "host/host.h"

/* What is not a file, and every change: a live machine and a tree do it each in their own way.
 * Where the changes are missing (a tree) it is only read. */
struct host_ops {
	int (*get_affinity)(struct host *h, int tid, struct cpuset *ret);
	int (*get_unit)(struct host *h, const char *unit, const char *property, char **ret);
	int (*get_irqbalance)(struct host *h, struct cpuset *ret); /* NULL: none runs */
	int (*get_clock)(struct host *h, uint64_t *ret_ns);        /* NULL: no time passes */

	int (*write)(struct host *h, const char *path, const char *text);
	int (*mkdir)(struct host *h, const char *path);
	int (*rmdir)(struct host *h, const char *path);
	int (*set_affinity)(struct host *h, int tid, const struct cpuset *cpus);
	int (*set_unit_list)(
		struct host *h, const char *unit, const char *property, const struct cpuset *set);
	int (*reload_units)(struct host *h);
	int (*set_irqbalance)(struct host *h, const struct cpuset *banned);
	int (*start_idle)(struct host *h, const char *group, int *ret_pid);
	void (*end_idle)(struct host *h, int pid);
};

struct host {
	char *root;               /* NULL for a recording */
	struct archive *unpacked; /* where the root is, or NULL */
	int root_fd;
	bool is_live;             /* this kernel */
	bool is_confined;         /* paths cannot lead out of the root: all but "/" */
	struct recording *replay; /* answers instead of the files */
	struct recording *record;
	char *record_dir;
	const struct host_secrets *secrets; /* or NULL */
	struct mask *mask;                  /* names that the recording hides, or NULL */
	const struct host_ops *ops;         /* NULL for a recording */
	struct host_cost cost;              /* all_ns is not filled */
	uint64_t opened_ns;
	uint64_t began_ns;           /* of the change under way */
	uint64_t irqbalance_hung_ns; /* live: when it did not answer; nobody waits twice */
	host_wait_fn *tell_wait;     /* or NULL */
	const char *unasked;         /* see host_never_ask(), or NULL */
	void *wait_context;
	void *bus;        /* live: the sd_bus connection, opened when first needed */
	int last_pid;     /* tree: whose thread was looked for last */
	char *last_slice; /* tree: where the last unit was found, or NULL */
};

/* CLOCK_MONOTONIC: what this program costs is no fact of the host. */
uint64_t host_now_ns(void);

/* Tests bring a table of trees of their own, which can be changed. */
extern const struct host_ops host_live_ops, host_tree_ops;

/* ---- tree-task.c: threads of a tree ---- */

/* The process of a thread; -ESRCH. */
int host_tree_process(struct host *h, int tid) MUST_CHECK;
/* By its status file; -ESRCH. */
int host_tree_get_affinity(struct host *h, int tid, struct cpuset *ret) MUST_CHECK;
/* The unit's group below the mount, malloc'ed: systemd has its own in slices. -ENOENT: no systemd
 * here; -ENOTUNIQ: no such group. */
int host_tree_unit_group(struct host *h, const char *unit, char **ret) MUST_CHECK;

/* Around each change, before it and behind it: tests make it fail there, or end the process. */
int host_fault(bool is_before, const char *what);

/* Opens a path below the root; it cannot lead out of a tree. Returns a descriptor or -errno. */
int host_open_path(struct host *h, const char *path, int flags) MUST_CHECK;
struct stat;
int host_stat_path(struct host *h, const char *path, struct stat *ret) MUST_CHECK;
/* Reads a whole file past replay and record. */
int host_read_path(struct host *h, const char *path, char **ret_text, size_t *ret_n) MUST_CHECK;
/* The same of a file that is open; -EINVAL for what is none, in a tree. */
int host_read_fd(
	const struct host *h, int fd, const char *path, char **ret_text, size_t *ret_n) MUST_CHECK;
/* Keeps an answer, without what is secret of it. text: NULL where r is an errno. */
void host_record_answer(
	struct host *h, const char *kind, const char *key, int r, const char *text, size_t n);
/* The answer of the recording that is replayed, kept where one of that is made. */
int host_replay(struct host *h, const char *kind, const char *key, char **ret_text,
	size_t *ret_n) MUST_CHECK;
/* flags: O_NOFOLLOW for a directory that was found in another. */
int host_list_path(struct host *h, const char *path, int flags, struct host_names *ret) MUST_CHECK;
/* One write(2) to an existing file. */
int host_write_path(struct host *h, const char *path, const char *text, int flags) MUST_CHECK;
void host_live_close(struct host *h);
