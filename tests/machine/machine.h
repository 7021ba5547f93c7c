/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine of files (root.h) that the program is run against, and what it takes to tell whether
 * it is as it was.
 */
#pragma once

#include <stdbool.h>

#include "root.h"

struct image;

struct machine {
	char *dir;
	enum root_kind kind;
	struct image *pristine;
	char *output; /* of the last run: standard output, then standard error */
};

/* A new one in $TMPDIR or /dev/shm. Ends the test when it cannot. */
struct machine *machine_new(enum root_kind kind);
void machine_free(struct machine *m);

/* Runs wideberth --root DIR ARGS (separated by blanks) with this $WIDEBERTH_FAULT (or NULL).
 * Returns the exit code, or 128 + the signal that ended it. */
int machine_run(struct machine *m, const char *fault, const char *args);
enum { KILLED = 128 + 9 };
/* The number of changes that the command makes; it is made. */
int machine_count(struct machine *m, const char *args);

/* The file below the root without the newline at its end, "" when it is absent; lives until the
 * 16th call from now. */
const char *machine_read(const struct machine *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void machine_write(const struct machine *m, const char *path, const char *text);
/* Gives a VM of root.h (DB01) this name, any bytes: a comma is written as QEMU wants it. */
void machine_name_vm(const struct machine *m, int pid, const char *name);
/* Renames a cgroup below the root one, and tells the threads in it. */
void machine_name_group(const struct machine *m, const char *group, const char *name);
bool machine_has(const struct machine *m, const char *path);

/* All that can change, in memory: files with their modes, and directories. */
struct image *image_take(const struct machine *m);
void image_free(struct image *i);
/* Makes the machine like the image again. */
void image_put(const struct machine *m, const struct image *i);
/* The first few differences as text, or NULL: the machine is like the image. Without the state
 * directory, unless 'with_state'. Lives until the next call. */
const char *image_differs(const struct machine *m, const struct image *i, bool with_state);

/* The files that are like neither image, as text, or NULL. What the kernel derives from others is
 * left out: masks of threads, effective sets. */
const char *image_mixes(const struct machine *m, const struct image *a, const struct image *b);

/* As it was when new, with nothing left in the state directory but the lock. */
bool machine_is_pristine(const struct machine *m, const char **ret_why);
/* Back to the beginning. */
void machine_reset(struct machine *m);

enum test_vm { NO_VM, VM_DB01 = 1, VM_DB02 = 2 };
/* By plain reads: each vCPU thread alone on a CPU; at "isolated" in a live partition that the root
 * does not use; at "fenced" and above nothing movable else there. What the text (or
 * NULL) lists as immovable is excused, "irq.affinity 24". Writes why not. */
bool vm_is_whole(const struct machine *m, enum test_vm vm, const char *level, const char *immovable,
	const char **ret_why);
