/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The readers of the snapshot's parts, and what they share; not for other rooms. */
#pragma once

#include "base/confined.h"
#include "host/host.h"
#include "model/snapshot.h"

/* False: the kernel's files do not say which CPUs there are; then read_topology() does. */
bool read_cpu_sets(struct host *h, struct snapshot *s) MUST_CHECK;
/* Where hwloc reads in a process of its own (a tree), that begins. */
int begin_topology(struct host *h, struct confined *ret, struct err *e) MUST_CHECK;
/* After read_cpu_sets(), and begin_topology(). */
int read_topology(
	struct host *h, struct snapshot *s, struct confined *begun, struct err *e) MUST_CHECK;
/* False, and none: the kernel's files do not say which CPUs each node has. */
bool read_nodes(struct host *h, struct snapshot *s) MUST_CHECK;
void read_distances(struct host *h, struct snapshot *s);
void read_kinds(struct host *h, struct snapshot *s);
void read_memory(struct host *h, struct snapshot *s);
void read_irqs(struct host *h, struct snapshot *s);
int read_tasks(struct host *h, struct snapshot *s, struct err *e) MUST_CHECK;
void read_cgroups(struct host *h, struct snapshot *s);
/* The group's cpuset.cpus.effective as it is now; as read_cpulist(). */
const struct cpuset *read_effective(struct host *h, struct snapshot *s, const struct cgroup *g);
void read_zones(struct host *h, struct snapshot *s);
void read_tunables(struct host *h, struct snapshot *s);
void read_power(struct host *h, struct snapshot *s);
void read_pci(struct host *h, struct snapshot *s);
/* Behind read_irqs() and read_pci(): whose interrupt it is, and whether it is managed. */
void read_irq_devices(struct host *h, struct snapshot *s);
void read_irq_states(struct host *h, struct snapshot *s);

/* Notes the first line of the file that is not in the kernel's format, when there is one: what a
 * parser of the kernel room returned. */
void note_odd(struct snapshot *s, const char *path, int odd);

/* Adds a note for people: something could not be read or made no sense. */
void snapshot_note(struct snapshot *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The file as it is, as host_read() has it. One that is there and no file gets a note; of one that
 * is absent, or not for this user, there is nothing to tell. */
int read_file(struct host *h, struct snapshot *s, const char *path, char **ret) MUST_CHECK;
/* The file as trimmed text in the arena, or NULL when it is absent or unreadable. */
const char *read_text(struct host *h, struct snapshot *s, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The file as a decimal number, perhaps negative; ABSENT when absent; a note and ABSENT when it is
 * none. */
int64_t read_number(struct host *h, struct snapshot *s, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The file as a hexadecimal number, with or without "0x"; as read_number(). */
int64_t read_hex(struct host *h, struct snapshot *s, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The file as a cpulist, interned; NULL when absent; a note and NULL when it is not a list. */
const struct cpuset *read_cpulist(struct host *h, struct snapshot *s, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
const struct cpuset *read_cpumask(struct host *h, struct snapshot *s, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
