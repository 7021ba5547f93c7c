/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A polite QMP client: connect, ask, close, within a quarter of a second.
 *
 * A monitor serves one client at a time, and others need it too: nothing is held open, nothing is
 * sent before the greeting, and a socket where somebody else is served is left alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"

#define QMP_VM_NS     250000000ULL  /* for one VM */
#define QMP_ALL_NS    1000000000ULL /* for all VMs of managers and root of one run */
#define QMP_USER_NS   250000000ULL  /* for all VMs of another user */
#define QMP_OTHERS_NS 500000000ULL  /* for those of all other users */

struct qmp_cpu {
	int index, tid;
	int socket, core,
		thread; /* in the guest; -1 when it does not say. core: unique in a socket */
};

struct qmp_iothread {
	const char *id;
	int tid;
};

/* What the replies say. Texts live in the arena; free with qmp_facts_done(). */
struct qmp_facts {
	struct {
		struct qmp_cpu *v;
		size_t n, room;
	} cpus;
	struct {
		struct qmp_iothread *v;
		size_t n, room;
	} iothreads;
	bool has_iothreads;      /* false: it did not answer that question */
	const char *name, *uuid; /* NULL when it has none or was not asked */
};

/* Reads replies, one JSON object per line, as qmp_ask() returns them:
 *	{"return":[{"cpu-index":0,"thread-id":71,"props":{"core-id":0,…},…}],"id":"cpus"}
 * -EPROTO with text when the vCPUs are not among them. */
int qmp_parse(const char *text, struct arena *a, struct qmp_facts *ret, struct err *e) MUST_CHECK;
void qmp_facts_done(struct qmp_facts *facts);

/* What may still be spent, in ns; every ask takes its time off both. */
struct qmp_budget {
	uint64_t vm_ns, all_ns;
	uint64_t greeting_ns; /* for the greeting alone, when it is not 0 */
	/* Who must listen there: a socket file of this user's or root's, and this process behind
	 * it. A command line can name anybody's monitor. pid 0: whoever does. */
	int pid, uid; /* uid -1: unknown */
};

/*
 * A host_ask_fn: context is a struct qmp_budget, key the socket's path. Returns 0 with the replies,
 * or
 *	-ETIME		not asked: no budget left
 *	-ECONNREFUSED	nobody listens there
 *	-EBUSY		no greeting in time: it serves somebody else, or QEMU hangs
 *	-ETIMEDOUT	greeted, but not all answers came in time
 *	-ECONNRESET	closed before the last answer
 *	-EPROTO		what came is not QMP
 *	-EMSGSIZE	an answer of more than 256 KiB
 *	-ENOTSOCK	what has that path is no socket
 *	-EOWNERDEAD	the socket is another user's, or another process listens there
 * or the errno of connect(2), such as -EACCES. -ENOENT is never returned: it is what host_ask()
 * says where there is no machine to ask.
 */
int qmp_ask(void *context, const char *key, char **ret_text) MUST_CHECK;

/* These outcomes in words. */
const char *qmp_outcome(int code);
