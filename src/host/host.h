/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only door to the machine, for reading: files below a root directory, and the few facts that
 * are not files.
 *
 * The root is "/" (live), a directory tree that looks like one (a dump of another machine), or a
 * recording made with host_record_to(), which answers exactly what was read when it was made. A
 * directory where this kernel's /proc is mounted is no tree, however it is spelt: it is live.
 * Paths are printf-style and relative: "proc/irq/%d/smp_affinity_list".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/cpuset.h"
#include "base/err.h"

struct host;

/* Opens root (NULL is "/"): a tree, a recording (its directory, or the file alone), or an archive
 * of either, in any form that tar(1) unpacks. The caller frees with host_free(), which also
 * finishes a recording. */
int host_open(struct host **ret, const char *root, struct err *e) MUST_CHECK;
void host_free(struct host *h);
DEFINE_CLEANUP(struct host, host_free)
#define AUTO_HOST CLEANUP(host_freep)

struct mask;

/* What does not go into a recording: the rooms above know. kind and key are the question's, as the
 * recording has them: "file" "proc/1/cmdline". */
struct host_secrets {
	/* The answer as it is kept, malloc'ed, its length in *n; NULL: as it is. */
	char *(*redact)(const char *kind, const char *key, const char *text, size_t *n);
	/* Learns names to hide from an answer as it is kept. */
	void (*learn)(
		struct mask *m, const char *kind, const char *key, const char *text, size_t n);
};

/* From now on keeps everything that is read, and writes it to DIR/recording in host_finish().
 * secrets: NULL where nothing is secret. */
int host_record_to(struct host *h, const char *dir, const struct host_secrets *secrets,
	struct err *e) MUST_CHECK;
/* The recording will say "host" for the host's name, and others for those that are learnt. */
void host_mask_names(struct host *h);
/* Writes the recording, if one is kept. */
int host_finish(struct host *h, struct err *e) MUST_CHECK;

/* The root as a path for libraries that read by themselves (hwloc); NULL when replaying. */
const char *host_root(const struct host *h);
/* True for the running machine: /proc is this kernel's. */
bool host_is_live(const struct host *h);
/* True for a live host only: trees and recordings are for reading. */
bool host_may_change(const struct host *h);

/* Told of what may take longer than people wait unknowing, before it does: "systemd
 * (daemon-reload)". A tree and a recording never let wait. */
typedef void host_wait_fn(void *context, const char *whom);
void host_on_wait(struct host *h, host_wait_fn *fn, void *context);
/* Tells it, if somebody wants to know. */
void host_tell_wait(const struct host *h, const char *whom);

/* Reads a whole file; *ret_text is malloc'ed and NUL-terminated (ret_len may be NULL; files such
 * as /proc/PID/cmdline have NULs inside). Returns 0 or a negative errno and sets no error text:
 * -ENOENT is an ordinary answer ("this kernel has no such file"), and absent is not zero. */
int host_read(struct host *h, char **ret_text, size_t *ret_len, const char *fmt, ...)
	PRINTF_LIKE(4, 5) MUST_CHECK;

/* A thread's file /proc/PID/task/TID/NAME, of those that say the same in /proc/PID of the main
 * thread (cgroup, status, schedstat; stat but for the sums in it). As host_read(). */
int host_read_thread(
	struct host *h, char **ret_text, int pid, int tid, const char *name) MUST_CHECK;

/*
 * Reads a file that somebody else names, whose name may be a trap: a regular file of at most max
 * bytes on a file system of files, which the user may read (uid -1: unknown) or root owns. kind is
 * what a recording calls it. -EMEDIUMTYPE: it is none; -EACCES: not the user's; -EFBIG; or as
 * host_read().
 */
struct host_foreign {
	size_t max;
	int uid;
};
int host_read_foreign(struct host *h, const char *kind, const char *key, const char *path,
	const struct host_foreign *limits, char **ret_text) MUST_CHECK;

/* Names in a directory, sorted (numbers by value), without "." and "..". */
struct host_names {
	char **v;
	size_t n;
};
int host_list(struct host *h, struct host_names *ret, const char *fmt, ...)
	PRINTF_LIKE(3, 4) MUST_CHECK;
/* The same of a directory that was found in another, for whom walks a tree: a link is none
 * (-ELOOP), and a path has an end (-ENAMETOOLONG). */
int host_list_below(struct host *h, struct host_names *ret, const char *fmt, ...)
	PRINTF_LIKE(3, 4) MUST_CHECK;
void host_names_done(struct host_names *names);
#define AUTO_NAMES CLEANUP(host_names_done)

/* Whether the file or directory of a live host is to be believed, see file_check_owner(); one that
 * is not there is. */
int host_check_owner(struct host *h, const char *path, struct err *e) MUST_CHECK;

/* A directory below the root as a descriptor, made (0700) when it is missing: for files of our own
 * that are no part of the machine. -ELOOP for a symbolic link, -EROFS for a recording. */
int host_make_dir(struct host *h, const char *path) MUST_CHECK;

/* The target of a symbolic link, malloc'ed. */
int host_readlink(struct host *h, char **ret, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;

/* The inode number: what tells a cgroup from its successor of the same name. */
int host_inode(struct host *h, uint64_t *ret, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;

/*
 * Facts that are not files. Each has a kind ("qmp", "unit") and a key; the answer is text. ask() is
 * called on a live machine, its answer (or errno) is recorded; a recording answers by itself, and
 * a plain tree answers -ENOENT. Returns 0 with malloc'ed *ret_text, or a negative errno.
 */
typedef int host_ask_fn(void *context, const char *key, char **ret_text);
int host_ask(struct host *h, const char *kind, const char *key, host_ask_fn *ask, void *context,
	char **ret_text) MUST_CHECK;

/* From now on questions of that kind are answered with -EBUSY: who would answer waits for us. */
void host_never_ask(struct host *h, const char *kind);

/* Puts a fact into the recording that was come by otherwise; does nothing when none is kept. */
int host_record_fact(struct host *h, const char *kind, const char *key, host_ask_fn *ask,
	void *context) MUST_CHECK;

/* False for a recording that was made by a version which did not ask for this file: what it would
 * have said is not known, and not missing. */
bool host_is_asked(const struct host *h, const char *path);

/* How many questions a recording had no answer to, for it was made by another command, and the
 * first of them, "file proc/stat" (NULL: none): what is said of its host lacks them. */
size_t host_unanswered(const struct host *h, const char **ret_first);

/* CLOCK_MONOTONIC in ns; 0 where no time passes: on a tree. */
uint64_t host_clock_ns(struct host *h);

/* The changes that were made of this host so far, the time that their system calls took, and the
 * time since it was opened. */
struct host_cost {
	uint64_t n_writes, writes_ns, all_ns;
};
struct host_cost host_cost(const struct host *h);

/* The CPUs that the kernel allows a thread now (sched_getaffinity). Returns 0, -ESRCH, …; on a
 * tree the Cpus_allowed_list of its status file answers. */
int host_get_affinity(struct host *h, int tid, struct cpuset *ret) MUST_CHECK;

/* The same for reading thousands of threads: without the system call (on a tree, where only the
 * status file knows) it needs the thread's process. */
int host_get_thread_affinity(struct host *h, int pid, int tid, struct cpuset *ret) MUST_CHECK;

/* A property of a systemd unit as text ("" when it is not set): AllowedCPUs and
 * AllowedMemoryNodes as lists, others (Delegate, ControlGroup) as systemctl show prints them.
 * Returns 0, or one of these; that systemd could not be asked is an error. */
enum host_unit_outcome { HOST_NO_SYSTEMD = 1, HOST_NOT_LOADED = 2 };
int host_get_unit(struct host *h, const char *unit, const char *property, char **ret) MUST_CHECK;

/* irqbalance's banned CPUs as it answers "setup" on its socket. -ENOENT: it is not running, or
 * built without a socket. */
int host_get_irqbalance(struct host *h, struct cpuset *ret) MUST_CHECK;
