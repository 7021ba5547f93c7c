/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiler attributes and the cleanup idiom used everywhere. */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <dirent.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define N_ELEMENTS(a)     (sizeof(a) / sizeof((a)[0]))

/* CLEANUP(fn) runs fn(&variable) when the variable leaves its scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* DEFINE_CLEANUP(struct vm, vm_free) defines vm_freep() for CLEANUP(vm_freep) on a 'struct vm *'.
 */
#define DEFINE_CLEANUP(type, fn)                                                                   \
	static inline void fn##p(type **p)                                                         \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}

/* TAKE(p) hands the pointer over: yields its value and leaves NULL behind. */
#define TAKE(p)                                                                                    \
	({                                                                                         \
		__auto_type take_value_ = (p);                                                     \
		(p) = NULL;                                                                        \
		take_value_;                                                                       \
	})
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int take_fd_ = (fd);                                                               \
		(fd) = -1;                                                                         \
		take_fd_;                                                                          \
	})

static inline void cleanup_free_(void *p)
{
	free(*(void **)p);
}

/* Closes and keeps errno; never retries close(2): on Linux the descriptor is gone either way. */
void cleanup_close_(int *fd);
void cleanup_file_(FILE **f);
void cleanup_dir_(DIR **d);

#define AUTO_FREE  CLEANUP(cleanup_free_)
#define AUTO_CLOSE CLEANUP(cleanup_close_)
#define AUTO_FILE  CLEANUP(cleanup_file_)
#define AUTO_DIR   CLEANUP(cleanup_dir_)
