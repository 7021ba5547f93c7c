/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drop-ins for scopes of VMs that are to start: what holds before their first instruction.
 *
 *	run/systemd/system/100.scope.d/40-wideberth-start.conf
 *		[Scope]
 *		Delegate=cpuset
 *		AllowedMemoryNodes=0
 *
 * systemd reads drop-ins of a scope that a manager makes as of any unit (systemd.unit(5)), so that
 * one that is there when the scope is made needs no daemon-reload then. They are no settings of a
 * VM: files of this name are ours alone, before them there is nothing, and all of them are said
 * anew each time. So no journal has them: the state file "starts", written when systemd has read
 * them, tells whether there is anything to do.
 *
 * A libvirt domain's scope has another name each time: its hook is told that as the domain starts,
 * and puts the drop-in then. It is read as the scope is made, without a reload, and nobody waits
 * for systemd.
 *
 *	run/systemd/system/machine-qemu\x2d1\x2dweb.scope.d/40-wideberth-start.conf
 *		[Scope]
 *		AllowedMemoryNodes=0
 */
#pragma once

#include "base/alloc.h"
#include "base/err.h"

struct host;

struct start_dropin {
	const char *unit; /* "100.scope" */
	const char *text;
};

struct start_dropins {
	struct arena arena;
	ARRAY(struct start_dropin) v; /* in any order */
};
void start_dropins_done(struct start_dropins *l);
#define AUTO_START_DROPINS CLEANUP(start_dropins_done)

/* Makes just these be there, and known to systemd; with the lock held. Returns 0 or a negative
 * errno; what was done stays, and the next call goes on. */
int start_dropins_set(struct host *h, struct start_dropins *wanted, struct err *e) MUST_CHECK;
/* One more, of a libvirt domain that is about to start; systemd reads it as it makes the scope. */
int start_dropin_put(struct host *h, const char *unit, const char *text) MUST_CHECK;
/* Takes away those of all lives of the domain. */
int start_dropins_forget_domain(struct host *h, const char *name) MUST_CHECK;
/* Those that are there of libvirt domains are wanted, as they are. */
void start_dropins_keep_domains(struct host *h, struct start_dropins *wanted);
/* What is there for the unit, malloc'ed; NULL: nothing. */
char *start_dropin_read(struct host *h, const char *unit) MUST_CHECK;
/* True where there may be any. */
bool start_dropins_exist(struct host *h);
