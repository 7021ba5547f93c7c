/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/status and /proc/PID/task/TID/status (Documentation/filesystems/proc.rst, table 1-2).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cpuset.h"

/* Numbers are -1 where the text has no such line, or one that is no number. */
struct task_status {
	int tgid;          /* the process of the thread */
	int pid_here;      /* its number in the pid namespace of the /proc that was read */
	int64_t uid, euid; /* real and effective */
	int n_pids; /* PID namespaces that it is in, the reader's and those below; 0: unknown */
	int64_t locked_kib, hugetlb_kib;
	int64_t voluntary, involuntary; /* context switches: it slept; somebody else got its CPU */
	bool has_cpus, has_mems;
	struct cpuset cpus_allowed, mems_allowed; /* mems: NUMA nodes */
};

/*
 *	Name:	CPU 0/KVM
 *	Tgid:	3085
 *	Uid:	0	0	0	0
 *	NSpid:	3089	12
 *	VmLck:	  524288 kB
 *	HugetlbPages:	 4194304 kB
 *	Cpus_allowed_list:	0-23
 *	Mems_allowed_list:	0-1
 *	voluntary_ctxt_switches:	150
 *	nonvoluntary_ctxt_switches:	545
 *
 * The kernel writes a newline in a name as "\n": no name can look like a line. A last line without
 * its newline is cut off, and none.
 */
void task_status_parse(const char *text, struct task_status *ret);
