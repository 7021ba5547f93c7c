/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who runs where, as seen by looking now and then at every thread of the machine.
 *
 * A thread whose run time grew since the look before and whose last CPU is c was on c in between,
 * running or at the least next in its queue. How long it was there is not known, nor where else it
 * ran before it came there; and a thread that lives and dies between two looks is never seen. So
 * the result is a list of witnesses, not an account: a thread missing from it may still have been
 * there.
 *
 * A look costs 10 us per thread of the machine, mostly one read of schedstat each (measured on a
 * virtual EPYC, Linux 6.18: 5 ms for 489 threads, 21 ms for 2089).
 */
#pragma once

#include "base/alloc.h"
#include "host/host.h"

struct seen_thread {
	int pid, tid;
	bool is_new;                   /* it appeared after the first look */
	bool is_known;                 /* its stat was read: comm, flags, start are valid */
	uint64_t first_run_ns, run_ns; /* its run time when first and when last seen */
	uint64_t start;
	unsigned int flags;  /* PF_*, as in struct task */
	unsigned int n_ran;  /* looks that found it had run since the look before */
	struct cpuset *cpus; /* where those looks found it; NULL: it never ran */
	char comm[64];
};

struct witness {
	struct arena arena;
	ARRAY(struct seen_thread) threads; /* by pid, then tid */
	uint64_t n_looks;                  /* the first one, the base line, included */
	uint64_t look_ns;                  /* how long the last look took */
};

/* One more look. Returns 0, or -errno when /proc cannot be listed. */
int witness_look(struct host *h, struct witness *w, struct err *e) MUST_CHECK;
/* The thread, or NULL. */
const struct seen_thread *witness_thread(const struct witness *w, int pid, int tid);
/* How long it ran between the first look (or its birth) and the last that found it. */
uint64_t seen_run_ns(const struct seen_thread *t);
void witness_done(struct witness *w);
#define AUTO_WITNESS CLEANUP(witness_done)
