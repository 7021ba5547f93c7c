/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host's kernel does, as far as levels and undo depend on it: by trying it, in a group of
 * our own with a process of our own that does nothing; else by what can be seen; else by what was
 * found out since it booted, by a trial or by what came of a change (probe-kept.c); else by what
 * its release should do, which is an estimate and said to be one: distributions carry changes back.
 *
 * A trial leaves nothing behind, and touches nobody: it is made only where the cpuset controller is
 * given to groups already (to enable it changes others' masks on kernels before 6.2), and a
 * partition only where the kernel gives back the masks of kernel threads that one takes (7.0; such
 * a kernel also empties lists). Documentation/admin-guide/cgroup-v2.rst, "Cpuset Interface Files".
 */
#pragma once

#include "base/alloc.h"
#include "base/err.h"

struct host;
struct snapshot;

enum answer { ANSWER_UNKNOWN, ANSWER_YES, ANSWER_NO };

enum ability_id {
	ABILITY_REMOTE_PARTITION, /* an isolated partition below a group that is none */
	ABILITY_OWN_MASK,         /* a thread's own mask outlives a change of its group's CPUs */
	ABILITY_EMPTY_LIST,       /* the CPU list of a group in use can be emptied */
	ABILITY_DELEGATE,         /* systemd leaves groups below a running scope alone */
	N_ABILITIES,
};

struct ability {
	enum answer answer;
	const char *how; /* "tried", "seen", "estimated"; NULL where the answer is unknown */
	const char *why; /* what was seen, or why it is not known; or NULL */
};

struct abilities {
	struct ability v[N_ABILITIES];
	const char *why_untried; /* why nothing was tried; NULL: it was */
};

/* Texts are in the arena or constant. Changes the host for some milliseconds where it may; the
 * snapshot needs SNAPSHOT_TASKS and SNAPSHOT_CGROUPS. */
void abilities_read(
	struct host *h, const struct snapshot *s, struct arena *a, struct abilities *ret);
/* What was found out since the host booted; reads only. */
enum answer ability_recall(struct host *h, enum ability_id id);
/* Keeps what came of a change until the next boot, and what was tried; what was not tried this time
 * is then filled in. */
void ability_learn(struct host *h, enum ability_id id, enum answer answer);
void abilities_keep(struct host *h, struct abilities *a);
/* By files and release alone: reads only. */
struct ability ability_estimate(struct host *h, const struct snapshot *s, enum ability_id id);
/* Of ABILITY_REMOTE_PARTITION, by files alone. */
struct ability partition_by_files(const struct snapshot *s);
/* True for kernels that, by their release, do not empty the CPU list of a group in use. */
bool release_keeps_lists(struct host *h);

const char *ability_name(enum ability_id id); /* "remote-partition" */
const char *ability_text(enum ability_id id); /* what it is, for people */
const char *answer_name(enum answer answer);  /* "unknown", "yes", "no" */
