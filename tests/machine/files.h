/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a made-up host below a directory, as the kernel writes them. What cannot be written
 * ends the program.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/cpuset.h"

/* Creates or replaces dir/PATH, with the directories that it needs. */
void files_put(const char *dir, const char *text, const char *fmt, ...) PRINTF_LIKE(3, 4);
void files_put_n(const char *dir, const char *text, size_t n, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void files_append(const char *dir, const char *text, const char *fmt, ...) PRINTF_LIKE(3, 4);
void files_link(const char *dir, const char *target, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* One line each: a number, a cpulist, a cpumask of so many CPUs ("ffffff" of 24). */
void files_put_number(const char *dir, long long number, const char *fmt, ...) PRINTF_LIKE(3, 4);
void files_put_list(const char *dir, const struct cpuset *set, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
void files_put_mask(const char *dir, const struct cpuset *set, int n_cpus, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* The set of a cpulist, and the cpumask as the kernel pads it; malloc'ed. */
struct cpuset files_set(const char *list);
char *files_mask(const struct cpuset *set, int n_cpus) MUST_CHECK;

/* linux/sched.h: PF_KTHREAD, and with PF_NO_SETAFFINITY on top a thread that is bound to its CPU */
enum { FILES_KTHREAD = 0x00208040, FILES_BOUND = 0x04208040, FILES_USER = 0x00400100 };

struct made_thread {
	int pid, tid, ppid;
	const char *comm;
	unsigned int flags;
	uint64_t start;
	int cpu, nice, rt_priority, policy; /* policy: SCHED_… */
	const char *allowed, *mems;         /* lists */
	int n_cpus;                         /* that the kernel was booted for: how wide masks are */
	const char *group;                  /* below the cgroup mount */
};
/* stat, status, comm and cgroup, of the process too where it is its main thread; and its number in
 * the group, where that is there. */
void files_put_thread(const char *dir, const struct made_thread *t);
/* NULs in place of the separators. */
void files_put_cmdline(const char *dir, int pid, const char *words, char separator);

struct made_group {
	const char *path;                /* "": the root */
	const char *controllers, *given; /* given: cgroup.subtree_control */
	bool has_cpuset, is_old;         /* is_old: before 6.7 */
	const char *cpus, *effective, *mems;
};
void files_put_group(const char *dir, const struct made_group *g);

struct made_irq {
	int irq;
	const char *chip, *action; /* "PCI-MSIX-0000:3b:00.0   0-edge", "eth0-TxRx-0" */
	const char *cpus;
	bool is_fixed; /* the kernel's own: managed, or per CPU */
};
/* /proc/interrupts and /proc/irq; count: how often the interrupt came to the n-th CPU. */
void files_put_irqs(const char *dir, const struct cpuset *online, const struct made_irq *irqs,
	size_t n_irqs, int (*count)(int irq, int n));
