/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door to the machine, for changing it. Only src/apply/ may include this file, so that "what
 * can change my machine?" is answered by one grep.
 *
 * Every function makes one change and returns 0 or the negative errno of the system call, without
 * error text. On a recording all of them are refused with -EROFS. On a tree they change the tree
 * the way a kernel would as far as the tests need it (tree.h).
 */
#pragma once

#include "host/host.h"

/* One write(2) of the text to an existing file. */
int host_write(struct host *h, const char *text, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;
/* Changes nothing. -EROFS where the file is on a file system that is mounted read-only, so that no
 * write to it can succeed; else 0, also where there is no such file. */
int host_check_writable(struct host *h, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
int host_mkdir(struct host *h, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
int host_rmdir(struct host *h, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/* Creates or replaces a regular file; its directory is made when missing. Removing it removes its
 * directory too when that became empty. */
int host_put_file(struct host *h, const char *text, const char *fmt, ...)
	PRINTF_LIKE(3, 4) MUST_CHECK;
/* The same, for one that can be executed (0755). */
int host_put_script(struct host *h, const char *text, const char *fmt, ...)
	PRINTF_LIKE(3, 4) MUST_CHECK;
int host_remove_file(struct host *h, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/* sched_setaffinity. */
int host_set_affinity(struct host *h, int tid, const struct cpuset *cpus) MUST_CHECK;

/* SetUnitProperties(runtime) with a property that is a set: AllowedCPUs, AllowedMemoryNodes. To
 * undo it, remove the drop-in that systemd wrote for it (one of the two below, of unit and
 * property) and reload: that also forgets the property. */
int host_set_unit_list(struct host *h, const char *unit, const char *property,
	const struct cpuset *set) MUST_CHECK;
/* For units with a file, and for those that systemd-run and systemd itself made. */
#define HOST_UNIT_DROPIN           "run/systemd/system.control/%s.d/50-%s.conf"
#define HOST_UNIT_DROPIN_TRANSIENT "run/systemd/transient/%s.d/50-%s.conf"

/* systemctl daemon-reload. */
int host_reload_units(struct host *h) MUST_CHECK;

/* Tells irqbalance the banned CPUs until it is restarted; an empty set lets it decide by itself. */
int host_set_irqbalance(struct host *h, const struct cpuset *banned) MUST_CHECK;

/* A process of ours that does nothing, in a cgroup (below the mount) of ours: to see what the
 * kernel does with it. It ends with this one at the latest. */
int host_start_idle(struct host *h, const char *group, int *ret_pid) MUST_CHECK;
void host_end_idle(struct host *h, int pid);
